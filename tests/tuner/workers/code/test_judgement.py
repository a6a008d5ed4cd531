"""What a worker's permit refuses costs a study nothing: it is passed over before a slot is claimed."""

import json

import pytest

from studies.database.open import open_database
from studies.ledger.opening import open_ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.command_line import CommandLine
from tests.tuner.workers.test_service import STUDY
from tuner.workers import service as service_module

MADE = "{class_path: torch.optim.lr_scheduler.Counter}"  # a class of Python that torch imports
REFUSED = "it names torch.optim.lr_scheduler.Counter, "


def spend_nothing(tuner: CommandLine) -> list[Outcome | None]:
    """Give how the trials of the study ended, of which none may have spent, drawn or held a slot."""
    ledger = open_ledger(open_database("sqlite:///tuner.db"), "small")
    budget = ledger.slots.budget()
    assert (budget.done, budget.claimed) == (0, 0)
    assert json.loads(tuner("status small --json").out)["stopped"] is None
    return [outcome_of(trial) for trial in ledger.trials()]


@pytest.fixture
def study(tuner: CommandLine) -> CommandLine:
    """A command line in a folder with a study of which only the process that trains sees the fault."""
    tuner.write("small.yaml", f"{STUDY}lr_scheduler: {MADE}\n")
    assert tuner("create small.yaml --no-rehearsal").code == 0
    return tuner


def test_no_refused_class_costs_a_trial(study: CommandLine) -> None:
    """A class of torch that is refused only once torch is imported has the study passed over, untouched."""
    answer = study("worker --no-wait")
    assert answer.code == 0
    assert answer.err.startswith(f"small is passed over: {REFUSED}")
    assert answer.err.count("\n") == 1
    named = study("worker small --no-wait --allow own")
    assert named.code == 2
    assert named.sentence.startswith(f"The study 'small' cannot be worked on here: {REFUSED}")
    assert spend_nothing(study) == []


def test_no_class_refused_in_a_training_costs_a_slot(
    study: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the training refuses it, its one trial gives the slot back, and the study is not stopped."""
    monkeypatch.setattr(service_module, "refused_class", lambda *_: None)
    answer = study("worker --no-wait")
    assert answer.code == 0
    assert answer.err.splitlines()[-1].startswith(f"small is passed over: {REFUSED}")
    assert spend_nothing(study) == [Outcome.PREEMPTED]
