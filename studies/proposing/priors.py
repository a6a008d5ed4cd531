"""Where good values are expected before any trial: draws from the priors of a space."""

import numpy as np

from search_spaces.space.nodes import Float, Group, Int
from studies.surrogate.domain import Array, Domain, coordinate
from studies.surrogate.integration import coordinates_at


def prior_draws(space: Group, domain: Domain, count: int, random: np.random.Generator) -> Array:
    """Draw coordinates `(count, axes)`: those with a prior from it, the others from the declared measure."""
    places = coordinates_at(domain, random.random((count, len(domain.axes))))
    for d, axis in enumerate(domain.axes):
        node = axis.parameter.node
        prior = getattr(node, "prior", None)
        if prior is None or not isinstance(node, Float | Int):
            continue
        if node.log:
            drawn = prior.centre * 10 ** (prior.width * random.standard_normal(count))
        else:
            drawn = prior.centre + prior.width * random.standard_normal(count)
        drawn = np.clip(drawn, node.low, node.high)
        if isinstance(node, Int):
            drawn = np.round(drawn)
        places[:, d] = [coordinate(axis, value) or 0.0 for value in drawn.tolist()]
    return places
