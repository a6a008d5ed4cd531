"""The joint model as a search: its arithmetic against the plain one, and that it learns from trials."""

from collections.abc import Mapping

import numpy as np
import optuna
import pytest
from scipy.stats import norm

from search_spaces.space.nodes import Float, Group, Int, Value
from search_spaces.suggest import suggest
from studies.analysis.shares.importance import fit_table
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.exploration import exploration_point
from studies.proposing.joint.improvement import log_expected_improvement
from studies.proposing.joint.places import SAME, is_new, snapped
from studies.proposing.joint.scale import Scale
from studies.proposing.model import (
    EVERY,
    FEWEST,
    JointModel,
    JointSampler,
)
from studies.proposing.proposer import History, Origin
from studies.surrogate.domain import Domain, coordinate, domain_of, value_at
from studies.surrogate.gaussian_process import points_of
from studies.surrogate.integration import quasi_random
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.studies.analysis.known_functions import Known, random_conditional, random_flat


@pytest.mark.parametrize("seed", [2, 11, 47])
def test_the_variance_at_a_point_is_the_diagonal_of_the_covariance(seed: int) -> None:
    """Read off a grid along ranges, it is what the whole covariance says, on branches too."""
    surrogate = fit_table(random_conditional(seed).table(80, seed, 0.1)).surrogate
    places = quasi_random(surrogate.domain, 256, seed)
    points = points_of(places, surrogate.domain.active(places))
    whole = np.diagonal(surrogate.kernel.between(points, points))
    assert surrogate.kernel.variance_at(points) == pytest.approx(whole, abs=1e-3)


def test_the_log_of_the_expected_improvement_is_that_of_an_integral() -> None:
    """By brute force where it can be integrated, and without an underflow far below."""
    draws = norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    for gap, deviation in ((0.5, 1.0), (-1.0, 0.5), (-3.0, 1.5), (0.0, 0.1)):
        integral = np.mean(np.maximum(gap + deviation * draws, 0.0))
        found = log_expected_improvement(np.array([gap]), np.array([deviation]))
        assert found[0] == pytest.approx(np.log(integral), abs=0.01)
    far = log_expected_improvement(np.array([-20.0, -40.0]), np.array([1.0, 1.0]))
    assert np.isfinite(far).all()
    assert far[0] > far[1]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_loss_is_lost_on_the_scale_of_the_model(sign: float) -> None:
    """What is written on it is read back; an infinite loss is the worst of the finite ones, of any sign."""
    loss = sign * np.array([3.0, 0.1, 7.0, 2.0, 50.0])
    everything = np.r_[loss, loss.min() - 1.0, loss.min() - 200.0, np.nan]
    scale = Scale.of(everything, np.arange(8) < 5)  # the better ones break a limit of the study
    assert (scale.best, scale.least) == (loss.min(), loss.min() - 200.0)
    assert scale.unwarp(scale.warp(everything[:7])) == pytest.approx(everything[:7])
    for one in (scale, Scale.of(loss, np.ones(5, dtype=bool))):  # and nothing is told of what nobody saw
        assert one.unwarp(np.array([-50.0])) == pytest.approx(one.least - one.unit)
    with_infinite = scale.warp(np.r_[loss, np.inf])
    assert with_infinite[-1] == with_infinite[:-1].max()
    assert np.argsort(with_infinite[:-1]).tolist() == np.argsort(loss).tolist()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_scale_has_no_unit_while_one_loss_is_allowed(unit: float) -> None:
    """It is that of the others then, and not one of its own."""
    loss, allowed = np.array([3.0, 1.0, 2.0, 5.0, 4.0]), np.arange(5) == 0
    expected = Scale.of(loss, allowed).warp(loss)
    assert Scale.of(unit * loss, allowed).warp(unit * loss) == pytest.approx(expected)


@pytest.mark.parametrize("seed", [2, 11, 47])
def test_no_trial_is_proposed_again(seed: int) -> None:
    """New is what differs from each trial in what exists, or in a parameter that does, pair after pair."""
    domain = domain_of(random_conditional(seed).space)
    places, tried = quasi_random(domain, 128, seed), quasi_random(domain, 32, seed + 1)
    places[:32] = tried  # the same, but for parameters that do not exist and for less than counts
    places[:32] += np.where(domain.active(tried), SAME / 2, 0.3) * [axis.ordered for axis in domain.axes]
    active, there = domain.active(places), domain.active(tried)
    expected = [
        all(
            (one != other).any() or (np.abs(place - trial)[one] > SAME).any()
            for trial, other in zip(tried, there, strict=True)
        )
        for place, one in zip(places, active, strict=True)
    ]
    assert is_new(domain, places, tried).tolist() == expected
    assert sum(expected) not in {0, len(places)}


@pytest.mark.parametrize("high", [24, 40, 10_000])
def test_no_whole_number_is_proposed_again(high: int) -> None:
    """However many a range has, what the model proposes is another number than every trial had."""
    space = Group({"n": Int(1, high)})
    study = optuna.create_study(sampler=JointSampler(space, seed=1))
    study.optimize(lambda trial: (float(suggest(trial, space)["n"]) - 17) ** 2, n_trials=15)
    numbers = [trial.params["n"] for trial in study.trials]
    proposed = [number for number in range(FEWEST, len(numbers)) if number % EVERY != EVERY - 1]
    assert all(numbers[number] not in numbers[:number] for number in proposed)


