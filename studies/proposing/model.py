"""A proposer with a joint model of all parameters, that asks where the score may improve most.

The model is the Gaussian process of `studies.surrogate`, which knows conditions: what two branches have in
common is learnt in both, and a branch that was never tried keeps the variance that it has before any trial.
What is expected before any trial weighs in the search, ever less the more trials there are. Limits that a
study sets weigh with the probability that they are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from search_spaces.space.nodes import Group
from studies.ledger.slot import Slot
from studies.proposing.expected_ends import expected_ends
from studies.proposing.joint.feasibility import Feasibility
from studies.proposing.joint.hidden import hidden_before
from studies.proposing.joint.improvement import Improvement
from studies.proposing.joint.places import is_new, moved, places_of, snapped, values_of
from studies.proposing.joint.priors import Priors
from studies.proposing.joint.scale import Scale
from studies.proposing.optuna_sampler import ProposerSampler
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History, Origin, Proposal
from studies.proposing.seeds import seed_of
from studies.surrogate.domain import Array, Domain, domain_of
from studies.surrogate.gaussian_process import points_of
from studies.surrogate.integration import coordinates_at
from studies.trials.record import TrialRecord, furthest_attempts

FEWEST = 8  # trials that have ended, or paused, from which on there is a model
FEWEST_FINITE = 2  # of them with a score
DRAWS = 64  # from the priors, of which the first is taken that is no trial already
FADES = 10  # trials after which the priors weigh as the expected improvement does, and ever less behind
EVERY = 8  # of so many slots one is quasi-random, whatever the model believes: it may be wrong of a branch
SPREAD_OUT = 512  # candidates over the whole space
FROM_PRIORS = 512  # candidates where good values are expected
NEAR = 64  # candidates around each of the best
LEADERS = 8  # trials that are searched around
BEAM = 12  # candidates that are
STEPS = (0.2, 0.08, 0.03, 0.01)  # of that search, as parts of a range
UNLIKELY = 0.1  # probability of keeping all limits below which a place is proposed only where all are
FORBIDDEN = -1e6  # gain of such a place, beside the log of its probability
FIT_STEPS = 30
MANY, OF_MANY = 128, 10  # trials from which on so many steps do, each of which takes longer


class JointModel:
    """Proposes by the expected improvement of the joint model, times the density of the priors.

    Where the study has limits, times the probability that all are kept (see `Feasibility`). The exponent of
    the density falls as one by the number of trials, so a wrong prior is forgotten. While there is no model,
    values are drawn from the priors, and quasi-random ones where the space has none.

    Source: Hvarfner et al., "piBO: Augmenting Acquisition Functions with User Beliefs for Bayesian
    Optimization", ICLR 2022.
    """

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose one trial for each slot, beside those that run; see `Proposer`."""
        return [_proposed(history, slot) for slot in slots]


def _proposed(history: History, slot: Slot) -> Proposal:
    records = furthest_attempts(history.records)
    settings, domain = history.definition.settings, domain_of(history.space)
    allowed = expected_ends(records, settings)
    told = [record for record in records if record.number in allowed]
    if len(told) >= FEWEST and slot.number % EVERY == EVERY - 1:
        return Exploration(EVERY).propose(history, [slot])[0]
    running = [record for record in records if record.number not in allowed and record.values]
    running += hidden_before(history, slot, _proposed)
    loss = expected_ends(records, settings, limited=False)
    known = _Known(
        told,
        places_of(domain, told),
        np.array([loss.get(record.number, np.nan) for record in told]),
        np.array([allowed[record.number] for record in told]),
        places_of(domain, running),
    )
    priors = Priors(domain)
    if len(told) < FEWEST:
        return _start(history, slot, domain, priors, known)
    search = _Search(history, slot, domain, priors, known)
    return search.proposal() if search else Exploration().propose(history, [slot])[0]


def _start(history: History, slot: Slot, domain: Domain, priors: Priors, known: "_Known") -> Proposal:
    """Propose where there is no model yet: a draw from the priors that is no trial already."""
    if not priors or slot.number == 0:
        return Exploration().propose(history, [slot])[0]
    random = np.random.default_rng(seed_of(history.definition, slot.number, slot.draw))
    places = priors.places(random.random((DRAWS, len(domain.axes))))
    fresh = np.flatnonzero(is_new(domain, places, np.vstack([known.tried, known.running])))
    if not len(fresh):
        return Exploration().propose(history, [slot])[0]
    return Proposal(values_of(domain, places[fresh[:1]]), Origin.PRIOR)


