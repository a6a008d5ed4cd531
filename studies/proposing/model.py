"""A proposer with a joint model of all parameters, that asks where the score may improve most.

The model is the Gaussian process of `studies.surrogate`, which knows conditions: what two branches have in
common is learnt in both, and a branch that was never tried keeps the variance that it has before any trial.
What is expected before any trial weighs in the search, ever less the more trials there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from search_spaces.space.nodes import Group, Value
from studies.ledger.slot import Slot
from studies.proposing.expected_ends import expected_ends
from studies.proposing.joint.hidden import hidden_before
from studies.proposing.joint.priors import Priors
from studies.proposing.optuna_sampler import ProposerSampler
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History, Origin, Proposal
from studies.proposing.seeds import seed_of
from studies.surrogate.domain import Array, Domain, Mask, coordinate, domain_of, on_values, value_at
from studies.surrogate.gaussian_process import Surrogate, fit, points_of
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
CHANGED = 0.35  # share of the parameters that a step changes
OPTION_CHANGED = 0.5  # share of these where the parameter is a choice
TAIL = -5.0  # deviations below which the expected improvement underflows
FIT_STEPS = 30
MANY, OF_MANY = 128, 10  # trials from which on so many steps do, each of which takes longer
SAME = 1e-3  # of a range, within which a trial is the same as another
FARTHEST = 1e300  # loss, and distance in units from the best, beyond which there are none
UNIT = 0.5  # quantile of the losses whose distance from the best is the unit of the scale


class JointModel:
    """Proposes by the expected improvement of the joint model, times the density of the priors.

    The exponent of the density falls as one by the number of trials, so a wrong prior is forgotten. While
    there is no model, values are drawn from the priors, and quasi-random ones where the space has none.

    Source: Hvarfner et al., "piBO: Augmenting Acquisition Functions with User Beliefs for Bayesian
    Optimization", ICLR 2022.
    """

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose one trial for each slot, beside those that run; see `Proposer`."""
        return [_proposed(history, slot) for slot in slots]


def _proposed(history: History, slot: Slot) -> Proposal:
    records = furthest_attempts(history.records)
    ends = expected_ends(records, history.definition.settings)
    told = [record for record in records if record.number in ends]
    if len(told) >= FEWEST and slot.number % EVERY == EVERY - 1:
        return Exploration(EVERY).propose(history, [slot])[0]
    running = [record for record in records if record.number not in ends and record.values]
    running += hidden_before(history, slot, _proposed)
    domain = domain_of(history.space)
    known = _Known(
        places_of(domain, told),
        np.array([ends[record.number] for record in told]),
        places_of(domain, running),
    )
    priors = Priors(domain)
    if len(told) < FEWEST:
        return _start(history, slot, domain, priors, known)
    if np.isfinite(known.loss).sum() < FEWEST_FINITE:  # where good values were expected are none
        return Exploration().propose(history, [slot])[0]
    return _Search(history, slot, domain, priors, known).proposal()


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
    """What is known of the trials: where they lie `(n, axes)`, their losses `(n,)`, where others run."""

    tried: Array
    loss: Array
    running: Array


class _Search:
    """The search of one slot's values."""

    def __init__(self, history: History, slot: Slot, domain: Domain, priors: Priors, known: _Known) -> None:
        tried, loss, running = known.tried, known.loss, known.running
        self._loss, self._minimizes = loss, history.definition.settings.direction == "minimize"
        self._domain, self._priors, self._tried = domain, priors, np.vstack([tried, running])
        self._random = np.random.default_rng(seed_of(history.definition, slot.number, slot.draw))
        self._leaders = tried[np.argsort(loss, kind="stable")[:LEADERS]]
        points, warped = self._points(tried), warp(loss)
        steps = FIT_STEPS if len(loss) < MANY else OF_MANY
        with threadpool_limits(limits=1):  # its matrices are small, and several threads slow each other down
            surrogate = fit(domain, points, warped, np.zeros(len(warped)), steps=steps)
            if len(running):
                # Trials that run are taken to end as expected, so the next one is not proposed beside them.
                there = self._points(running)
                expected = surrogate.centre + surrogate.scale * surrogate.mean(there)
                points, warped = np.vstack([points, there]), np.r_[warped, expected]
                surrogate = fit(domain, points, warped, np.zeros(len(warped)), start=surrogate.theta, steps=1)
            self._surrogate = surrogate
            self._incumbent = float(np.min(surrogate.mean(points)))

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
            mean = self._surrogate.mean(self._points(chosen))
        (loss,) = unwarp(self._surrogate.centre + self._surrogate.scale * mean, self._loss)
        score = float(loss if self._minimizes else -loss)
        return Proposal(values_of(domain, chosen), Origin.MODEL, f"{score:.4g} is expected", score)

    def _points(self, places: Array) -> Array:
        return points_of(places, self._domain.active(places))

    def _gains(self, places: Array) -> Array:
        mean, deviation = predict(self._surrogate, self._points(places))
        gains = log_expected_improvement(self._incumbent - mean, deviation)
        gains += FADES / len(self._loss) * self._priors.log_density(places)
        return np.where(is_new(self._domain, places, self._tried), gains, -np.inf)


