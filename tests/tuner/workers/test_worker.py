"""The worker: every slot is spent once, and every ending has its outcome."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.attributes import FOLDER
from studies.trials.outcomes import Outcome, outcome_of
from studies.trials.record import TrialRecord
from tests.tuner.small_modules import (
    Diverging,
    Hanging,
    Killed,
    KilledLater,
    KilledOnce,
    Raising,
    Small,
    Talking,
)
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.watching import Watching
from tuner.commands.trial import describe_trial
from tuner.errors import StudyStopped
from tuner.preparation.prepare import prepare
from tuner.workers.events import ShownTrial, unseen
from tuner.workers.places import make_folder
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY

STUDY = """
study: {{name: small, metric: val_loss, trials: 6, seed: 3}}
trainer: {{max_epochs: {epochs}}}
model: {{class_path: {model}}}
space: {{add: {{model.init_args.width: {{low: 1, high: 8, type: int, default: 4}}}}}}
"""


def make_ledger(folder: Path, model: type, epochs: int = 2, url: str | None = None, **study: Any) -> Ledger:
    """Put a study of a module in a fresh database: by default a file in a folder."""
    text = STUDY.format(model=f"{model.__module__}.{model.__qualname__}", epochs=epochs)
    overrides = [f"study.{key}={value}" for key, value in study.items()]
    definition = prepare(parse_study_file(text, source="small.yaml", overrides=overrides))
    return create(open_database(url or f"sqlite:///{folder}/tuner.db"), definition, text)


def work(ledger: Ledger, folder: Path) -> None:
    """Let one worker do all there is to do."""
    Worker(ledger, unseen, threading.Event(), folder).work()


def test_the_same_study_twice_is_the_same_to_the_last_digit(tmp_path: Path) -> None:
    """A study file and its seed decide every trial: values, outcome, curve and score."""
    histories = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        ledger = make_ledger(tmp_path / run, Small, trials=8)
        work(ledger, tmp_path / run)
        histories.append([(t.params, t.state, t.value, t.intermediate_values) for t in ledger.trials()])
    assert histories[0] == histories[1]
    assert len({str(params) for params, *_ in histories[0]}) > 1


def test_three_errors_of_the_user_in_a_row_stop_the_study(tmp_path: Path) -> None:
    """A mistake in the user's code costs no slot, is kept with its traceback, and not repeated for ever."""
    ledger = make_ledger(tmp_path, Raising)
    with pytest.raises(StudyStopped, match="ZeroDivisionError: the mistake") as stopped:
        work(ledger, tmp_path)
    assert "training_step" in stopped.value.traceback
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.FAILED] * 3
    assert ledger.slots.budget().done == 0
    assert "the mistake" in ledger.trial(0).user_attrs["traceback"]


def test_a_trial_that_diverges_spends_its_slot_and_is_never_the_best(tmp_path: Path) -> None:
    """Divergence is an outcome with a cause; the study goes on."""
    ledger = make_ledger(tmp_path, Diverging, exploration=1.0)
    work(ledger, tmp_path)
    outcomes = {outcome_of(trial) for trial in ledger.trials()}
    assert outcomes == {Outcome.COMPLETED, Outcome.DIVERGED}
    assert ledger.slots.budget().done == 6
    for trial in ledger.trials():
        assert (outcome_of(trial) is Outcome.DIVERGED) == (trial.params["model.init_args.width"] > 4)
    best = ledger.best()
    assert best is not None
    assert best.outcome is Outcome.COMPLETED


class StopsIn(Watching):
    """Sets an event when a trial has begun."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def started(self, running: ShownTrial) -> None:
        """Ask the worker to stop."""
        self.stop.set()


def test_a_worker_that_is_stopped_frees_its_slot_for_the_same_experiment(tmp_path: Path) -> None:
    """The trial is preempted, its slot open, and the next worker tries the same values and seed."""
    ledger, stop = make_ledger(tmp_path, Small), threading.Event()
    Worker(ledger, StopsIn(stop), stop, tmp_path).work()
    assert outcome_of(ledger.trial(0)) is Outcome.PREEMPTED
    assert ledger.slots.budget().open == 6
    work(ledger, tmp_path)
    first, again = ledger.trial(0), ledger.trial(1)
    assert (again.user_attrs["slot"], again.user_attrs["attempt"]) == (0, 2)
    assert again.params == first.params
    assert ledger.slots.budget().done == 6


def test_a_killed_training_costs_its_attempt_and_not_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt is lost with its cause, and the same worker spends the slot with the same values."""
    monkeypatch.chdir(tmp_path)
    ledger = make_ledger(tmp_path, KilledOnce, trials=1)
    work(ledger, tmp_path)
    lost, again = ledger.trials()
    assert outcome_of(lost) is Outcome.LOST
    assert lost.user_attrs["cause"] == "its process was ended by SIGKILL"
    assert (outcome_of(again), again.user_attrs["slot"]) == (Outcome.COMPLETED, 0)
    assert again.params == lost.params


