"""Trials that begin and end in a line, for tests of what becomes of them."""

from collections.abc import Iterable

from optuna.trial import FrozenTrial

from studies.ledger.ledger import Ledger
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import RunningTrial
from studies.trials.outcomes import Outcome


def begun(ledger: Ledger) -> RunningTrial:
    """Ask for a trial that must be there; whoever asks with another lease is another worker."""
    running = ask(ledger, f"worker with a lease of {ledger.slots.lease} s")
    assert running is not None
    return running


def end(ledger: Ledger, running: RunningTrial, outcome: Outcome) -> FrozenTrial:
    """Tell a trial, and give it as the database then has it."""
    assert tell(ledger, running, outcome, 1.0 if outcome is Outcome.COMPLETED else None, {"cause": "why"})
    return ledger.trial(running.number)


def answer(ledger: Ledger, scores: Iterable[float | None]) -> list[RunningTrial]:
    """Answer trials with scores, None for one that diverges."""
    answered = []
    for score in scores:
        running = begun(ledger)
        outcome = Outcome.DIVERGED if score is None else Outcome.COMPLETED
        assert tell(ledger, running, outcome, score, {})
        answered.append(running)
    return answered