class JointSampler(ProposerSampler):
    """The joint model as a sampler, for study files and for plain Optuna.

    Args:
        space: what the objective suggests; a study of the tuner knows it by itself.
        seed: of the proposals.
    """

    def __init__(self, space: Group | None = None, *, seed: int = 0) -> None:
        super().__init__(JointModel(), space, seed=seed)


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of trials.

    Attributes:
        told: those that have a loss, or broke a limit before they had one, `n`.
        tried: where they lie, `(n, axes)`.
        loss: of each, whatever limits it breaks; NaN where there is none, `(n,)`.
        allowed: the same, infinite where a limit is broken, `(n,)`.
        running: where others run, `(m, axes)`.
    """

    told: Sequence[TrialRecord]
    tried: Array
    loss: Array
    allowed: Array
    running: Array


class _Search:
    """The search of one slot's values."""

    def __init__(self, history: History, slot: Slot, domain: Domain, priors: Priors, known: _Known) -> None:
        tried, running = known.tried, known.running
        self._count, self._minimizes = len(tried), history.definition.settings.direction == "minimize"
        self._domain, self._priors, self._tried = domain, priors, np.vstack([tried, running])
        self._random = np.random.default_rng(seed_of(history.definition, slot.number, slot.draw))
        told, has_loss = self._points(tried), ~np.isnan(known.loss)
        with threadpool_limits(limits=1):  # its matrices are small, and several threads slow each other down
            self._feasibility = Feasibility(domain, told, known.told, _steps)
            keeps, self._improvement = self._feasibility.keeps, None
            if np.isfinite(known.loss).sum() >= FEWEST_FINITE:
                self._scale = Scale.of(known.loss, keeps)
                self._improvement = Improvement(
                    domain,
                    told[has_loss],
                    self._scale.warp(known.loss[has_loss]),
                    beside := self._points(running),
                    keeps=np.r_[keeps[has_loss], self._feasibility.likely(beside)],
                    steps=_steps(int(has_loss.sum())),
                )
            order = np.where(keeps, known.allowed, np.inf)
            if not np.isfinite(order).any():
                order = -self._feasibility.log_chance(told)
        self._leaders = tried[np.argsort(order, kind="stable")[:LEADERS]]

    def __bool__(self) -> bool:
        """Say whether anything is known: a model of the loss, or of a limit."""
        return self._improvement is not None or bool(self._feasibility)

    def proposal(self) -> Proposal:
        """Search by ever smaller steps around the best of many candidates."""
        domain, random = self._domain, self._random
        places = np.vstack(
            [
                coordinates_at(domain, random.random((SPREAD_OUT, len(domain.axes)))),
                self._priors.places(random.random((FROM_PRIORS, len(domain.axes)))),
                *(moved(domain, np.repeat(self._leaders, NEAR, axis=0), step, random) for step in STEPS[:2]),
            ]
        )
        places = snapped(domain, places)
        with threadpool_limits(limits=1):
            gains = self._gains(places)
            for step in STEPS:
                top = places[np.argsort(-gains, kind="stable")[:BEAM]]
                near = moved(domain, np.repeat(top, NEAR, axis=0), step, random)
                places = np.vstack([top, snapped(domain, near)])
                gains = self._gains(places)
            chosen = places[[int(np.argmax(gains))]]
            points = self._points(chosen)
            (chance,) = np.exp(self._feasibility.log_chance(points))
        said, score = [], None
        if self._improvement is not None:
            (loss,) = self._scale.unwarp(self._improvement.loss(points))
            score = float(loss if self._minimizes else -loss)
            said.append(f"{score:.4g} is expected")
        if self._feasibility:
            said.append(f"it keeps the limits with a probability of {chance:.2g}")
        return Proposal(values_of(domain, chosen), Origin.MODEL, "; ".join(said), score)

    def _points(self, places: Array) -> Array:
        return points_of(places, self._domain.active(places))

    def _gains(self, places: Array) -> Array:
        points = self._points(places)
        chance = self._feasibility.log_chance(points)
        gains = chance + FADES / self._count * self._priors.log_density(places)
        if self._improvement is not None:
            gains += self._improvement.log_expected(points)
        # Where the best within the limits is found, any other place promises more, were it not forbidden.
        gains = np.where(chance < np.log(UNLIKELY), FORBIDDEN + chance, gains)
        return np.where(is_new(self._domain, places, self._tried), gains, -np.inf)


def _steps(trials: int) -> int:
    return FIT_STEPS if trials < MANY else OF_MANY