def warp(loss: Array) -> Array:
    """Write losses on a scale that tells the good ones apart: log1p of their distance from the best.

    The unit is the distance of the median loss from the best, so the scale zooms in as the trials
    get better, and a loss of a thousand hides no difference.
    """
    clean, best, unit = _scale(loss)
    with np.errstate(over="ignore"):
        warped: Array = np.log1p(np.minimum((clean - best) / unit, FARTHEST))
    return warped


def unwarp(warped: Array, loss: Array) -> Array:
    """Give the losses that stand at places of the scale on which `warp` writes `loss`."""
    _, best, unit = _scale(loss)
    with np.errstate(over="ignore"):
        found: Array = np.clip(best + unit * np.expm1(warped), -FARTHEST, FARTHEST)
    return found


def _scale(loss: Array) -> tuple[Array, float, float]:
    finite = np.isfinite(loss)
    clean = np.clip(np.where(finite, loss, np.max(loss[finite], initial=-np.inf)), -FARTHEST, FARTHEST)
    best = float(np.min(clean))
    unit = float(np.quantile(clean, UNIT)) - best
    if unit <= 0:
        unit = float(np.max(clean)) - best or 1.0
    return clean, best, unit


def predict(surrogate: Surrogate, points: Array) -> tuple[Array, Array]:
    """Give mean and deviation of the standardised loss at points `(m, 2 * axes)`."""
    cross = surrogate.kernel.between(points, surrogate.points)
    mean = cross @ surrogate.weights
    half = solve_triangular(surrogate.cholesky, cross.T, lower=True)
    prior = surrogate.kernel.variance_at(points)
    return mean, np.sqrt(np.maximum(prior - np.einsum("ij,ij->j", half, half), 1e-12))


def log_expected_improvement(gap: Array, deviation: Array) -> Array:
    """Give the log of the expected improvement; its tail by the asymptote, where it would underflow.

    Source: Ament et al., "Unexpected Improvements to Expected Improvement", NeurIPS 2023.
    """
    z = gap / deviation
    small = z < TAIL
    safe = np.where(small, 0.0, z)
    exact = np.log(norm.pdf(safe) + safe * norm.cdf(safe))
    far = np.where(small, z, TAIL)
    tail = norm.logpdf(far) - 2 * np.log(-far)
    found: Array = np.log(deviation) + np.where(small, tail, exact)
    return found


def moved(domain: Domain, places: Array, step: float, random: np.random.Generator) -> Array:
    """Move some coordinates of each place: by a step on a range, to any option of a choice."""
    changed = places.copy()
    count = len(domain.axes)
    for d, axis in enumerate(domain.axes):
        chosen = random.random(len(places)) < max(CHANGED, 1.5 / count)
        if axis.ordered and len(axis.nodes) > 1:
            there = np.clip(places[:, d] + step * random.standard_normal(len(places)), 0.0, 1.0)
            if axis.is_discrete:
                there = axis.nodes[np.argmin(np.abs(there[:, None] - axis.nodes[None, :]), axis=1)]
        else:
            there = random.choice(axis.nodes, len(places))
            chosen &= random.random(len(places)) < OPTION_CHANGED
        changed[:, d] = np.where(chosen, there, places[:, d])
    return changed


def snapped(domain: Domain, places: Array) -> Array:
    """Move the coordinates of whole numbers to those of the values that they stand for."""
    return np.column_stack([on_values(axis, places[:, d]) for d, axis in enumerate(domain.axes)])


def is_new(domain: Domain, places: Array, tried: Array) -> Mask:
    """Say which places differ from every trial by more than a thousandth of some range that both have."""
    active, there = domain.active(places), domain.active(tried)
    alike: dict[bytes, list[int]] = {}  # trials by what exists in them
    for row, mask in enumerate(there):
        alike.setdefault(mask.tobytes(), []).append(row)
    fresh = np.ones(len(places), dtype=bool)
    for row, mask in enumerate(active):
        same = alike.get(mask.tobytes())
        if same is not None:
            apart = np.abs(tried[same][:, mask] - places[row, mask]) > SAME
            fresh[row] = apart.any(axis=1).all()
    return fresh


def places_of(domain: Domain, records: Sequence[TrialRecord]) -> Array:
    """Give the coordinates of trials, `(n, axes)`; where an axis does not exist, its first node."""
    places = np.tile([axis.nodes[0] for axis in domain.axes], (len(records), 1))
    for row, record in enumerate(records):
        for d, axis in enumerate(domain.axes):
            at = coordinate(axis, record.values[axis.name]) if axis.name in record.values else None
            if at is not None:
                places[row, d] = at
    return places


def values_of(domain: Domain, place: Array) -> dict[str, Value]:
    """Give the values of the parameters that exist at a place `(1, axes)`."""
    active = domain.active(place)[0]
    return {axis.name: value_at(axis, float(place[0, d])) for d, axis in enumerate(domain.axes) if active[d]}
