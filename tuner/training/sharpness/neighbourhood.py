"""How much the loss rises near trained weights: in the worst direction within a radius, and along a line."""

import numpy as np
import torch
from torch import Tensor

from tuner.training.sharpness.loss import LossOfWeights

RADIUS = 0.5  # of Kwon et al. 2021 for CIFAR-10, in units of each weight's own size
ASCENTS = 20  # steps of the search for the worst place
STEP = 0.25  # of the radius
REACH = 0.02  # how far the picture goes to each side, as a part of the length of all weights
PLACES = 21  # of the picture


def adaptive_sharpness(loss: LossOfWeights, seed: int, radius: float = RADIUS) -> float:
    """Search for the highest loss near the weights, and give by how much it is above theirs.

    Near are weights w + d with || d / |w| || <= radius, division by element (Kwon et al. 2021, equation 3,
    elementwise; p = 2). A network whose weights are rescaled element by element without changing what it
    computes has the same sharpness. The gradient is followed in the scaled coordinates and projected back;
    what it finds is a lower bound of the maximum.
    """
    weights = loss.vector()
    size = weights.abs()
    start = loss.value()
    signs = torch.Generator().manual_seed(seed)
    place = torch.randn(loss.size, generator=signs).to(weights)
    place *= 1e-3 * radius / place.norm()
    highest = start
    with loss.moved() as move:
        for _ in range(ASCENTS):
            move(size * place)
            uphill = size * loss.gradient()
            length = float(uphill.norm())
            if not np.isfinite(length) or length == 0:
                break
            place = place + STEP * radius * uphill / length
            place *= min(1.0, radius / max(float(place.norm()), 1e-30))
            move(size * place)
            highest = max(highest, loss.value())
    return highest - start


def along(loss: LossOfWeights, direction: Tensor) -> tuple[tuple[float, float], ...]:
    """Give the loss along a direction of length one through the weights, at places from end to end.

    Returns: Pairs of a place, as a part of the length of all weights, and the loss there.
    """
    length = float(loss.vector().norm())
    places = np.linspace(-REACH, REACH, PLACES)
    found = []
    with loss.moved() as move:
        for place in places:
            move(direction * float(place) * length)
            found.append((float(place), loss.value()))
    return tuple(found)
