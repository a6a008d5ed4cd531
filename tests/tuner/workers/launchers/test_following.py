"""Whoever follows workers through the database hears of each trial what a view of the workers hears."""

import random

import pytest

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.telling import tell
from studies.running.trial import RunningTrial
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.studies.samples import sample_definition
from tuner.workers.events import Event, TrialEnded, TrialScored, TrialStarted
from tuner.workers.launchers import following
from tuner.workers.launchers.following import Follower


@pytest.fixture
def ledger(tmp_path: object) -> Ledger:
    """Give a study with many slots."""
    database = open_database(f"sqlite:///{tmp_path}/tuner.db")
    return create(database, sample_definition(trials=60, retry=False), "source")


def begin(ledger: Ledger, expected: dict[int, list[object]]) -> RunningTrial:
    """Begin a trial, and note what is to be heard of it."""
    running = begun(ledger)
    expected[running.number] = [dict(running.values)]
    return running


def store(ledger: Ledger, trial: RunningTrial, step: int, score: float) -> None:
    """Store a score now; a worker stores some at a time."""
    ledger.database.storage.set_trial_intermediate_value(ledger.identifier_of(trial.number), step, score)


def heard(events: list[Event]) -> dict[int, list[object]]:
    """Give what was heard of each trial, in its order."""
    found: dict[int, list[object]] = {}
    for event in events:
        match event:
            case TrialStarted(trial):
                assert trial.number not in found
                found[trial.number] = [dict(trial.values)]
            case TrialScored(trial, step, score):
                found[trial.number].append((step, score))
            case TrialEnded(trial, outcome, score):
                found[trial.number].append((outcome, score))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_every_event_of_a_trial_is_told_once_and_in_order(ledger: Ledger, seed: int) -> None:
    """Whenever one looks: in between, after several have ended, or when none has."""
    chance, events = random.Random(seed), list[Event]()  # noqa: S311 - no secret
    early = begin(ledger, {})
    assert tell(ledger, early, Outcome.COMPLETED, 1.0, {})
    expected: dict[int, list[object]] = {}
    running: list[tuple[RunningTrial, list[object]]] = []
    follower = Follower(ledger, events.append)
    for _ in range(60):
        what = chance.choice(("begin", "score", "score", "end", "look"))
        if what == "begin" and len(expected) < 40:
            trial = begin(ledger, expected)
            running.append((trial, expected[trial.number]))
        elif what == "look":
            follower.look()
            assert heard(events) == expected
        elif running:
            trial, noted = chance.choice(running)
            if what == "score":
                noted.append((len(noted), chance.random()))
                store(ledger, trial, *noted[-1])  # type: ignore[misc]
            else:
                running.remove((trial, noted))
                outcome = chance.choice(
                    [Outcome.COMPLETED, Outcome.DIVERGED, Outcome.PREEMPTED, Outcome.FAILED]
                )
                score = chance.random() if outcome is Outcome.COMPLETED else None
                assert tell(ledger, trial, outcome, score, {"cause": "why"})
                noted.append((outcome, score))
    follower.look()
    assert heard(events) == expected
    assert len(expected) > 3


def test_beyond_many_trials_at_a_time_beginnings_and_ends_are_told(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores of those beyond are told when they end."""
    monkeypatch.setattr(following, "MOST", 1)
    events: list[Event] = []
    follower = Follower(ledger, events.append)
    expected: dict[int, list[object]] = {}
    trials = [begin(ledger, expected) for _ in range(3)]
    for trial in trials:
        store(ledger, trial, 1, 0.5)
    follower.look()
    assert [len(each) for each in heard(events).values()] == [2, 1, 1]
    for trial in trials:
        assert tell(ledger, trial, Outcome.COMPLETED, 0.25, {})
        expected[trial.number] += [(1, 0.5), (Outcome.COMPLETED, 0.25)]
    follower.look()
    assert heard(events) == expected
