"""What the joint model believes of the limits of a study, and what it does of it."""

import math
from dataclasses import replace

import numpy as np
import optuna
import pytest

from search_spaces.space.nodes import Float, Group
from search_spaces.suggest import suggest
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.joint.feasibility import FEWEST, Feasibility
from studies.proposing.model import JointModel, JointSampler
from studies.proposing.proposer import History, Origin
from studies.surrogate.domain import Array, Domain, domain_of
from studies.surrogate.gaussian_process import fit, points_of
from studies.surrogate.integration import quasi_random
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.studies.analysis.known_functions import random_conditional


def steps(_: int) -> int:
    """Give how long hyperparameters are searched."""
    return 30


def trials(beyond: Array, name: str = "size") -> list[TrialRecord]:
    """Give trials that lie so far beyond a limit; NaN where it is not known."""
    return [
        TrialRecord(
            n, n, 1, {}, Outcome.COMPLETED, 1.0, {}, violations={} if math.isnan(each) else {name: each}
        )
        for n, each in enumerate(beyond)
    ]


def drawn(seed: int, count: int) -> tuple[Domain, Array, Array]:
    """Give points of a conditional space, and the values there of a function whose median is 0."""
    known = random_conditional(seed)
    domain = domain_of(known.space)
    places = quasi_random(domain, 128, seed)[:count]
    active = domain.active(places)
    values = known.function(places, active)
    return domain, points_of(places, active), values - np.median(values)


@pytest.mark.parametrize("seed", [2, 11, 47])
@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_what_keeps_a_limit_is_told_from_what_breaks_it(seed: int, unit: float) -> None:
    """Learnt from sixty-four places, of as many others; as often as the chances say, whatever the unit."""
    domain, points, beyond = drawn(seed, 128)
    model = Feasibility(domain, points[:64], trials(unit * beyond[:64]), steps)
    chance = np.exp(model.log_chance(points[64:]))
    keeps = beyond[64:] <= 0
    assert np.mean((chance > 0.5) == keeps) > 0.75
    assert np.mean(chance) == pytest.approx(np.mean(keeps), abs=0.15)
    assert np.mean(chance[keeps]) - np.mean(chance[~keeps]) > 0.4


def test_the_chance_is_that_of_draws_from_the_model() -> None:
    """Counted among draws of its posterior with its noise, at places where it is neither 0 nor 1."""
    domain, points, beyond = drawn(2, 128)
    told = beyond[:32]
    units = np.where(told > 0, np.median(told[told > 0]), np.median(told[told < 0]))
    written = np.where(told > 0, 1, -1) * np.log1p(told / units)
    surrogate = fit(domain, points[:32], written, np.zeros(32), steps=steps(0))
    mean, covariance = surrogate.posterior(points[32:])
    spread = np.sqrt(np.diagonal(covariance) + surrogate.noise)
    random = np.random.default_rng(5).standard_normal((20_000, 1))
    draws = surrogate.centre + surrogate.scale * (mean + spread * random)
    found = np.exp(Feasibility(domain, points[:32], trials(beyond[:32]), steps).log_chance(points[32:]))
    assert found == pytest.approx((draws <= 0).mean(axis=0), abs=0.015)
    assert ((found > 0.1) & (found < 0.9)).any()


def test_what_is_not_known_of_a_limit_says_nothing() -> None:
    """Trials of which it is unknown change nothing; few, or all alike, are no model; two limits multiply."""
    domain, points, beyond = drawn(11, 40)
    known = beyond.copy()
    known[20:] = np.nan
    alone = Feasibility(domain, points[:20], trials(beyond[:20]), steps).log_chance(points)
    model = Feasibility(domain, points, trials(known), steps)
    assert model.log_chance(points) == pytest.approx(alone, abs=1e-9)
    assert model.keeps.tolist() == [*(beyond[:20] <= 0), *(alone[20:] > np.log(0.5))]
    for silent in (
        np.full(40, np.nan),
        np.r_[beyond[: FEWEST - 1], np.full(41 - FEWEST, np.nan)],
        np.ones(40),
    ):
        assert not Feasibility(domain, points, trials(silent), steps).log_chance(points).any()
    both = [
        TrialRecord(n, n, 1, {}, Outcome.COMPLETED, 1.0, {}, violations={"size": by, "time": by})
        for n, by in enumerate(beyond[:20].tolist())
    ]
    assert Feasibility(domain, points[:20], both, steps).log_chance(points) == pytest.approx(2 * alone)


def test_what_stopped_trials_say_of_a_limit_gives_way_to_what_ended_ones_do() -> None:
    """Where those that were stopped broke it early, and others at the same places kept it in the end."""
    domain, points, beyond = drawn(11, 40)
    beyond -= beyond.max() + 0.1
    stopped = [replace(record, outcome=Outcome.PRUNED) for record in trials(-beyond)]
    believed = Feasibility(domain, points, stopped, steps).log_chance(points)
    both = Feasibility(domain, np.vstack([points, points]), [*stopped, *trials(beyond)], steps)
    assert np.median(both.log_chance(points)) > np.log(0.6)
    assert np.median(believed) < np.log(0.4)


