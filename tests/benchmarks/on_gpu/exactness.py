"""What is equal to the last bit on a GPU: a trial and plain Lightning, a resumed and an unbroken one."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from studies.trials.outcomes import Outcome
from tests.benchmarks.on_gpu.modules import KINDS
from tests.benchmarks.on_gpu.place import MODULES, Place, Promise, own_study
from tests.tuner.training.by_processes import FunctionLine, train
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending, Fit
from tuner.training.resuming.exactness import INEXACT

EPOCHS = 5
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")
# Plain LightningCLI, which knows nothing of us; it prints the last value of the metric to the last bit.
PLAIN = (
    "import sys; from pytorch_lightning.cli import LightningCLI; "
    "print(float(LightningCLI().trainer.callback_metrics['val_loss']).hex())"
)
COCKTAIL = """
study: {{name: cocktail, metric: val_loss, trials: {trials}, exploration: 1.0, threads: 1,
         score: last, confirm: 0}}
trainer: {{max_epochs: 3, accelerator: ACCELERATOR, deterministic: {deterministic}}}
model: {{class_path: tuner.modules.{module}, init_args: {{{sizes}}}}}
data: {{class_path: {data}}}
space: {{use: {space}}}
"""
IMAGES = {"module": "ConvClassifier", "sizes": "channels: 1, classes: 10", "data": f"{MODULES}.Images"}
VECTORS = {"module": "MLPClassifier", "sizes": "hidden: [64, 64]", "data": "tuner.data.Digits"}


def exported(place: Place, name: str) -> Iterator[tuple[int, float, Path]]:
    """Write each completed trial of a study as a file for plain LightningCLI, with its score."""
    from tuner.results.export import export

    ledger = place.ledger(name)
    os.chdir(place.folder)
    sys.path.insert(0, str(place.folder))
    for record in ledger.records():
        if record.outcome is Outcome.COMPLETED:
            path = place.folder / f"{name}-{record.number}.yaml"
            export(ledger, record, path)
            assert record.score is not None
            yield record.number, record.score, path


def against_plain(place: Place, spec: Mapping[str, str], deterministic: str) -> str:
    """Compare the scores of every trial with plain LightningCLI's in a fresh process."""
    text = COCKTAIL.format(
        trials=8, deterministic=deterministic, space="recipe.cocktail" if spec is VECTORS else "model", **spec
    )
    place.well("run", place.study("cocktail", text), "--workers", "4", "--no-sharpness")
    processes = {}
    for number, score, path in exported(place, "cocktail"):
        command = [sys.executable, "-W", "ignore", "-c", PLAIN, "fit", "--config", str(path)]
        environment = place.environment({"OMP_NUM_THREADS": "1"})
        process = subprocess.Popen(
            command,
            cwd=place.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes[number] = score, process
    assert len(processes) >= 4, place.outcomes("cocktail")
    differing = []
    for number, (score, process) in processes.items():
        out, err = process.communicate()
        assert process.returncode == 0, err[-2000:]
        if float.fromhex(out.split()[-1]) != score:
            differing.append(number)
    if deterministic == "true":
        assert not differing, f"trials {differing} of {len(processes)} differ"
    return f"{len(processes) - len(differing)} of {len(processes)} equal"


def assignment(place: Place, kind: str, **trainer: Any) -> Assignment:
    """Describe a training of one of the kinds of module."""
    configuration = {
        "trainer": {"max_epochs": EPOCHS, "accelerator": place.accelerator, "devices": 1, **trainer},
        "model": {"class_path": f"{MODULES}.OwnConvolutions", "init_args": {"kind": kind}},
        "data": {"class_path": f"{MODULES}.Images"},
    }
    return Assignment(configuration, seed=3, objective=Objective("val_loss"), threads=1)


def whole(task: Assignment, folder: Path, name: str) -> Fit:
    """Train to the end."""
    end = train(replace(task, keep=folder / f"{name}.ckpt", log=folder / f"{name}.log"))
    assert isinstance(end, Fit), (name, end, (folder / f"{name}.log").read_text()[-2000:])
    assert end.ending is Ending.COMPLETED, end
    return end


def left(task: Assignment, folder: Path, name: str, validations: int) -> Assignment:
    """Train some epochs, leave, and give what goes on from there."""
    stop = threading.Event()

    def heard(step: int, score: float) -> bool:
        if step >= validations:
            stop.set()
        return False

    file = str(folder / f"{name}-{validations}.state")
    line = FunctionLine(heard, stop=stop, grace=60.0)
    end = train(replace(task, checkpoint=file, log=folder / f"{name}-left.log"), line)
    assert isinstance(end, Fit), (name, end, (folder / f"{name}-left.log").read_text()[-2000:])
    assert end.ending is Ending.INTERRUPTED, end
    return replace(task, resume=file)


def differences(first: Fit, second: Fit, folder: Path, names: tuple[str, str]) -> list[str]:
    """Say in what two trainings differ: scores, weights, facts."""
    found = [] if first.scores == second.scores else [f"scores {first.scores} and {second.scores}"]
    one, other = (torch.load(folder / f"{name}.ckpt", map_location="cpu")["state_dict"] for name in names)
    found += [f"weight {name}" for name in one if not torch.equal(one[name], other[name])]
    facts = {key: (first.facts.get(key), second.facts.get(key)) for key in ("facts", "facts_missing")}
    return found + [f"{key} {one} and {other}" for key, (one, other) in facts.items() if one != other]


def resumed(place: Place, kind: str, deterministic: bool) -> str:  # noqa: FBT001 - a promise each
    """Leave a training twice and go on, in each precision, and compare with one that was not left."""
    broken, announced, equal = [], set(), 0
    precisions = ("32-true",) if place.accelerator == "cpu" else PRECISIONS
    for precision in precisions:
        task = assignment(
            place, kind, precision=precision, **({"deterministic": True} if deterministic else {})
        )
        first = whole(task, place.folder, precision)
        again = left(left(task, place.folder, precision, 1), place.folder, precision, 3)
        second = whole(again, place.folder, f"{precision}-resumed")
        found = differences(first, second, place.folder, (precision, f"{precision}-resumed"))
        said = set(first.facts.get(INEXACT, ()))
        announced |= said
        equal += not found
        broken += [f"{precision}: {difference}" for difference in found if deterministic or not said]
    assert not broken, "; ".join(broken)[:1500]
    return f"{equal} of {', '.join(precisions)} equal; announced: {sorted(announced) or 'nothing'}"


def repeated(place: Place) -> str:
    """Train the same four times, with and without `deterministic`: no resumed training can do better."""
    said = []
    for name, trainer in (("default", {}), ("deterministic", {"deterministic": True})):
        ends = [
            whole(assignment(place, "plain", **trainer), place.folder, f"{name}-{each}") for each in range(4)
        ]
        said.append(f"{name}: {len({end.scores for end in ends})} different results of {len(ends)}")
    return "; ".join(said)


def differential(place: Place, half: str, shards: int = 6, sections: int = 7) -> str:
    """Train random trainer sections on both sides; see `tests/benchmarks/differential.py`."""
    words = ["-m", "tests.benchmarks.differential", "--half", half, "--accelerator", place.accelerator]
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *words, "--sections", str(sections), "--seed", str(100 + shard),
             "--results", f"{half}-{shard}.jsonl"],
            cwd=place.folder, env=place.environment({}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )
        for shard in range(shards)
    ]  # fmt: skip
    said = [process.communicate()[0] for process in processes]
    lines = [
        json.loads(line) for file in place.folder.glob("*.jsonl") for line in file.read_text().splitlines()
    ]
    kinds = [line["kind"] for line in lines]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    assert all(process.returncode == 0 for process in processes), f"{counts}\n" + "\n".join(said)[-3000:]
    assert len(lines) == shards * sections
    return counts