@pytest.mark.usefixtures("checkpoint_each_epoch")
def test_a_killed_training_goes_on_at_the_epoch_of_its_checkpoint(tmp_path: Path) -> None:
    """No epoch that a checkpoint holds is trained twice; it lies under a URL, and is collected in the end."""
    ledger = make_ledger(tmp_path, KilledLater, epochs=4, trials=1)
    shared = f"file://{tmp_path}/shared"
    Worker(ledger, unseen, threading.Event(), tmp_path, checkpoints=shared).work()
    assert (tmp_path / "epochs").read_text().split() == ["0", "1", "2", "3"]
    lost, again = ledger.trials()
    assert (outcome_of(lost), list(lost.intermediate_values)) == (Outcome.LOST, [1, 2])
    assert (outcome_of(again), list(again.intermediate_values)) == (Outcome.COMPLETED, [1, 2, 3, 4])
    assert lost.intermediate_values.items() <= again.intermediate_values.items()
    assert again.user_attrs["earlier"] == lost.number
    assert not list((tmp_path / "shared").rglob("*.ckpt"))


class Misleads(Watching):
    """Writes another folder into each trial, as anyone can who may write to the database."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def started(self, running: ShownTrial) -> None:
        """Write it."""
        identifier = self.ledger.database.storage.get_trial_id_from_study_id_trial_number(
            self.ledger.identifier, running.number
        )
        self.ledger.database.storage.set_trial_user_attr(identifier, FOLDER, "../precious")


@pytest.mark.usefixtures("checkpoint_each_epoch")
def test_no_trial_of_a_database_names_another_folder(tmp_path: Path) -> None:
    """A training that goes on writes to the folder of the attempt before, and to no path of the database."""
    ledger = make_ledger(tmp_path, KilledLater, epochs=4, trials=1)
    Worker(ledger, Misleads(ledger), threading.Event(), tmp_path / "runs").work()
    assert ledger.trials()[-1].user_attrs[FOLDER] == "trial-0"
    assert not (tmp_path / "precious").exists()


class Breaks(Watching):
    """Raises as a trial begins."""

    def started(self, running: ShownTrial) -> None:
        """Raise."""
        raise RuntimeError("broken")


def test_no_trial_runs_on_whose_worker_could_not_go_on(tmp_path: Path) -> None:
    """A worker that stumbles over a trial before it is trained gives the slot back, and says of what."""
    ledger = make_ledger(tmp_path, Small, trials=1)
    with pytest.raises(RuntimeError, match="broken"):
        Worker(ledger, Breaks(), threading.Event(), tmp_path).work()
    assert outcome_of(ledger.trial(0)) is Outcome.LOST
    assert ledger.trial(0).user_attrs["cause"] == "its worker could not go on: RuntimeError: broken"
    assert (ledger.slots.budget().open, ledger.slots.budget().done) == (1, 0)


class Truncates(Watching):
    """Cuts every checkpoint in a folder as a trial begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def started(self, running: ShownTrial) -> None:
        """Cut."""
        for file in self.folder.glob("*.ckpt"):
            os.truncate(file, 1000)


@pytest.mark.usefixtures("checkpoint_each_epoch")
def test_a_trial_whose_checkpoint_is_broken_begins_anew_and_says_so(tmp_path: Path) -> None:
    """The slot keeps its values, no error is counted, and the record says why epochs were trained twice."""
    ledger = make_ledger(tmp_path, KilledLater, epochs=4, trials=1)
    Worker(ledger, Truncates(tmp_path / "checkpoints"), threading.Event(), tmp_path).work()
    assert (tmp_path / "epochs").read_text().split() == ["0", "1", "0", "1", "2", "3"]
    lost, again = ledger.trials()
    assert [outcome_of(lost), outcome_of(again)] == [Outcome.LOST, Outcome.COMPLETED]
    assert again.params == lost.params
    reason = "the checkpoint of attempt 1 is not whole, or belongs to another trial"
    assert describe_trial(TrialRecord.of(again))["anew"] == f"it began anew with the same values: {reason}"
    assert "began anew" in (tmp_path / "logs/trial-1.log").read_text()


def test_what_a_trial_printed_is_found(tmp_path: Path) -> None:
    """`tuner trial` names the file that holds what the training, and what it started, wrote."""
    ledger = make_ledger(tmp_path, Talking, trials=1)
    work(ledger, tmp_path)
    log = describe_trial(TrialRecord.of(ledger.trial(0)))["log"]
    assert log == str(tmp_path / "logs/trial-0.log")
    assert sorted(Path(log).read_text().splitlines()) == ["as an error", "by a program", "by itself"]


def test_a_training_that_is_killed_each_time_is_an_error(tmp_path: Path) -> None:
    """What kills the third attempt of a slot is no accident, and somebody is told."""
    ledger = make_ledger(tmp_path, Killed, trials=1)
    with pytest.raises(StudyStopped, match="ended by SIGKILL"):
        work(ledger, tmp_path)
    assert [outcome_of(trial) for trial in ledger.trials()][:3] == [
        Outcome.LOST,
        Outcome.LOST,
        Outcome.FAILED,
    ]


def test_limits_are_outcomes(tmp_path: Path) -> None:
    """A training that hangs is timed out, and the worker spends the rest of the budget."""
    ledger = make_ledger(tmp_path, Hanging, trials=1, trial_timeout=0.5, retry=False)
    work(ledger, tmp_path)
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.TIMED_OUT]
    assert ledger.slots.budget().done == 1


def test_a_folder_that_another_worker_removes_meanwhile_ends_none(tmp_path: Path) -> None:
    """Whoever ends removes empty folders, and whoever begins makes them again; a file is no folder."""
    folder, done = tmp_path / "runs" / "logs", threading.Event()

    def remove() -> None:
        while not done.is_set():
            with suppress(OSError):
                folder.rmdir()

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for _ in range(3000):
            make_folder(folder)
    finally:
        done.set()
        thread.join()
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