@pytest.mark.parametrize("kept", [-1.0, -1e-320, 0.0])
@pytest.mark.parametrize("broken", [math.inf, 1e300, 1e-320])
def test_any_number_is_a_violation(broken: float, kept: float) -> None:
    """Another program's may be any, even one for all trials: the search comes close to the edge of a step."""
    space = Group({"x": Float(0.0, 1.0)})
    study = optuna.create_study(sampler=JointSampler(space, seed=1))
    for _ in range(20):
        trial = study.ask()
        x = float(suggest(trial, space)["x"])
        trial.set_constraint("memory", broken if x > 0.43 else kept)
        study.tell(trial, 1.0 - x)
    assert max(trial.params["x"] for trial in study.trials if trial.params["x"] <= 0.43) > 0.4


def test_a_search_finds_what_keeps_a_limit_that_nothing_has_kept_yet() -> None:
    """A tenth of a tenth of the space keeps it; the limit leads there, and then the loss along it."""
    space = Group({name: Float(0.0, 1.0) for name in ("x", "y", "z")})
    study = optuna.create_study(sampler=JointSampler(space, seed=3))
    best = math.inf
    for _ in range(40):
        trial = study.ask()
        values = suggest(trial, space)
        x, y, z = (float(values[name]) for name in ("x", "y", "z"))
        beyond = max(abs(x - 0.9), abs(y - 0.1)) - 0.05
        trial.set_constraint("reach", beyond)
        study.tell(trial, (z - 0.6) ** 2 + y)
        best = min(best, (z - 0.6) ** 2 + y if beyond <= 0 else math.inf)
    assert best < 0.08  # at most .05 is what y costs at the least


@pytest.mark.parametrize("outcome", [None, Outcome.PAUSED, Outcome.PRUNED])
def test_a_trial_that_is_not_measured_yet_leads_nowhere_that_is_forbidden(outcome: Outcome | None) -> None:
    """One that runs or was stopped deep in what others have found forbidden is nothing to improve on."""
    space = Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    definition = StudyDefinition(StudySettings("unmeasured", "loss", limits={"reach": "<= 1"}), {}, space)
    places = quasi_random(domain_of(space), 32, 1)
    records = []
    for n, (x, y) in enumerate(places[:24].tolist()):
        ended = TrialRecord(n, n, 1, {"x": x, "y": y}, Outcome.COMPLETED, x + (y - 0.3) ** 2, {})
        records.append(replace(ended, violations={"reach": 0.5 - x}))
    for n in range(24, 27):
        x, y = 0.03, n / 30 - 0.55
        open_end = TrialRecord(n, n, 1, {"x": x, "y": y}, outcome, None, {1: x + (y - 0.3) ** 2 + 0.1})
        records.append(open_end)
    for number in range(40, 46):
        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        (proposal,) = JointModel().propose(History(definition, lambda: records), [slot])
        assert float(proposal.values["x"]) > 0.45


def test_a_limit_that_all_keep_changes_no_proposal() -> None:
    """Of one that all are equally far from, nothing is known that leads anywhere."""
    space = Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    found = []
    for limited in (False, True):
        study = optuna.create_study(sampler=JointSampler(space, seed=1))
        for _ in range(16):
            trial = study.ask()
            values = suggest(trial, space)
            if limited:
                trial.set_constraint("memory", -5.0)
            study.tell(trial, (float(values["x"]) - 0.3) ** 2 + float(values["y"]))
        found.append([trial.params for trial in study.trials])
    assert found[0] == found[1]


def test_what_was_never_trained_leads_to_what_may_be() -> None:
    """While modules that break a limit have no score at all, the limit alone leads to those that keep it."""
    space = Group({name: Float(0.0, 1.0) for name in ("x", "y", "z")})
    definition = StudyDefinition(
        StudySettings("untrained", "loss", limits={"parameters": "<= 100"}), {}, space
    )
    records: list[TrialRecord] = []
    for number in range(30):
        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        (proposal,) = JointModel().propose(History(definition, lambda: records), [slot])
        x, y, z = (float(proposal.values[name]) for name in ("x", "y", "z"))
        beyond = (1000 * x * y + 200 * z + 20 - 100) / 100
        outcome, score = (Outcome.INFEASIBLE, None) if beyond > 0 else (Outcome.COMPLETED, x + y)
        violations = {"parameters": beyond}
        record = TrialRecord(number, number, 1, proposal.values, outcome, score, {}, violations=violations)
        records.append(record)
        if number >= 8 and score is None and proposal.origin is Origin.MODEL:
            assert "probability" in (proposal.why or "")
    assert sum(record.score is not None for record in records[12:]) >= 12
