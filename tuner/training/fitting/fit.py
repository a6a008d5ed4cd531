"""One fit: a configuration in, scores out, nothing known of studies."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from pytorch_lightning import seed_everything

from tuner.data.tabular.prepared_table import share_tables
from tuner.errors import KeptNotLogged, MetricNotLogged
from tuner.training.assignment import Assignment, finite
from tuner.training.configuration.assembly import Assembly, assemble
from tuner.training.configuration.class_paths import package_of
from tuner.training.configuration.permit import restrict_parsing
from tuner.training.ends import THREADS, Ending, Fit
from tuner.training.fitting.constant_answer import constant_answer_class
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.fitting.facts import facts_class
from tuner.training.fitting.observer import Observer, Resumed, TimeLeft, observer_class
from tuner.training.fitting.own_optimizer import refuse_manual
from tuner.training.fitting.scoring import Report
from tuner.training.logs.csv_rows import read_rows
from tuner.training.logs.loggers import at_place, set_aside
from tuner.training.logs.tracking import begin, finish
from tuner.training.messages import Tested
from tuner.training.process.ranks import is_first_rank, on_one_device
from tuner.training.resuming.exactness import INEXACT, reasons_of_training
from tuner.training.resuming.resumption import without_searches


def _nobody_hears(scores: Mapping[int, float]) -> None:
    """Tell nobody that a fit was resumed."""


def _nobody_asks() -> None:
    """Ask for no end."""


def fit(
    assignment: Assignment,
    report: Report,
    time_left: TimeLeft = _nobody_asks,
    resumed: Resumed = _nobody_hears,
    sized: Callable[[EpochSize], None] = lambda _: None,
) -> Fit:
    """Train a configuration.

    The seed governs the initial weights, the order of the data and everything random in the training: the
    same task gives the same scores on the same machine.

    Args:
        assignment: what to fit.
        report: called with the number and the score of each validation; the fit stops where it returns true.
        time_left: asked at every batch for the seconds within which the fit shall end; None lets it go on. It
            ends with the epoch, leaving a checkpoint, if the task names one and there is time for it, else at
            once.
        resumed: called with the scores that stand in the checkpoint that is resumed, by their numbers.
        sized: called before all of these with what an epoch is.

    Raises:
        TunerError: the configuration is wrong, or the metric is never logged.
        Exception: whatever the user's code raises.
    """
    if assignment.permit is not None:
        assignment.permit.judge(assignment.permit.check(assignment.configuration))
        restrict_parsing(assignment.permit)
    share_tables(assignment.tables)
    package = package_of(assignment.configuration)
    observer = observer_class(package)(assignment, report, resumed, time_left, sized)
    watch = facts_class(package)() if assignment.facts else None
    if assignment.threads is not None:
        torch.set_num_threads(assignment.threads)
    seed_everything(assignment.seed, workers=True, verbose=False)
    assembly = assemble(_in_place(assignment), [watch] if watch else [])
    refuse_manual(assembly.module, assignment.configuration)
    # First of all, so that what it keeps as an epoch begins is what every other callback begins with.
    callbacks: list[Any] = assembly.trainer.callbacks  # type: ignore[attr-defined] # documented, but set from outside
    callbacks.insert(0, observer)
    if assignment.resume is not None:
        callbacks[:] = without_searches(callbacks)
        observer.rows = [read_rows(logger) for logger in assembly.trainer.loggers]
    result = _tracked(assignment, observer, assembly)
    facts: dict[str, Any] = {THREADS: torch.get_num_threads()}
    if watch:
        facts |= watch.told(assembly.trainer.callback_metrics, assignment.objective.metric)
    own = [*observer.state.moves, *filter(None, [observer.unsaved])]
    if reasons := reasons_of_training(assignment.configuration, assembly.trainer) + own:
        facts[INEXACT] = reasons
    return replace(result, facts=facts, metrics=finite(observer.beside.values))


def _in_place(assignment: Assignment) -> Mapping[str, Any]:
    """Give the configuration with folders of its own for whatever it writes."""
    if assignment.place is None:
        return assignment.configuration
    if assignment.resume is None and is_first_rank():
        set_aside(assignment.configuration, assignment.place)
    return at_place(assignment.configuration, assignment.place)


def _tracked(assignment: Assignment, observer: Observer, assembly: Assembly) -> Fit:
    """Fit, and tell the trackers of the study before and how it ended behind it."""
    tracked, loggers = assignment.tracked, list(assembly.trainer.loggers)
    if tracked is None or not is_first_rank():
        return _fit(assignment, observer, assembly)
    begin(loggers, tracked)
    try:
        result = _fit(assignment, observer, assembly)
    except BaseException:
        finish(loggers, tracked, None)
        raise
    finish(loggers, tracked, result)
    return result


def _fit(assignment: Assignment, observer: Observer, assembly: Assembly) -> Fit:
    try:
        assembly.trainer.fit(
            assembly.module, datamodule=assembly.data, ckpt_path=assignment.resume, weights_only=False
        )
    except Exception:
        if observer.ending is None:
            raise
        # How the fit ends was decided before; what a callback made of its end stands in the log.
        traceback.print_exc()
    scores, steps = tuple(observer.scores.values()), tuple(observer.scores)
    if observer.ending is not None:
        return Fit(observer.ending, scores, None, observer.cause, steps=steps)
    if not scores:
        why = observer.metric.why_missing(assembly.module, barebones=assembly.trainer.barebones)
        raise MetricNotLogged(why)
    if observer.beside.missing():
        raise KeptNotLogged(observer.beside.why_missing(assembly.module))
    score = assignment.objective.score_of(scores)
    return Fit(
        Ending.COMPLETED, scores, score, kept=_keep(assignment, score, observer, assembly), steps=steps
    )


def _keep(assignment: Assignment, score: float | None, observer: Observer, assembly: Assembly) -> Path | None:
    if assignment.keep is None or score is None:
        return None
    # Of two equal scores the trial with the lower number is the best, and it may be this one.
    whole = fmean([*assignment.earlier, score])
    if assignment.better_than is not None and assignment.objective.is_better(assignment.better_than, whole):
        return None
    if observer.best_weights is not None:
        assembly.module.load_state_dict(observer.best_weights)
    assignment.keep.parent.mkdir(parents=True, exist_ok=True)
    assembly.trainer.save_checkpoint(assignment.keep, weights_only=True)
    return assignment.keep


def tested(configuration: Mapping[str, Any], checkpoint: Path, seed: int | None) -> Tested:
    """Do as `test`, and tell what the best constant answer scores on the same targets."""
    watch = constant_answer_class(package_of(configuration))()
    scores, data = _test(configuration, checkpoint, seed, [watch])
    return Tested(scores, watch.told(data) if scores else None)


def test(configuration: Mapping[str, Any], checkpoint: Path, seed: int | None) -> dict[str, float]:
    """Evaluate a checkpoint on the test part of its data.

    Args:
        configuration: what has been trained.
        checkpoint: its weights.
        seed: of the training; data that are split at random are then split as they were in it.

    Returns:
        What the module logs in testing, by name; empty if it has no test step or its data no test part.
    """
    return _test(configuration, checkpoint, seed, [])[0]


def _test(
    configuration: Mapping[str, Any], checkpoint: Path, seed: int | None, callbacks: Sequence[Any]
) -> tuple[dict[str, float], Any]:
    if seed is not None:
        seed_everything(seed, workers=True, verbose=False)
    assembly = assemble(on_one_device(configuration), callbacks)
    loader = getattr(assembly.data or assembly.module, "test_dataloader", None)
    if not _overridden(loader) or not _overridden(assembly.module.test_step):
        return {}, assembly.data
    results = assembly.trainer.test(
        assembly.module, datamodule=assembly.data, ckpt_path=checkpoint, verbose=False
    )
    return {name: float(value) for result in results for name, value in result.items()}, assembly.data


def _overridden(method: object) -> bool:
    # Lightning's base classes define every hook; only a subclass's own can be called.
    function = getattr(method, "__func__", None)
    return function is not None and not function.__module__.startswith(
        ("pytorch_lightning.", "lightning.pytorch.")
    )
