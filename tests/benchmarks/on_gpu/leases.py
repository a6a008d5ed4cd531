"""`--gpus`: which GPUs a worker takes, and what is refused in one sentence."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.on_gpu.modules import KINDS
from tests.benchmarks.on_gpu.place import MODULES, Place, Promise, own_study

TABLE = """
study: {name: mine, metric: val_loss, trials: 4, threads: 1, exploration: 1.0, confirm: 0}
trainer: {max_epochs: 3, accelerator: ACCELERATOR}
model: {class_path: tuner.modules.MLPClassifier, init_args: {features: null, classes: null, hidden: [8]}}
data: {class_path: tuner.data.Table, init_args: {path: table.csv, target: ill}}
space: {use: optimizer}
"""


def names() -> list[str]:
    """Give what `nvidia-smi -L` calls the GPUs: `GPU-` and digits."""
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"UUID: ((?:GPU|MIG)-[\w/-]+)", listed)


def asked(place: Place) -> str:
    """Ask for GPUs that there are, in every way."""
    file = place.study("asked", own_study("asked", init_args="wants: cuda", trials=20, epochs=1))
    ways: list[tuple[str, dict[str, str]]] = [
        ("0", {}), ("auto", {}), (names()[0], {}), ("auto", {"CUDA_VISIBLE_DEVICES": "0"}),
        ("auto", {"CUDA_VISIBLE_DEVICES": names()[0]}), ("0", {"CUDA_VISIBLE_DEVICES": "0"}),
    ]  # fmt: skip
    for number, (gpus, extra) in enumerate(ways):
        words = ["run", file, "--gpus", gpus, "--trials", str(number + 1), "--no-sharpness", "--quiet"]
        place.well(*words, *(["--no-rehearsal"] if number else []), **extra)
    assert place.outcomes("asked") == ["completed"] * len(ways)
    return f"{len(ways)} ways"


REFUSED: list[tuple[str, int, dict[str, str]]] = [
    ("auto", 2, {}),
    ("0", 2, {}),
    ("7", 1, {}),
    ("0,7", 2, {}),
    ("GPU-00000000-0000-0000-0000-000000000000", 1, {}),
    ("MIG-00000000-0000-0000-0000-000000000000", 1, {}),
    ("auto", 1, {"CUDA_VISIBLE_DEVICES": ""}),
    ("auto", 1, {"CUDA_VISIBLE_DEVICES": "-1"}),
    ("auto", 1, {"CUDA_VISIBLE_DEVICES": "7"}),
    ("0", 1, {"CUDA_VISIBLE_DEVICES": ""}),
]


def refused(place: Place) -> str:
    """Ask for GPUs that there are not: one sentence each, exit code 2, and no trial."""
    said, wrong, processes = [], [], []
    for number, (gpus, workers, extra) in enumerate(REFUSED):
        text = own_study(f"refused{number}", trials=1, epochs=1).replace("ACCELERATOR", "auto")
        file = place.study(f"refused{number}", text)
        words = ["run", file, "--gpus", gpus, "--workers", str(workers)]
        words += ["--no-rehearsal", "--no-sharpness", "--quiet", "--storage", f"sqlite:///{number}.db"]
        own = {"TMPDIR": str(place.folder / str(number)), **extra}
        Path(own["TMPDIR"]).mkdir()
        processes.append((f"--gpus {gpus} --workers {workers} {extra}", place.begin(*words, **own)))
    for asked_for, process in processes:
        _, err = process.communicate()
        what = f"{asked_for}: {process.returncode} {err.strip()[-300:]}"
        said.append(what)
        if process.returncode != 2 or "Traceback" in err:
            wrong.append(what)
    assert not wrong, "\n".join(wrong)
    return "\n    ".join(said)


def leased(place: Place) -> str:
    """While one run has a GPU, another is refused it, by whichever name; when it is gone, not."""
    lasting = own_study("first", module=f"{MODULES}.OwnLasting", epochs=200, trials=1)
    words = [
        "run",
        place.study("first", lasting),
        "--gpus",
        "0",
        "--no-rehearsal",
        "--no-sharpness",
        "--grace",
        "0",
    ]
    first = place.begin(*words)
    deadline = time.monotonic() + 60
    while not list(place.folder.glob("process-*")) and time.monotonic() < deadline:
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    again = place.study("second", own_study("second", trials=1, epochs=1))
    short = ["--no-rehearsal", "--no-sharpness", "--quiet"]
    try:
        wrong = {name for name in ("0", "auto", names()[0])
                 if place.tuner("run", again, "--gpus", name, *short).code != 2}  # fmt: skip
    finally:
        first.terminate()
        first.communicate()
    place.well("run", again, "--gpus", "0", *short)
    assert not wrong, f"{wrong} was given to two"
    return ""


def put_to_use(place: Place) -> str:
    """Tune on a table, then measure, confirm, train again, report and predict, with and without the GPU."""
    from tests.tuner.data.tables import patients

    frame = patients()
    frame.to_csv(place.folder / "table.csv", index=False)
    frame.drop(columns="ill").to_csv(place.folder / "rows.csv", index=False)
    place.well("run", place.study("mine", TABLE), "--workers", "2", "--no-sharpness")
    best = json.loads(place.well("best", "mine", "--json"))
    number = str(best["trial"] if "trial" in best else best["number"])
    place.well("trial", "mine", number, "--sharpness")
    place.well("predict", "mine", "rows.csv", "--output", "with.csv")
    without = place.tuner("predict", "mine", "rows.csv", "--output", "without.csv", CUDA_VISIBLE_DEVICES="")
    place.well("confirm", "mine", "--top", "2", "--seeds", "2")
    place.well("retrain", "mine", "--seeds", "2")
    place.well("report", "mine", "--output", "mine.html")
    assert without.code == 0, without.err[-1500:]
    assert (place.folder / "with.csv").read_text() == (place.folder / "without.csv").read_text()
    return "predictions with and without the GPU are equal to the last digit"


def same_sharpness(place: Place) -> str:
    """Measure the same weights on the GPU and on the CPU."""
    from tuner.training.sharpness.measure import measure

    text = own_study("sharp", trials=1, epochs=3)
    place.well("run", place.study("sharp", text), "--no-sharpness")
    (file,) = place.folder.glob("runs/sharp/*.ckpt")
    configuration = place.ledger("sharp").trial(0).user_attrs["configuration"]
    found = [
        measure(
            {**configuration, "trainer": {**configuration["trainer"], "accelerator": accelerator}},
            Path(file),
            1,
        )
        for accelerator in (place.accelerator, "cpu")
    ]
    ratios = {key: found[0][key] / found[1][key] for key in ("loss", "eigenvalue", "trace", "adaptive")}
    assert all(0.95 < ratio < 1.05 for ratio in ratios.values()), ratios
    seconds = [round(each["seconds"], 1) for each in found]
    return f"{ {key: round(value, 4) for key, value in ratios.items()} }, {seconds[0]} and {seconds[1]} s"


CROSSING = """
import sys, json
from dataclasses import replace
from pathlib import Path
from tests.benchmarks.on_gpu.exactness import assignment, left, whole
from tests.benchmarks.on_gpu.place import Place
from tuner.training.resuming.exactness import INEXACT
if __name__ == "__main__":
    folder, kind, part = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    task = assignment(Place(folder, "auto"), kind)
    if part == "left":
        left(task, folder, kind, 2)
    else:
        end = whole(replace(task, resume=str(folder / f"{kind}-2.state")), folder, f"{kind}-resumed")
        print(json.dumps([end.scores, end.facts.get(INEXACT), end.facts.get("facts_missing")]))
