"""What goes wrong on a GPU goes wrong for one trial: memory, kernels, killed workers, imports."""

import os
import signal
import subprocess
import sys
import time

from studies.trials.outcomes import Outcome
from tests.benchmarks.on_gpu.modules import TOUCHES, touching
from tests.benchmarks.on_gpu.place import MODULES, Place, Promise, outcome_name, own_study

HUGE = 4000  # GiB


def completes(place: Place, name: str, workers: int, text: str, *options: str) -> str:
    """Run a study to its end."""
    said = place.well("run", place.study(name, text), "--workers", str(workers), *options)
    outcomes = place.outcomes(name)
    assert set(outcomes) <= {"completed", "pruned", "diverged", "paused"}, outcomes
    assert "completed" in outcomes
    return f"{len(outcomes)} trials" + (" ".join([":", *said.splitlines()[:3]]) if options else "")


def digits(place: Place, accelerator: str, workers: int) -> str:
    """Run the shipped study, shortened."""
    sets = [f"trainer.accelerator={accelerator}", "trainer.max_epochs=3", "study.confirm=2"]
    words = [word for each in sets for word in ("--set", each)]
    said = place.well("run", "digits", "--trials", "8", "--workers", str(workers), *words)
    outcomes = place.outcomes("digits")
    assert set(outcomes) <= {"completed", "pruned", "diverged"}, outcomes
    assert "cannot" not in said, said
    return f"{len(outcomes)} trials"


def left_to_the_machine(place: Place) -> str:
    """Train with `devices: auto` and `accelerator: auto`, on the one device that there is."""
    place.tuner("delete", "auto", "--yes")
    wants = f"wants: {place.device}"
    text = own_study("auto", init_args=wants, trainer=", devices: auto").replace("ACCELERATOR", "auto")
    said = place.well("run", place.study("auto", text), "--workers", "2")
    assert place.outcomes("auto") == ["completed"] * 3
    assert "GPUs" not in said, said
    return ""


def out_of_memory(place: Place) -> str:
    """Let a third of the trials ask for more memory than there is."""
    text = own_study("memory", trials=6, space=f"model.init_args.size: {{choices: [0, {HUGE}]}}")
    place.tuner("run", place.study("memory", text), "--no-sharpness")
    found = {
        (record.values["model.init_args.size"], outcome_name(record))
        for record in place.ledger("memory").records()
    }
    assert found == {(0, "completed"), (HUGE, Outcome.OUT_OF_MEMORY.value)}, found
    causes = {record.cause for record in place.ledger("memory").records() if record.cause}
    return f"{min(causes)[:150]}"


FILLER = """
import sys, torch
kept = []
for size in (2**30, 2**26, 2**21):
    try:
        while True:
            kept.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
    except torch.OutOfMemoryError:
        pass
print("full", flush=True)
sys.stdin.read()
"""


def full_gpu(place: Place) -> str:
    """Train while another program holds all memory of the GPU, and again when it has left."""
    filler = subprocess.Popen(
        [sys.executable, "-c", FILLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert filler.stdin is not None
    assert filler.stdout is not None
    try:
        assert filler.stdout.readline() == "full\n"
        place.tuner(
            "run", place.study("full", own_study("full", trials=1)), "--no-rehearsal", "--no-sharpness"
        )
        first = place.ledger("full").records()
    finally:
        filler.kill()
        filler.wait()
    assert {record.outcome for record in first} == {Outcome.OUT_OF_MEMORY}, [
        (record.outcome, record.cause) for record in first
    ]
    place.well("run", place.study("full", own_study("full", trials=1)), "--no-sharpness", "--trials", "3")
    assert "completed" in place.outcomes("full")
    return f"{len(first)} attempts: {str(first[0].cause)[:150]}"


def assertion_on_the_device(place: Place) -> str:
    """Let some trials index behind the end of a tensor in a kernel."""
    text = own_study("kernel", trials=8, space="model.init_args.label: {choices: [0, 90]}")
    place.tuner("run", place.study("kernel", text), "--no-sharpness")
    records = place.ledger("kernel").records()
    found = {(record.values["model.init_args.label"], outcome_name(record)) for record in records}
    assert found == {(0, "completed"), (90, "failed")}, found
    cause = next(record.cause for record in records if record.outcome is Outcome.FAILED)
    assert cause is not None
    logs = "".join(file.read_text() for file in place.folder.glob("runs/kernel/logs/*.log"))
    if place.accelerator == "gpu":
        assert "device-side assert" in cause, cause
        assert "Assertion" in logs, logs[-1000:]
    return repr(cause)


def on_the_gpu() -> dict[int, str]:
    """Give the processes that use a GPU, and their memory."""
    words = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(line.split(",")[0]): line.split(",")[1].strip() for line in lines if line.strip()}


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] != "Z"


