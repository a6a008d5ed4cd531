"""How likely a place keeps the limits of a study: a model of each, of how far trials lie beyond it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from studies.proposing.joint.improvement import predict
from studies.surrogate.domain import Array, Domain, Mask
from studies.surrogate.gaussian_process import Surrogate, fit
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

FEWEST = 4  # trials of which it is known how far they are from a limit, from which on there is a model of it
UNENDED = 1.0  # part of the variance over all trials that is added to one that did not run to its end
LEAST = 1e-300  # distance from a limit that is told from none
FARTHEST = 1e3  # of the median distance from a limit, beyond which there is none


@dataclass(frozen=True, eq=False)
class _Limit:
    """The model of one limit: of the log of how far beyond it a trial is, to both sides of it.

    Attributes:
        surrogate: the model.
        at: where the limit lies on that scale.
    """

    surrogate: Surrogate
    at: float

    @classmethod
    def of(cls, domain: Domain, points: Array, beyond: Array, *, ended: Mask, steps: int) -> "_Limit":
        """Learn it from trials at points `(n, 2 * axes)` that lie so far beyond it, `(n,)`."""
        written = np.zeros(len(beyond))
        for side in (beyond > 0, beyond < 0):  # each by its own unit: one may be bounded, and the other not
            if side.any():
                away = np.clip(np.abs(beyond[side]), LEAST, 1 / LEAST)
                with np.errstate(over="ignore"):
                    written[side] = np.log1p(np.minimum(away / np.median(away), FARTHEST))
        written *= np.sign(beyond)
        # Where whole numbers stand at the limit itself, it lies between them and the next.
        at = np.min(written[written > 0], initial=np.inf) / 2 if (written == 0).any() else 0.0
        variance = np.where(ended, 0.0, UNENDED * np.var(written))
        surrogate = fit(domain, points, written, variance, steps=steps)
        return cls(surrogate, min(float(at), 1.0))

    def log_chance(self, points: Array) -> Array:
        """Give the log of the probability that a trial there does not lie beyond the limit, `(m,)`."""
        mean, deviation = predict(self.surrogate, points)
        at = (self.at - self.surrogate.centre) / self.surrogate.scale
        found: Array = norm.logcdf((at - mean) / np.sqrt(deviation**2 + self.surrogate.noise))
        return found


class Feasibility:
    """How likely places keep all limits, which are taken for independent of each other.

    What was measured of a trial that was stopped may have come out otherwise at its end, so it weighs less.
    `keeps` says which of the trials keep all limits, `(n,)`.

    Source: Gardner et al., "Bayesian Optimization with Inequality Constraints", ICML 2014.

    Args:
        domain: of the space.
        points: where the trials lie, `(n, 2 * axes)`.
        records: the trials, `n`.
        steps: gives how many the search for hyperparameters has at most, by the number of trials.
    """

    def __init__(
        self, domain: Domain, points: Array, records: Sequence[TrialRecord], steps: Callable[[int], int]
    ) -> None:
        self._limits = []
        ended = np.array([record.outcome in {Outcome.COMPLETED, Outcome.INFEASIBLE} for record in records])
        names = sorted({name for record in records for name in record.violations})
        for name in names:
            known = np.array([name in record.violations for record in records])
            beyond = np.array([record.violations.get(name, 0.0) for record in records])[known]
            if len(beyond) >= FEWEST and beyond.min() < beyond.max():
                self._limits.append(
                    _Limit.of(domain, points[known], beyond, ended=ended[known], steps=steps(len(beyond)))
                )
        # What is not known of a trial, since it was stopped before or still runs, is judged by the models.
        measured = np.array([len(record.violations) == len(names) for record in records], dtype=bool)
        broken = np.array([bool(record.broken) for record in records], dtype=bool)
        self.keeps: Mask = ~broken & (measured | self.likely(points))

    def likely(self, points: Array) -> Mask:
        """Say where a trial is likelier than not to keep all limits, `(m,)`."""
        likely: Mask = self.log_chance(points) > np.log(0.5)
        return likely

    def __bool__(self) -> bool:
        """Say whether there is a model of any limit."""
        return bool(self._limits)

    def log_chance(self, points: Array) -> Array:
        """Give the log of the probability that a trial at points `(m, 2 * axes)` keeps all limits, `(m,)`."""
        return sum((limit.log_chance(points) for limit in self._limits), np.zeros(len(points)))
