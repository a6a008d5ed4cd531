"""How endings are told to samplers that differ, and when a study whose trials fail is given up."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.running.asking import ask
from studies.running.error_limit import ALIKE_IN_A_ROW, ERRORS_IN_A_ROW, is_failing
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.outcomes import Outcome, outcome_of
from tests.studies.lives import begun
from tests.studies.samples import sample_definition

TRACE = 'Traceback (most recent call last):\n  File "own.py", line {line}, in step\n    x\n{cause}\n'


def make(folder: Path, sampler: str | None = None, **settings: object) -> Ledger:
    """Make a study of twelve slots with a named sampler of Optuna's."""
    config = None if sampler is None else {"class_path": f"optuna.samplers.{sampler}", "init_args": {}}
    definition = sample_definition(sampler=config, trials=12, exploration=0.0, **settings)
    return create(open_database(f"sqlite:///{folder}/tuner.db"), definition, "")


def end(ledger: Ledger, outcome: Outcome, score: float | None = None, **facts: str) -> int:
    """Answer one trial, and give its number."""
    running = begun(ledger)
    report(running, 1, 0.5 if score is None else score)
    assert tell(ledger, running, outcome, score, facts)
    return running.number


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY])
def test_samplers_of_completed_trials_hear_of_what_does_not_work(tmp_path: Path, outcome: Outcome) -> None:
    """They are told the worst score with a violated constraint; nobody takes such a trial for the best."""
    ledger = make(tmp_path, "NSGAIISampler", direction="maximize", retry=False)
    best, worst = end(ledger, Outcome.COMPLETED, 3.0), end(ledger, Outcome.COMPLETED, -2.0)
    bad = ledger.trial(end(ledger, outcome, cause="why"))
    assert (bad.state, bad.value) == (TrialState.COMPLETE, ledger.trial(worst).value)
    assert outcome_of(bad) is outcome
    assert [ledger.trial(number).constraints["diverged"] for number in (best, worst, bad.number)] == [
        -1,
        -1,
        1,
    ]
    found = ledger.best()
    assert found is not None
    assert found.number == best
    counts = status_of(ledger).trials
    assert counts["complete"] == 2
    assert counts["diverged"] + counts["out_of_memory"] == 1


def test_before_any_score_there_is_no_worst(tmp_path: Path) -> None:
    """A trial that diverges first is told as pruned, whatever the sampler reads."""
    ledger = make(tmp_path, "NSGAIISampler")
    first = ledger.trial(end(ledger, Outcome.DIVERGED))
    assert (first.state, outcome_of(first)) == (TrialState.PRUNED, Outcome.DIVERGED)


def test_samplers_of_pruned_trials_hear_it_as_pruned(tmp_path: Path) -> None:
    """TPE learns from a pruned trial and its constraint, without a score that nobody measured."""
    ledger = make(tmp_path)
    end(ledger, Outcome.COMPLETED, 1.0)
    bad = ledger.trial(end(ledger, Outcome.DIVERGED))
    assert (bad.state, bad.constraints["diverged"]) == (TrialState.PRUNED, 1.0)


def test_errors_that_are_alike_stop_a_study(tmp_path: Path) -> None:
    """Three errors of one class at one line are one mistake, whatever values their messages hold."""
    ledger = make(tmp_path)
    for number in range(ALIKE_IN_A_ROW):
        assert not is_failing(ledger)
        cause = f"ValueError: {number} is too many"
        end(ledger, Outcome.FAILED, cause=cause, traceback=TRACE.format(line=7, cause=cause))
    assert is_failing(ledger) == ALIKE_IN_A_ROW


def test_errors_that_differ_are_waited_for(tmp_path: Path) -> None:
    """Errors at different lines may come from different suggestions; ten in a row are enough all the same."""
    ledger = make(tmp_path)
    for line in range(ERRORS_IN_A_ROW):
        assert not is_failing(ledger)
        end(ledger, Outcome.FAILED, cause="ValueError: no", traceback=TRACE.format(line=line, cause="no"))
    assert is_failing(ledger) == ERRORS_IN_A_ROW


@pytest.mark.parametrize("outcome", [Outcome.DISK_FULL, Outcome.UNREADABLE])
def test_a_machine_that_fails_stops_a_study_and_not_a_suggestion(tmp_path: Path, outcome: Outcome) -> None:
    """A full disk or data that cannot be read counts as an error, and its slot is tried again as it was."""
    ledger = make(tmp_path)
    values = []
    for _ in range(ALIKE_IN_A_ROW):
        number = end(ledger, outcome, cause="OSError: No space left on device")
        values.append(ledger.trial(number).params)
    assert is_failing(ledger) == ALIKE_IN_A_ROW
    assert values == [values[0]] * ALIKE_IN_A_ROW


def test_what_was_spent_is_summed_over_trials_and_attempts(tmp_path: Path) -> None:
    """Epochs and hours count whether a trial was completed, preempted or failed, up to a limit."""
    ledger = make(tmp_path, epochs=3.0)
    for outcome in (Outcome.PREEMPTED, Outcome.FAILED, Outcome.COMPLETED):
        assert ledger.over() is None
        end(ledger, outcome, 1.0 if outcome is Outcome.COMPLETED else None)
    assert ledger.over() == "its 3 epochs are spent"
    assert ask(ledger, "worker") is None
    assert ledger.slots.control.spent().epochs == 3.0
    assert ledger.slots.control.spent().hours > 0.0
