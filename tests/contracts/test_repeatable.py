"""The contract of a repeatable study: whoever works, and however trials overtake, all is the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from studies.database.open import Database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.slot import Slot
from studies.proposing.joint.hidden import hidden_before
from studies.proposing.model import JointModel
from studies.proposing.proposer import History, Proposal
from studies.running.asking import ask
from studies.running.seen import history_for
from studies.running.telling import tell
from studies.running.trial import RunningTrial, pruner_of, report
from studies.trials.outcomes import EFFECTS, Outcome
from tests.studies.samples import TPE, sample_definition

EPOCHS = 9  # of the sample, whose default pruner stops trials at 2 and 6
TRIALS = 12
DIVERGED = 3.0  # a loss beyond which a trial has diverged
SAMPLERS = {
    "ours": None,
    "TPE": TPE,
    # It is told a trial that diverged at the worst score, which depends on the trials that have ended.
    "GP": {"class_path": "optuna.samplers.GPSampler", "init_args": {"n_startup_trials": 2}},
}


def loss(values: Mapping[str, Any], step: int) -> float:
    """Give a loss that depends on all values, and falls."""
    rate = next(value for name, value in values.items() if name.endswith(".lr"))
    best = {"sgd": -1.0, "adam": -3.0}[str(values["optimizer"])]
    return (np.log10(rate) - best) ** 2 + 0.1 * float(values["model.init_args.width"]) / 64 + 1.0 / step


def told(ledger: Ledger) -> dict[int | None, tuple[Any, ...]]:
    """Give what is to be the same, by slot: values, how it ended and the whole curve."""
    return {
        record.slot: (dict(record.values), record.outcome, record.score, dict(record.curve))
        for record in ledger.records()
        if record.outcome is not None and EFFECTS[record.outcome].spends_slot
    }


def run(ledger: Ledger, workers: int, seed: int) -> None:
    """Have workers go on epoch by epoch in an order drawn at random; some trials are preempted."""
    random = np.random.default_rng(seed)
    ledger.study.pruner = pruner_of(ledger)
    active: list[tuple[RunningTrial, int]] = []
    while active or ledger.over() is None:
        if len(active) < workers and (random.random() < 0.5 or not active):
            running = ask(ledger, f"worker {len(active)}")
            if running is not None:
                active.append((running, 0))
                continue
        if not active:
            continue
        running, step = active.pop(int(random.integers(len(active))))
        if random.random() < 0.02:
            tell(ledger, running, Outcome.PREEMPTED, None, {})
            continue
        if random.random() < 0.1 and step == 0 and running.slot.attempt == 1:  # tried once more
            tell(ledger, running, Outcome.OUT_OF_MEMORY, None, {})
            continue
        score = loss(running.values, step + 1)
        if score > DIVERGED:
            tell(ledger, running, Outcome.DIVERGED, None, {})
        elif report(running, step + 1, score):
            tell(ledger, running, Outcome.PRUNED, None, {})
        elif step + 1 == EPOCHS:
            tell(ledger, running, Outcome.COMPLETED, score, {})
        else:
            active.append((running, step + 1))


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_no_order_of_events_changes_a_repeatable_study(
    database: Database, sampler: dict[str, Any] | None
) -> None:
    """Workers whose trials overtake each other and are interrupted come to what one worker comes to."""
    runs = []
    for workers, seed in ((1, 0), (2, 1), (3, 2), (3, 3)):
        definition = sample_definition(trials=TRIALS, sampler=sampler, repeatable=3, seed=7)
        ledger = create(database, definition, "")
        run(ledger, workers, seed)
        runs.append(told(ledger))
    outcomes = {one[1] for one in runs[0].values()}
    assert outcomes == {Outcome.PRUNED, Outcome.COMPLETED, Outcome.DIVERGED}, "too little could differ"
    assert len(runs[0]) == TRIALS
    for other in runs[1:]:
        assert other == runs[0]


def test_no_slot_is_claimed_before_what_it_is_chosen_by(database: Database) -> None:
    """With a window of two, a slot waits for the one two before it, and an exploring one for none."""
    ledger = create(database, sample_definition(trials=6, exploration=0.5, repeatable=2), "")
    running = [ask(ledger, "worker") for _ in range(5)]
    assert [one and one.slot.number for one in running] == [0, 1, 2, None, None]
    for number in (0, 2):  # slot 3 waits for slot 1
        assert running[number] is not None
        tell(ledger, running[number], Outcome.COMPLETED, 1.0, {})  # type: ignore[arg-type]
    assert ask(ledger, "worker") is None
    tell(ledger, running[1], Outcome.COMPLETED, 1.0, {})  # type: ignore[arg-type]
    both = [ask(ledger, "worker") for _ in range(3)]
    assert [one and one.slot.number for one in both] == [3, 4, None]


def test_what_is_worked_out_of_the_hidden_slots_is_what_they_hold(database: Database) -> None:
    """Of those that explore, and those that the joint model proposes, behind where the two meet."""
    definition = sample_definition(trials=24, exploration=0.7, repeatable=4, trainer={"max_epochs": 1})
    ledger = create(database, definition, "")
    values: dict[int, dict[str, Any]] = {}
    while ledger.over() is None:
        running = ask(ledger, "worker")
        assert running is not None
        slot = running.slot
        if not slot.explore:
            hidden = hidden_before(history_for(ledger, slot), slot, proposed_alone)
            assert [record.slot for record in hidden] == list(range(slot.number - 3, slot.number))
            assert [dict(record.values) for record in hidden] == [
                values[record.slot or 0] for record in hidden
            ]
        values[slot.number] = dict(running.values)
        tell(ledger, running, Outcome.COMPLETED, loss(running.values, 1), {})
    assert len(values) == 24


def proposed_alone(history: History, slot: Slot) -> Proposal:
    """Propose for one slot by the joint model."""
    return JointModel().propose(history, [slot])[0]
