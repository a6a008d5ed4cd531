"""Pausing at rungs: who goes on, by a recount of all trials; what ends are expected; bad numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import optuna
import pytest

from search_spaces.space.nodes import Float, Group
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.proposing.expected_ends import expected_ends
from studies.proposing.pausing import PausingPruner, PausingRule
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History
from studies.proposing.stop_rule import GO_ON, Action
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.benchmarks.searching.simulation import Simulation

SPACE = Group({"x": Float(0.0, 1.0)})
RULE = PausingRule((2, 4), 0.5)
EPOCHS = 6


def record(number: int, curve: Sequence[float], outcome: Outcome | None = Outcome.PAUSED) -> TrialRecord:
    """Give the trial of a slot of its own that has come so far."""
    scores = dict(enumerate(curve, start=1))
    score = scores[EPOCHS] if outcome is Outcome.COMPLETED else None
    return TrialRecord(number, number, 1, {"x": 0.1 * number}, outcome, score, scores)


def history(records: Sequence[TrialRecord], direction: str = "minimize") -> History:
    """Give a study of these trials."""
    settings = StudySettings("pausing", "loss", direction=direction, score="last")  # type: ignore[arg-type]
    return History(StudyDefinition(settings, {}, SPACE), lambda: list(records))


class Curve:
    """A training whose loss falls from its start to its end, each drawn."""

    def __init__(self, values: Mapping[str, object], seed: int) -> None:
        random = np.random.default_rng(seed)
        self.start, self.end, self.rate = 2.0, random.random(), random.uniform(0.2, 2.0)
        self.epochs = 0

    def epoch(self) -> float:
        """Go on by one epoch."""
        self.epochs += 1
        return self.end + (self.start - self.end) * math.exp(-self.rate * self.epochs)


@pytest.mark.parametrize("seed", range(8))
def test_nobody_goes_on_whom_a_recount_leaves_behind(seed: int) -> None:
    """After each trial of a search: what waits is not among the best share of its rung, but for explorers."""
    study = Simulation(SPACE, Curve, EPOCHS, Exploration(), RULE, seed, explores=lambda slot: slot % 5 == 0)
    for _ in range(40):
        study.run(study.spent + 1)
        furthest = {one.slot: one for one in study.records}  # a later attempt takes the place of one before
        for rung in RULE.rungs:
            there = sorted((one.curve[rung], one.slot) for one in furthest.values() if rung in one.curve)
            best = {slot for _, slot in there[: len(there) // 2]}
            beyond = {slot for slot, one in furthest.items() if max(one.curve) > rung}
            last = study.records[-1]
            if study.rule is not None and study.rule.take_up(study.history()) is None:
                assert not {slot for slot in best if furthest[slot].outcome is Outcome.PAUSED} - beyond
            assert last.outcome in {Outcome.PAUSED, Outcome.COMPLETED}
    assert study.spent == sum(max(one.curve) for one in {one.slot: one for one in study.records}.values())


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_trial_goes_on_only_from_among_the_best_share_of_its_rung(direction: str) -> None:
    """The second best of four goes on, the third is paused; where more is better, the other way round."""
    sign = 1.0 if direction == "minimize" else -1.0
    others = [record(number, [9.0, sign * loss]) for number, loss in enumerate((1.0, 3.0, 4.0))]
    for loss, action in (
        (2.0, Action.GO_ON),
        (3.5, Action.PAUSE),
        (3.0, Action.PAUSE),
        (math.nan, Action.PAUSE),
    ):
        mine = record(7, [9.0, sign * loss], outcome=None)
        assert RULE.decide(history([*others, mine], direction), mine).verdict is action
    assert RULE.take_up(history(others, direction)) == others[0]


def test_an_attempt_that_went_on_is_not_counted_twice() -> None:
    """The paused attempt of a trial that goes on takes no place at its rung, and is not taken up again."""
    first = record(0, [9.0, 1.0])
    onward = replace(
        first, number=5, attempt=2, outcome=Outcome.COMPLETED, curve=dict.fromkeys(range(1, 7), 1.0)
    )
    others = [record(number, [9.0, 1.0 + number]) for number in range(1, 4)]
    assert RULE.take_up(history([first, *others, onward])) == others[0]
    assert RULE.take_up(history([first, *others[:2], onward])) is None


def test_a_trial_whose_next_attempt_was_lost_is_not_taken_up_beside_it() -> None:
    """Its slot is free for whoever comes first, and is no paused one."""
    first = record(0, [9.0, 1.0])
    lost = replace(first, number=5, attempt=2, outcome=Outcome.LOST, curve={})
    others = [record(number, [9.0, 1.0 + number]) for number in range(1, 4)]
    assert RULE.take_up(history([first, *others, lost])) == others[0]


def test_an_explorer_goes_on_by_chance_and_not_by_rank() -> None:
    """Of the worst explorers the share goes on, each always alike."""
    others = [record(number, [9.0, 1.0]) for number in range(4)]
    verdicts = []
    for slot in range(400):
        mine = replace(record(900 + slot, [9.0, 8.0], outcome=None), explores=True)
        once, again = (RULE.decide(history([*others, mine]), mine).verdict for _ in range(2))
        assert once is again
        verdicts.append(once is Action.GO_ON)
    assert sum(verdicts) == pytest.approx(200, abs=50)  # five standard deviations


@pytest.mark.parametrize("score", ["best", "last"])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_an_end_is_foretold_where_all_trials_gain_by_one_line(score: str, direction: str) -> None:
    """Where the end is a line of the loss at each rung, it is found to the last digits, by both rungs."""
    sign = 1.0 if direction == "minimize" else -1.0
    settings = StudySettings("ends", "loss", direction=direction, score=score)  # type: ignore[arg-type]
    random = np.random.default_rng(3)

    def curve(loss: float) -> list[float]:
        whole = [loss + 1, loss, loss, 0.5 * loss - 1, 0.5 * loss - 1, 0.4 * loss - 2]
        return [sign * value for value in whole]

    losses = random.uniform(1, 3, 12)
    records = [
        record(n, curve(loss)[: (2, 4, EPOCHS)[n % 3]], Outcome.COMPLETED if n % 3 == 2 else Outcome.PAUSED)
        for n, loss in enumerate(losses)
    ]
    found = expected_ends(records, settings)
    assert found == pytest.approx({n: 0.4 * loss - 2 for n, loss in enumerate(losses)})


def test_what_diverged_or_failed_is_expected_at_the_worst_and_nothing_of_what_has_no_score() -> None:
    """Their losses are infinite; a trial that runs without a score is left out."""
    records = [
        record(0, [1.0, math.nan], Outcome.DIVERGED),
        record(1, [], Outcome.FAILED),
        record(2, [], None),
        record(3, [1.0], None),
        record(4, [], Outcome.LOST),
    ]
    assert expected_ends(records, StudySettings("ends", "loss")) == {0: math.inf, 1: math.inf, 3: 1.0}


def test_what_breaks_a_limit_is_expected_at_the_worst_or_where_it_is() -> None:
    """Whoever models limits asks for the losses beside them; what was not trained because of one has none."""
    records = [
        replace(record(0, [2.0] * EPOCHS, Outcome.COMPLETED), violations={"size": 0.1}),
        replace(record(1, [], Outcome.INFEASIBLE), violations={"size": 9.0}),
        record(2, [], Outcome.DIVERGED),
        replace(record(3, [4.0] * EPOCHS, Outcome.COMPLETED), violations={"size": -0.1}),
    ]
    settings = StudySettings("ends", "loss")
    assert expected_ends(records, settings) == {0: math.inf, 1: math.inf, 2: math.inf, 3: 4.0}
    assert expected_ends(records, settings, limited=False) == {0: 2.0, 2: math.inf, 3: 4.0}


@pytest.mark.parametrize(
    ("arguments", "validations", "rungs"),
    [
        ({}, 18, [6, 12]),
        ({}, 30, [10, 20]),
        ({"rungs": 3}, 18, [3, 6, 12]),
        ({"rungs": 2, "share": 1 / 3}, 18, [4, 12]),
        ({}, 3, [2]),
        ({}, 1, []),
        ({}, None, []),
    ],
)
def test_no_rung_stands_elsewhere(
    arguments: dict[str, float], validations: int | None, rungs: list[int]
) -> None:
    """The last stands at two thirds, each before it at the share of the next, none before the second."""
    assert list(PausingPruner(**arguments).rule(validations).rungs) == rungs  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"rungs": 0}, {"share": 0.0}, {"share": 1.0}, {"rungs": 21}])
def test_no_number_out_of_range_is_taken(arguments: dict[str, float]) -> None:
    """The name, the range and what was given are said."""
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"{name} must be .*, but got"):
        PausingPruner(**arguments)  # type: ignore[arg-type]


def test_in_plain_optuna_a_trial_is_stopped_where_it_would_pause() -> None:
    """It needs to hear how long a trial is, and then stops what is not among the best share of a rung."""
    study = optuna.create_study(pruner=PausingPruner(rungs=1, validations=EPOCHS))
    stopped = []
    for number in range(6):
        trial = study.ask()
        for step in range(1, EPOCHS + 1):
            trial.report(float(number % 3), step)
            if trial.should_prune():
                stopped.append((number, step))
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, float(number % 3))
    assert stopped == [(0, 4), (1, 4), (2, 4), (4, 4), (5, 4)]
    with pytest.raises(ValueError, match="say how many validations"):
        PausingPruner().prune(study, study.trials[0])


def test_a_rung_at_which_nothing_is_scored_decides_at_the_next_score() -> None:
    """A metric that is logged in every third validation pauses a trial at the first score behind a rung."""
    rule = PausingRule((2, 4, 8), 0.5)
    assert [rule.is_due(step, step - 3) for step in (3, 6, 9, 12)] == [True, True, True, False]
    others = [replace(record(number, []), curve={3: 1.0 + number}) for number in range(3)]
    mine = replace(record(7, [], outcome=None), curve={3: 5.0})
    assert rule.decide(history([*others, mine]), mine).verdict is Action.PAUSE
    onward = replace(mine, curve={3: 5.0, 12: 5.0})
    assert rule.decide(history([*others, onward]), replace(onward, curve={9: 5.0, 12: 5.0})) == GO_ON
