"""From the defaults to the best configuration, one change at a time: which changes carry the gain.

The path of Fawcett and Hoos 2016, on the surrogate (Biedenkapp et al. 2017): of all values that still differ,
the one whose change lowers the expected loss most is changed next. A choice takes the parameters of its new
branch with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from search_spaces.space.nodes import Value
from studies.analysis.shares.importance import Fitted
from studies.surrogate.domain import Array, as_option, coordinate
from studies.surrogate.gaussian_process import points_of


@dataclass(frozen=True)
class Step:
    """One change: `name` from `before` to `after` (None where it did not exist before).

    `loss` is the expected loss after it, `deviation` the posterior's standard deviation of the gain of this
    step, and `gain` how much the step lowers the loss; all in the unit of the surrogate's loss.
    """

    name: str
    before: Value | None
    after: Value
    loss: float
    gain: float
    deviation: float


def ablate(fitted: Fitted, start: Mapping[str, Value], end: Mapping[str, Value]) -> tuple[Step, ...]:
    """Walk from one configuration to another.

    Args:
        fitted: the surrogate.
        start: the values of every active parameter where the path begins, such as the defaults.
        end: the same where it ends, such as the best trial.
    """
    domain = fitted.surrogate.domain
    now = dict(start)
    steps: list[Step] = []
    while True:
        options = []
        for axis in domain.axes:
            if axis.name not in end or now.get(axis.name) == end[axis.name]:
                continue
            changed = _settled(fitted, {**now, axis.name: end[axis.name]}, end)
            if axis.name in changed:
                options.append((axis.name, changed))
        if not options:
            return tuple(steps)
        points = np.vstack([_point(fitted, now), *(_point(fitted, changed) for _, changed in options)])
        mean, covariance = _posterior(fitted, points)
        chosen = int(np.argmin(mean[1:])) + 1
        name, changed = options[chosen - 1]
        spread = covariance[0, 0] + covariance[chosen, chosen] - 2 * covariance[0, chosen]
        steps.append(
            Step(
                name,
                now.get(name),
                end[name],
                float(mean[chosen]),
                float(mean[0] - mean[chosen]),
                float(np.sqrt(max(spread, 0.0))),
            )
        )
        now = changed


def _settled(fitted: Fitted, values: Mapping[str, Value], end: Mapping[str, Value]) -> dict[str, Value]:
    """Drop what no longer exists and take from the end what newly does."""
    settled = dict(values)
    while True:
        exists = {axis.name for axis in fitted.surrogate.domain.axes if axis.parameter.is_active(settled)}
        after = {name: value for name, value in {**end, **settled}.items() if name in exists}
        if after == settled:
            return settled
        settled = after


def _point(fitted: Fitted, values: Mapping[str, Value]) -> Array:
    axes = fitted.surrogate.domain.axes
    places = [
        coordinate(axis, as_option(values[axis.name])) if axis.name in values else None for axis in axes
    ]
    present = np.array([[place is not None for place in places]])
    return points_of(np.array([[0.0 if place is None else place for place in places]]), present)


def _posterior(fitted: Fitted, points: Array) -> tuple[Array, Array]:
    surrogate = fitted.surrogate
    mean, covariance = surrogate.posterior(points)
    return surrogate.centre + surrogate.scale * mean, surrogate.scale**2 * covariance