def killed(place: Place) -> str:
    """Kill a run with -9 while its trials are on the GPU; nothing is left, and the same command goes on."""
    file = place.study("killed", own_study("killed", module=f"{MODULES}.OwnLasting", epochs=8, trials=4))
    gpus = [] if place.accelerator == "cpu" else ["--gpus", "0"]
    run = place.begin(
        "run", file, "--workers", "1", "--no-sharpness", "--no-rehearsal", "--grace", "1", *gpus
    )
    deadline = time.monotonic() + 60
    while not (seen := list(place.folder.glob("process-*"))) and time.monotonic() < deadline:
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    children = [int(path.name.partition("-")[2]) for path in seen]
    assert children
    used = on_the_gpu() if gpus else {}
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    began = time.monotonic()
    while (left := {child for child in children if _lives(child)}) and time.monotonic() < began + 30:
        time.sleep(0.02)
    took = time.monotonic() - began
    while (listed := set(children) & set(on_the_gpu() if gpus else ())) and time.monotonic() < began + 30:
        time.sleep(0.2)
    free = time.monotonic() - began
    assert not left | listed, (left, listed)
    place.well("run", file, "--no-sharpness", *gpus)
    finished = [record for record in place.ledger("killed").records() if record.outcome is Outcome.COMPLETED]
    assert len(finished) == 4
    held = [used.get(child, "not listed") for child in children]
    return f"gone after {took:.2f} s, unlisted after {free:.1f} s; they held {held}"


def touched_at_import(place: Place, kind: str) -> str:
    """Train a module whose file uses the GPU while it is imported."""
    (place.folder / "touching.py").write_text(touching(kind))
    text = own_study("touched", module="touching.Touching", init_args=f"wants: {place.device}")
    place.well("run", place.study("touched", text), "--workers", "2", "--no-sharpness")
    assert place.outcomes("touched") == ["completed"] * 3, place.outcomes("touched")
    return ""


PROMISES = [
    *(
        Promise(
            f"digits-{accelerator}-{workers}",
            f"the study digits completes, accelerator: {accelerator}, {workers} workers",
            lambda place, accelerator=accelerator, workers=workers: digits(
                place, place.accelerator if accelerator == "gpu" else accelerator, workers
            ),
        )
        for accelerator, workers in (("gpu", 1), ("gpu", 2), ("auto", 1), ("auto", 2))
    ),
    *(
        Promise(
            f"images-{workers}",
            f"a study of a convolutional network completes, {workers} workers",
            lambda place, workers=workers: completes(place, "images", workers, own_study("images", trials=6)),
        )
        for workers in (1, 2)
    ),
    Promise("auto", "`auto` is the GPU, and one GPU needs no sentence", left_to_the_machine),
    Promise("memory", "a trial that is out of CUDA memory is told so, and the next is fine", out_of_memory),
    Promise("full", "a trial that begins on a full GPU is out of memory", full_gpu, 120, alone=True),
    Promise("kernel", "an assertion in a kernel fails one trial, with its cause", assertion_on_the_device),
    Promise("killed", "a worker that is killed leaves neither a process nor memory", killed),
    *(
        Promise(
            f"import-{number}",
            f"a module may use the GPU while it is imported: {kind}",
            lambda place, kind=kind: touched_at_import(place, kind),
        )
        for number, kind in enumerate(TOUCHES)
    ),
]
