"""The scale on which the joint model reads losses."""

from dataclasses import dataclass

import numpy as np

from studies.surrogate.domain import Array

FARTHEST = 1e300  # loss, and distance in units from the best, beyond which there are none
UNIT = 0.5  # quantile of the losses whose distance from the best is the unit of the scale


@dataclass(frozen=True)
class Scale:
    """A scale that tells good losses apart: log1p of their distance from the best, to both sides of it.

    The unit is the distance of the median loss from the best, so the scale zooms in as the trials get
    better, and a loss of a thousand hides no difference. An infinite loss is the worst of the finite ones.

    Attributes:
        best: the least loss.
        unit: of the distances.
        worst: the greatest finite loss.
    """

    best: float
    unit: float
    worst: float

    @classmethod
    def of(cls, loss: Array) -> "Scale":
        """Read the scale off losses `(n,)`."""
        finite = np.isfinite(loss)
        worst = float(np.max(loss[finite], initial=-np.inf))
        clean = np.clip(np.where(finite, loss, worst), -FARTHEST, FARTHEST)
        best = float(np.min(clean))
        unit = float(np.quantile(clean, UNIT)) - best
        if unit <= 0:
            unit = float(np.max(clean)) - best or 1.0
        return cls(best, unit, worst)

    def warp(self, loss: Array) -> Array:
        """Write losses on the scale; 0 is the best."""
        worst = max(self.worst, float(np.max(loss[np.isfinite(loss)], initial=-np.inf)))
        clean = np.clip(np.where(np.isfinite(loss), loss, worst), -FARTHEST, FARTHEST)
        with np.errstate(over="ignore"):
            away = np.clip((clean - self.best) / self.unit, -FARTHEST, FARTHEST)
        warped: Array = np.sign(away) * np.log1p(np.abs(away))
        return warped

    def unwarp(self, warped: Array) -> Array:
        """Give the losses that stand at places of the scale."""
        with np.errstate(over="ignore"):
            away = np.sign(warped) * np.expm1(np.abs(warped))
            found: Array = np.clip(self.best + self.unit * away, -FARTHEST, FARTHEST)
        return found
