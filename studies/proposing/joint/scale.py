"""The scale on which the joint model reads losses."""

from dataclasses import dataclass

import numpy as np

from studies.surrogate.domain import Array, Mask

FARTHEST = 1e300  # loss, and distance in units from the best, beyond which there are none
UNIT = 0.5  # quantile of the losses whose distance from the best is the unit of the scale


@dataclass(frozen=True)
class Scale:
    """A scale that tells good losses apart: log1p of their distance from the best, to both sides of it.

    The unit is the distance of the median loss from the best, so the scale zooms in as the trials get
    better, and a loss of a thousand hides no difference. An infinite loss is the worst of the finite ones.

    Attributes:
        best: the least loss that is allowed.
        unit: of the distances.
        least, worst: the least and the greatest finite loss of all.
    """

    best: float
    unit: float
    least: float
    worst: float

    @classmethod
    def of(cls, loss: Array, allowed: Mask) -> "Scale":
        """Read the scale off losses `(n,)`, of which some are finite; NaN is none.

        Best and unit are those of the allowed ones, or of all where no finite loss is allowed.
        """
        finite = loss[np.isfinite(loss)]
        least, worst = (float(np.clip(end, -FARTHEST, FARTHEST)) for end in (np.min(finite), np.max(finite)))
        kept = loss[allowed & ~np.isnan(loss)]
        if not np.isfinite(kept).any():
            kept = loss[~np.isnan(loss)]
        clean = _clean(kept, float(np.max(kept[np.isfinite(kept)])))
        best = float(np.min(clean))
        unit = float(np.quantile(clean, UNIT)) - best
        if unit <= 0:  # as while a single one is allowed
            away = np.abs(np.clip(finite, -FARTHEST, FARTHEST) - best)
            unit = float(np.quantile(away, UNIT)) or float(np.max(away)) or 1.0
        return cls(best, unit, least, worst)

    def warp(self, loss: Array) -> Array:
        """Write losses on the scale; 0 is the best."""
        with np.errstate(over="ignore"):
            away = np.clip((_clean(loss, self.worst) - self.best) / self.unit, -FARTHEST, FARTHEST)
        warped: Array = np.sign(away) * np.log1p(np.abs(away))
        return warped

    def unwarp(self, warped: Array) -> Array:
        """Give the losses that stand at places of the scale.

        Beyond the least loss of all the scale is followed for a unit at most, since nothing was seen there.
        """
        seen = np.minimum(self.warp(np.array([self.least])), 0.0)
        within, beyond = np.maximum(warped, seen), np.minimum(warped - seen, 0.0)
        with np.errstate(over="ignore"):
            away = np.sign(within) * np.expm1(np.abs(within)) + np.expm1(beyond)
            found: Array = np.clip(self.best + self.unit * away, -FARTHEST, FARTHEST)
        return found


def _clean(loss: Array, worst: float) -> Array:
    clean: Array = np.clip(np.where(np.isfinite(loss), loss, worst), -FARTHEST, FARTHEST)
    return clean