@pytest.mark.parametrize("node", [Int(3, 12), Int(1, 40), Int(2, 4000, log=True), Float(0.1, 9.0, log=True)])
def test_a_candidate_stands_where_its_value_does(node: Int | Float) -> None:
    """It has the coordinate of the value that would be proposed, on any range; a real one stays."""
    domain = domain_of(Group({"n": node}))
    places = np.linspace(0, 1, 999)[:, None]
    values = [value_at(domain.axes[0], place) for (place,) in places.tolist()]
    expected = [coordinate(domain.axes[0], value) for value in values]
    assert snapped(domain, places)[:, 0] == pytest.approx(expected, abs=1e-12)


def test_the_slots_that_believe_no_model_fall_into_every_part_of_every_range() -> None:
    """Sixteen of them, one in eight of a study, lie in each of sixteen parts of each range once."""
    space = Group({f"x{i}": Float(0.0, 1.0) for i in range(5)})
    definition = StudyDefinition(StudySettings("unbelieving", "value", seed=4), {}, space)
    records = [
        TrialRecord(n, n, 1, exploration_point(space, index=n, seed=4), Outcome.COMPLETED, 0.1 * n, {})
        for n in range(FEWEST)
    ]
    drawn = []
    for number in range(EVERY - 1, 16 * EVERY, EVERY):
        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        (proposal,) = JointModel().propose(History(definition, lambda: records), [slot])
        assert proposal.origin is Origin.EXPLORATION
        drawn.append([float(proposal.values[f"x{i}"]) for i in range(5)])
    assert (np.sort(np.floor(16 * np.array(drawn)), axis=0) == np.arange(16)[:, None]).all()


@pytest.mark.parametrize("scores", [(-1.7e308, 1.7e308), (0.0, 1e-309, 1.7e308), (1.0, 1.0 + 1e-15, 1e300)])
def test_scores_that_span_all_numbers_stop_no_search(scores: tuple[float, ...]) -> None:
    """Differences that overflow, or that divided by another do, leave a model and proposals in range."""
    space = Group({"x": Float(0.0, 1.0)})
    study = optuna.create_study(sampler=JointSampler(space, seed=1))
    for number in range(2 * FEWEST):
        trial = study.ask()
        assert 0.0 <= trial.suggest_float("x", 0.0, 1.0) <= 1.0
        study.tell(trial, scores[number % len(scores)])
    assert study.trials[-1].state is optuna.trial.TrialState.COMPLETE


def test_what_is_expected_of_a_proposal_is_said_and_nearly_true() -> None:
    """On smooth functions the score that the model expects is close to the one that comes."""
    missed = [share for seed in (3, 4, 5) for share in missed_by_expectations(seed)]
    assert np.median(missed) < 0.2


def missed_by_expectations(seed: int) -> list[float]:
    """Search a smooth function, and say how far off what was expected is, in deviations of its scores."""
    known = random_flat(seed)
    domain = domain_of(known.space)
    definition = StudyDefinition(StudySettings("expected", "value", direction="maximize"), {}, known.space)
    records: list[TrialRecord] = []
    missed = []
    for number in range(30):
        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        (proposal,) = JointModel().propose(History(definition, lambda: list(records)), [slot])
        score = -value_of(known, domain, proposal.values)
        if proposal.origin is Origin.MODEL and number >= 20:
            missed.append(abs(float(proposal.why.split()[0]) - score))
        records.append(
            TrialRecord(number, number, 1, dict(proposal.values), Outcome.COMPLETED, score, {1: score})
        )
    spread = float(np.std([record.score or 0.0 for record in records]))
    return [each / spread for each in missed]


def value_of(known: Known, domain: Domain, values: Mapping[str, Value]) -> float:
    """Give the value of a function at the values of a trial."""
    places = [
        coordinate(axis, values[axis.name]) if axis.name in values else axis.nodes[0] for axis in domain.axes
    ]
    place = np.array([places], dtype=float)
    return float(known.function(place, domain.active(place))[0])


def _best(known: Known, sampler: optuna.samplers.BaseSampler, trials: int) -> float:
    domain = domain_of(known.space)

    def objective(trial: optuna.Trial) -> float:
        return value_of(known, domain, suggest(trial, known.space))

    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study.best_value


@pytest.mark.parametrize("make", [random_flat, random_conditional])
def test_what_trials_say_is_not_forgotten(make: object) -> None:
    """After thirty trials the model is ahead of random search on most functions drawn at random."""
    ahead = 0
    for seed in range(4):
        known = make(seed)  # type: ignore[operator]
        ours = _best(known, JointSampler(known.space, seed=seed), 30)
        ahead += ours <= _best(known, optuna.samplers.RandomSampler(seed=seed), 30)
    assert ahead >= 3