"""


def crossing(place: Place, first: dict[str, str], second: dict[str, str]) -> str:
    """Leave a training on one kind of device, and go on on the other; it says that it may end otherwise."""
    script, wrong, said = place.folder / "crossing.py", [], set()
    script.write_text(CROSSING)
    for part, extra in (("left", first), ("resumed", second)):
        processes = {
            kind: subprocess.Popen(
                [sys.executable, "-W", "ignore", str(script), str(place.folder), kind, part],
                cwd=place.folder, env=place.environment(extra), stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )
            for kind in KINDS
        }  # fmt: skip
        for kind, process in processes.items():
            out, err = process.communicate()
            if process.returncode:
                wrong.append(f"{kind}, {part}: {err[-700:]}")
            elif part == "resumed":
                scores, inexact, missing = json.loads(out.splitlines()[-1])
                said |= set(inexact or ["nothing announced"])
                if len(scores) != 5 or not inexact or missing:
                    wrong.append(f"{kind}: {scores}, announced {inexact}, missing {missing}")
    assert not wrong, "\n".join(wrong)
    return f"announced: {sorted(said)}"


HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}
PROMISES = [
    Promise("asked", "`--gpus` takes a GPU by each of its names", asked),
    Promise("refused", "`--gpus` with what is not there is refused in one sentence", refused),
    Promise("leased", "a GPU that one run has is refused to others", leased),
    Promise("use", "weights from a GPU are measured, confirmed, trained again, put to use without one",
            put_to_use, 240),
    Promise("sharpness", "sharpness on the GPU is that of the CPU within 5 %", same_sharpness),
    Promise("to-cpu", "a training that a GPU left goes on on a CPU, and says so",
            lambda place: crossing(place, {}, HIDDEN)),
    Promise("to-gpu", "a training that a CPU left goes on on a GPU, and says so",
            lambda place: crossing(place, HIDDEN, {})),
]  # fmt: skip
