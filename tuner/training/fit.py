"""One fit: a configuration in, scores out, nothing known of studies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import seed_everything

from tuner.training.assembly import Assembly, assemble
from tuner.training.class_paths import package_of
from tuner.training.facts import facts_class
from tuner.training.observer import Diverged, Interrupted, Observer, Report, Stopped, observer_class
from tuner.training.task import Task


class Ending(Enum):
    """How a fit ended, errors aside."""

    COMPLETED = "completed"
    STOPPED = "stopped"  # the report asked for it
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Fit:
    """What came of a task: how it ended, the metric at each validation, the score, the cause, the file.

    `facts` is what else the training has to say of itself, as plain data.
    """

    ending: Ending
    scores: tuple[float, ...]
    score: float | None
    cause: str = ""
    kept: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def fit(task: Task, report: Report, interrupted: Callable[[], bool] = lambda: False) -> Fit:
    """Train a configuration.

    The seed governs the initial weights, the order of the data and everything random in the training: the
    same task gives the same scores on the same machine.

    Args:
        task: what to fit.
        report: called with the number and the score of each validation; the fit stops where it returns true.
        interrupted: asked at every batch whether to end at once.

    Raises:
        TunerError: the configuration is wrong, or the metric is never logged.
        Exception: whatever the user's code raises.
    """
    package = package_of(task.configuration)
    observer = observer_class(package)(task, report, interrupted)
    watch = facts_class(package)() if task.facts else None
    if task.threads is not None:
        torch.set_num_threads(task.threads)
    seed_everything(task.seed, workers=True, verbose=False)
    assembly = assemble(task.configuration, [observer, *([watch] if watch else [])])
    result = _fit(task, observer, assembly)
    logged = assembly.trainer.callback_metrics
    return replace(result, facts={"facts": watch.facts(logged, task.metric)}) if watch else result


def _fit(task: Task, observer: Observer, assembly: Assembly) -> Fit:
    try:
        assembly.trainer.fit(assembly.module, datamodule=assembly.data)
    except Stopped:
        return _ended(Ending.STOPPED, observer)
    except Diverged as cause:
        return _ended(Ending.DIVERGED, observer, str(cause))
    except Interrupted:
        return _ended(Ending.INTERRUPTED, observer)
    score = task.score_of(observer.scores)
    return Fit(Ending.COMPLETED, tuple(observer.scores), score, kept=_keep(task, score, observer, assembly))


def _ended(ending: Ending, observer: Observer, cause: str = "") -> Fit:
    return Fit(ending, tuple(observer.scores), None, cause)


def _keep(task: Task, score: float | None, observer: Observer, assembly: Assembly) -> Path | None:
    if task.keep is None or score is None:
        return None
    if task.better_than is not None and not task.is_better(score, task.better_than):
        return None
    if observer.best_weights is not None:
        assembly.module.load_state_dict(observer.best_weights)
    task.keep.parent.mkdir(parents=True, exist_ok=True)
    assembly.trainer.save_checkpoint(task.keep, weights_only=True)
    return task.keep


def test(configuration: Mapping[str, Any], checkpoint: Path) -> dict[str, float]:
    """Evaluate a checkpoint on the test part of its data.

    Returns:
        What the module logs in testing, by name; empty if it has no test step or its data no test part.
    """
    assembly = assemble(configuration)
    loader = getattr(assembly.data or assembly.module, "test_dataloader", None)
    if not _overridden(loader) or not _overridden(assembly.module.test_step):
        return {}
    results = assembly.trainer.test(
        assembly.module, datamodule=assembly.data, ckpt_path=checkpoint, verbose=False
    )
    return {name: float(value) for result in results for name, value in result.items()}


def _overridden(method: object) -> bool:
    # Lightning's base classes define every hook; only a subclass's own can be called.
    function = getattr(method, "__func__", None)
    return function is not None and not function.__module__.startswith(
        ("pytorch_lightning.", "lightning.pytorch.")
    )
