"""The same configuration trained by plain Lightning and by us, each in a fresh process, and compared."""

import importlib
import json
import multiprocessing
import os
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch

from tests.tuner.training.random_sections import Section
from tuner.workers.processes.fork_server import warm_up

THREADS = 1
SECONDS = 120.0  # that a training may take


def warm_up_for_sections(section: Section) -> None:
    """Start the server whose children train, with what they import."""
    warm_up(["tests.tuner.training.odd_modules", "tests.tuner.training.both_sides"], section.configuration)


def in_process(train: Callable[..., None], folder: Path, *arguments: Any) -> dict[str, Any]:
    """Train in a process of its own and give what it wrote: a curve, or the error that it ended with."""
    folder.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.get_context("forkserver").Process(
        target=_guarded, args=(train, folder, arguments)
    )
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return {"error": "timeout"}
    with suppress(FileNotFoundError):
        return dict(json.loads((folder / "result.json").read_text()))
    return {"error": f"exit {process.exitcode}"}


def _guarded(train: Callable[..., None], folder: Path, arguments: tuple[Any, ...]) -> None:
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(folder)
    torch.set_num_threads(THREADS)
    try:
        result = train(folder, *arguments)
    except Exception as error:  # noqa: BLE001 - whatever a section ends with is a result
        traceback.print_exc()
        result = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    (folder / "result.json").write_text(json.dumps(result))


def plain(folder: Path, section: Section) -> dict[str, Any]:
    """Train with `Trainer.fit` and nothing of ours; a callback of its own reads the metric."""
    from pytorch_lightning import Trainer, seed_everything
    from pytorch_lightning.callbacks import Checkpoint

    from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS

    class Reader(Checkpoint):
        """Reads `score` where the module says that it has logged it; runs behind the module's own hooks."""

        def __init__(self) -> None:
            self.validated: list[float] = []
            self.trained: list[float] = []

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Forget what was logged before the training, such as by a learning-rate finder."""
            pl_module.has_logged = False

        def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
            """Forget what was logged in training."""
            pl_module.was_logged, pl_module.has_logged = pl_module.has_logged, False

        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            """Read what was logged in this validation."""
            if pl_module.has_logged and not trainer.sanity_checking:
                self.validated.append(float(trainer.callback_metrics["score"]))
            pl_module.has_logged = pl_module.was_logged

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            """Read what was logged in this epoch."""
            if pl_module.has_logged:
                self.trained.append(float(trainer.callback_metrics["score"]))
            pl_module.has_logged = False

    seed_everything(section.seed, workers=True, verbose=False)
    written = section.configuration["trainer"]
    arguments = {**TRAINER_DEFAULTS, **{key: made(value) for key, value in written.items()}}
    named = {item["class_path"].rpartition(".")[2] for item in written.get("callbacks", [])}
    if named & {"ModelCheckpoint", "OnExceptionCheckpoint"}:
        arguments["enable_checkpointing"] = True
    if "TQDMProgressBar" in named:
        arguments["enable_progress_bar"] = True
    model = {**section.configuration["model"]["init_args"], "out": str(folder / "weights.pt")}
    module = made({**section.configuration["model"], "init_args": model})
    data = made(section.configuration["data"])
    trainer = Trainer(**arguments)
    reader = Reader()
    trainer.callbacks.append(reader)
    trainer.fit(module, datamodule=data)
    return {"curve": reader.validated or reader.trained}


def made(part: Any) -> Any:
    """Make what a configuration describes."""
    if isinstance(part, list):
        return [made(item) for item in part]
    if not isinstance(part, Mapping) or "class_path" not in part:
        return part
    module, _, name = part["class_path"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**part.get("init_args", {}))


def ours(folder: Path, section: Section, **changes: Any) -> dict[str, Any]:
    """Train as a trial does."""
    from tuner.training.fitting.fit import fit

    end = fit(_task(folder, section), lambda *_: False)
    return _result(end)


def left(folder: Path, section: Section, seed: int, part: int) -> dict[str, Any]:
    """Train as a trial that goes on with the checkpoint of an earlier part, and leave at a random moment."""
    from tuner.training.fitting.fit import fit

    draw = Random(f"{seed}-{part}")  # noqa: S311
    calls = draw.randint(1, 25)
    seconds = draw.choice([0.0, 1e9])  # at once, or at the end of the epoch
    asked = 0

    def time_left() -> float | None:
        nonlocal asked
        asked += 1
        return seconds if asked > calls else None

    earlier = [folder.parent / f"part-{number}" / "state.ckpt" for number in range(part)]
    found = [str(file) for file in earlier if file.exists()]
    task = replace(
        _task(folder, section),
        checkpoint=str(folder / "state.ckpt"),
        every=0.0,
        resume=found[-1] if found else None,
        place=folder.parent / "study" / "trial-0" if found else folder / "study" / "trial-0",
    )
    end = fit(task, lambda *_: False, (lambda: None) if part == 2 else time_left)
    return _result(end)


def _result(end: Any) -> dict[str, Any]:
    from tuner.training.resuming.exactness import INEXACT

    return {
        "curve": list(end.scores),
        "steps": list(end.steps),
        "ending": end.ending.value,
        "cause": end.cause,
        "announced": list(end.facts.get(INEXACT, [])),
    }


def _task(folder: Path, section: Section) -> Any:
    from tuner.training.assignment import Assignment, Objective

    model = section.configuration["model"]
    arguments = {**model["init_args"], "out": str(folder / "weights.pt")}
    configuration = {**section.configuration, "model": {**model, "init_args": arguments}}
    return Assignment(
        configuration, section.seed, Objective("score"), threads=THREADS, place=folder / "study" / "trial-0"
    )


def difference(first: dict[str, Any], second: dict[str, Any], folders: tuple[Path, Path]) -> str:
    """Say how the results of two trainings differ; nothing where they are equal to the last bit."""
    if "error" in first or "error" in second:
        return "" if "error" in first and "error" in second else f"{first} / {second}"
    if first["curve"] != second["curve"]:
        return f"curves {first['curve']} / {second}"
    one, other = (torch.load(folder / "weights.pt", weights_only=True) for folder in folders)
    names = [name for name in one if not torch.equal(one[name], other[name])]
    return f"weights {names}" if names or set(one) != set(other) else ""
