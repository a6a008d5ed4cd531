"""What trackers are told of a trial: which study it is of, its values, and how it ended.

MLflow shows the runs of a study under one parent run, Weights & Biases in one group, TensorBoard in one
folder. None of them knows that a training was pruned: for Lightning it ended in order, so its run is
finished, and a tag says the outcome. A tracker that cannot be told ends no training; why stands in its log.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from search_spaces.errors import first_line
from tuner.training.assignment import Tracked
from tuner.training.ends import Ending, Fit

PARENT = "mlflow.parentRunId"  # the tag by which MLflow shows runs under another
OUTCOME, SCORE, STUDY, TRIAL, KEY = "tuner.outcome", "tuner.score", "tuner.study", "tuner.trial", "tuner.key"
_OUTCOMES = {Ending.STOPPED: "pruned", Ending.INTERRUPTED: "preempted"}  # others are called alike
FAILED = "failed"


def outcome_of(end: Fit | None) -> str:
    """Say how a fit ended, as studies call it; None is one that raised an error."""
    return FAILED if end is None else _OUTCOMES.get(end.ending, end.ending.value)


def begin(loggers: list[Any], tracked: Tracked) -> None:
    """Put the runs of a training where those of its study are, with its values."""
    for logger in loggers:
        _told(logger, {"MLFlowLogger": _begin_mlflow, "WandbLogger": _begin_wandb}, tracked)


def finish(loggers: list[Any], tracked: Tracked, end: Fit | None) -> None:
    """Tag the runs of a training with how it ended, and its score if it has one."""
    by_kind: Mapping[str, Callable[..., None]] = {
        "MLFlowLogger": _finish_mlflow,
        "WandbLogger": _finish_wandb,
        "TensorBoardLogger": _finish_tensorboard,
    }
    for logger in loggers:
        _told(logger, by_kind, tracked, outcome_of(end), None if end is None else end.score)


def _told(logger: Any, by_kind: Mapping[str, Callable[..., None]], *about: Any) -> None:
    names = {parent.__name__ for parent in inspect.getmro(type(logger))}
    for name, tell in by_kind.items():
        if name in names:
            try:
                tell(logger, *about)
            except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
                said = f"{type(error).__name__}: {first_line(error)}"
                sys.stderr.write(f"{type(logger).__name__} was not told of the study: {said}\n")


def _begin_mlflow(logger: Any, tracked: Tracked) -> None:
    client, run = logger.experiment, logger.run_id
    client.set_tag(run, PARENT, _parent(client, logger.experiment_id, tracked))
    client.set_tag(run, STUDY, tracked.study)
    client.set_tag(run, TRIAL, str(tracked.trial))
    for name, value in tracked.values.items():
        client.log_param(run, name, value)


def _parent(client: Any, experiment: str, tracked: Tracked) -> str:
    """Give the run of the study, which the first of its trials makes.

    MLflow has nothing that only one of two could make, and whoever makes a run says when it began. So
    two that begin at once may each take their own for the first. Whoever sees both, at the latest at the
    end of a training, leaves the earlier one and puts the trials of the other under it.
    """
    if not _parents(client, experiment, tracked):
        tags = {KEY: tracked.key, STUDY: tracked.study}
        made = client.create_run(experiment, tags=tags, run_name=tracked.study)
        client.set_terminated(made.info.run_id)
    first, *others = _parents(client, experiment, tracked)
    for other in others:
        for child in client.search_runs([experiment], f"tags.`{PARENT}` = '{other}'"):
            client.set_tag(child.info.run_id, PARENT, first)
        with suppress(Exception):  # another worker has just deleted it
            client.delete_run(other)
    return first


def _parents(client: Any, experiment: str, tracked: Tracked) -> list[str]:
    """Give the runs of the study, the earliest first; one, but for a moment."""
    runs = client.search_runs([experiment], f"tags.`{KEY}` = '{tracked.key}'")
    return [run for _, run in sorted((run.info.start_time, run.info.run_id) for run in runs)]


def _finish_mlflow(logger: Any, tracked: Tracked, outcome: str, score: float | None) -> None:
    client, run = logger.experiment, logger.run_id
    client.set_tag(run, OUTCOME, outcome)
    if score is not None:
        client.log_metric(run, SCORE, score)
    client.set_tag(run, PARENT, _parent(client, logger.experiment_id, tracked))


def _begin_wandb(logger: Any, tracked: Tracked) -> None:
    values = {STUDY: tracked.study, TRIAL: tracked.trial, **tracked.values}
    logger.experiment.config.update(values, allow_val_change=True)


def _finish_wandb(logger: Any, tracked: Tracked, outcome: str, score: float | None) -> None:
    logger.experiment.summary.update({OUTCOME: outcome, **({} if score is None else {SCORE: score})})
    # It finishes its runs when Python exits, but a process of multiprocessing ends without that.
    logger.experiment.finish(exit_code=int(outcome == FAILED))


def _finish_tensorboard(logger: Any, tracked: Tracked, outcome: str, score: float | None) -> None:
    told = {**tracked.values, STUDY: tracked.study, TRIAL: tracked.trial, OUTCOME: outcome}
    writer, metrics = logger.experiment, {} if score is None else {SCORE: score}
    writer.add_text(OUTCOME, outcome)
    writer.add_hparams(told, metrics, run_name=".")  # the folder of the run itself, and none below it
    writer.flush()
