"""What a pruned trial would have come to, read off its curve and the curves of the completed trials."""

from collections.abc import Mapping, Sequence

import numpy as np

from studies.surrogate.domain import Array

PRUNED = (
    "A pruned trial whose last step is the last of the completed ones counts with its last score; any "
    "other as what completed trials came to that had such a score and such a change of it at that step, with "
    "an uncertainty that grows with its distance from them; with fewer than five completed trials that have "
    "a score at that step, as somewhere in the worse half."
)
FEWEST_CURVES = 5  # completed trials with a score at the step where another was pruned
FEWEST_POINTS = 4  # of a curve that is followed on its own
RIDGE = 0.1  # of a regression on features of unit variance
DISAGREEMENT = 0.5  # of the squared difference of two rules, added to the variance
RATES = np.geomspace(0.02, 3.0, 24)  # of decay, in parts of the steps seen

Curve = Mapping[int, float]


class Curves:
    """The curves of a study's trials as losses.

    Args:
        curves: the loss at each step, for each ended trial.
        finals: the final loss of the completed ones, by their place in `curves`.
    """

    def __init__(self, curves: Sequence[Curve], finals: Mapping[int, float]) -> None:
        self._curves, self._finals = curves, finals
        self._sorted = np.sort(list(finals.values()))
        self._lasts = [max(curves[i], default=-1) for i in finals]

    def expected(self, trial: int) -> tuple[float, float]:
        """Say what a pruned trial would have come to, and the variance of that."""
        curve = self._curves[trial]
        step = max(curve, default=-1)
        if step >= 0 and step >= max(self._lasts):
            return curve[step], 0.0
        beside = [i for i in self._finals if step in self._curves[i]]
        if len(beside) < FEWEST_CURVES or step < 0:
            worse = self._sorted[len(self._sorted) // 2 :]
            return float(np.mean(worse)), float(np.var(worse))
        seen = np.array([self._features(self._curves[i], step) for i in beside])
        finals = np.array([self._finals[i] for i in beside])
        return _regressed(seen, finals, self._features(curve, step))

    def _features(self, curve: Curve, step: int) -> list[float]:
        """Give what a curve shows at a step: the score, its change since halfway, where it points to."""
        steps = [at for at in sorted(curve) if at <= step]
        half = min(steps, key=lambda at: (abs(at - step / 2), at))
        return [curve[step], curve[step] - curve[half], self._followed_to_the_end(curve, step) - curve[step]]

    def _followed_to_the_end(self, curve: Curve, step: int) -> float:
        steps = np.array(sorted(at for at in curve if at <= step), dtype=float)
        if len(steps) < FEWEST_POINTS:
            return curve[step]
        return follow(steps, np.array([curve[int(at)] for at in steps]), float(np.median(self._lasts)))


def _regressed(seen: Array, finals: Array, asked: Sequence[float]) -> tuple[float, float]:
    """Foretell a final loss from a few features by least squares, with the variance of that.

    What completed is a choice: those that learn fast. So the variance grows with the distance of the asked
    features from theirs, and by how far the plain rule, that all trials gain alike from this step on,
    would differ.

    Args:
        seen: features of the completed trials, `(n, features)`, the first being the loss.
        finals: what they came to, `(n,)`.
        asked: the features of the trial.
    """
    gained = finals - seen[:, 0]
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    used = scale > 0
    used &= np.arange(len(scale)) < max(len(finals) // FEWEST_CURVES, 1)
    design = np.column_stack([np.ones(len(finals)), (seen - centre)[:, used] / scale[used]])
    row = np.r_[1.0, (np.asarray(asked) - centre)[used] / scale[used]]
    penalty = RIDGE * np.eye(len(row))
    penalty[0, 0] = 0.0
    inverse = np.linalg.inv(design.T @ design + penalty)
    coefficients = inverse @ design.T @ gained
    missed = gained - design @ coefficients
    noise = float(missed @ missed) / max(len(finals) - len(row), 1)
    alike = asked[0] + float(np.median(gained))
    expected = asked[0] + float(row @ coefficients)
    variance = noise * (1 + float(row @ inverse @ row)) + DISAGREEMENT * (expected - alike) ** 2
    return min(max(expected, float(finals.min())), max(asked[0], float(finals.max()))), variance


def follow(steps: Array, losses: Array, end: float) -> float:
    """Say where a curve that decays exponentially to a level stands at a later step.

    Args:
        steps: at which the curve is known, `(n,)`, rising.
        losses: there, `(n,)`.
        end: the later step.

    Returns:
        The loss at `end`: of the decays that fit best, one for each rate, weighed by how well they fit.
    """
    begun, length = steps[0], max(steps[-1] - steps[0], 1.0)
    errors, reached = [], []
    for rate in RATES:
        decay = np.exp(-rate * (steps - begun) * len(steps) / length)
        design = np.column_stack([np.ones_like(decay), decay])
        found, *_ = np.linalg.lstsq(design, losses, rcond=None)
        slope = max(float(found[1]), 0.0)  # a curve that rises is taken as flat
        level = float(np.mean(losses - slope * decay))
        errors.append(float(np.sum((losses - level - slope * decay) ** 2)))
        reached.append(level + slope * float(np.exp(-rate * (end - begun) * len(steps) / length)))
    least = max(min(errors), 1e-12 * float(np.var(losses)) + 1e-300)
    weights = np.exp(-0.5 * len(steps) * (np.array(errors) / least - 1))
    return float(weights @ np.array(reached) / weights.sum())