def compiled(place: Place) -> str:
    """Train a module that compiles its network."""
    text = own_study("compiled", module=f"{MODULES}.OwnCompiled", trials=2)
    place.well("run", place.study("compiled", text), "--no-sharpness", "--no-rehearsal")
    assert place.outcomes("compiled") == ["completed"] * 2
    return ""


PROMISES = [
    *(
        Promise(
            f"plain-{name}-{mode}",
            f"a trial of {spec['module']} scores what plain LightningCLI scores, deterministic: {mode}",
            lambda place, spec=spec, mode=mode: against_plain(place, spec, mode),
        )
        for name, spec in (("vectors", VECTORS), ("images", IMAGES))
        for mode in ("true", "false")
    ),
    *(
        Promise(
            f"resumed-{kind}-{'deterministic' if strict else 'default'}",
            f"a training that was left twice ends as one that was not, or it was announced ({kind})",
            lambda place, kind=kind, strict=strict: resumed(place, kind, strict),
        )
        for kind in KINDS
        for strict in (True, False)
    ),
    Promise("repeated", "the same training twice: how many different results there are", repeated),
    Promise("sections-plain", "a random section is what plain Lightning trains",
            lambda place: differential(place, "plain"), 200),
    Promise("sections-resumed", "a random section that was left ends as one that was not",
            lambda place: differential(place, "resumed"), 200),
    Promise("compiled", "a module that compiles its network is trained", compiled),
]  # fmt: skip
