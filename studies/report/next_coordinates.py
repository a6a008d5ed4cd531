"""A combination of two parameters in the next study, searched in place of one of them if a file can say it.

SGD's arguments `lr_effective` and `one_minus_momentum` are turned into `lr` and `momentum` by
`search_spaces.configuration`, so a study can be searched along lr / (1 - momentum). No other combination has
such arguments.
"""

from collections.abc import Collection, Mapping, Sequence
from math import log10

from search_spaces.space.describe import show_value
from search_spaces.space.exchange import exchange
from search_spaces.space.nodes import Float, Group, Value
from search_spaces.space.parameters import Parameter, parameters
from studies.analysis.findings.coordinates import Coordinate
from studies.analysis.views import PairView

RATE, SLOWNESS, MOMENTUM = (
    f"optimizer.init_args.{name}" for name in ("lr", "one_minus_momentum", "momentum")
)
LEAST_DECADES = 0.3  # of the new range: less than a factor of two is no range to search


def along_combinations(
    space: Group, pairs: Sequence[PairView], kept: Collection[str], best: Mapping[str, Value]
) -> tuple[Group, list[str], list[str]]:
    """Search combinations that take an interaction away.

    Args:
        space: the study's.
        pairs: that interact.
        kept: names of parameters that stay as they are.
        best: the values of the best trial.

    Returns:
        The space, what was changed, and of which combinations a study file cannot speak; both in sentences.
    """
    changes, notes = [], []
    for view in pairs:
        if view.coordinate is None or view.searched is None:
            continue
        known = {parameter.name: parameter for parameter in parameters(space)}
        if not set(view.coordinate.names) <= set(known):
            continue  # one of the two is searched in another way already
        found = _rate_and_momentum(view.coordinate, known)
        removed = min(view.coordinate.removed, 0.99)
        if found is None:
            notes.append(
                f"Along {view.coordinate.formula} about {removed:.0%} of the interaction of "
                f"{' and '.join(view.coordinate.names)} would be gone. A study file has no name for that "
                "combination, so this file leaves both as they are; a module that takes it as an argument "
                "can be searched along it."
            )
            continue
        rate, momentum = found
        (low, high), inverted = view.searched, view.coordinate.names[0] != rate.name
        if inverted and view.coordinate.power < 0:
            low, high = 1 / high, 1 / low
        if rate.name in kept or momentum.name in kept or log10(high / low) < LEAST_DECADES:
            continue
        space = _exchanged(space, rate, momentum, (low, high), best)
        changes.append(
            f"lr_effective = {rate.name} / (1 - momentum) is searched in place of {rate.name}, over "
            f"{show_value(low)} .. {show_value(high)}: along it about {removed:.0%} of the interaction of "
            f"{rate.name} and {momentum.name} is gone."
        )
    return space, changes, notes


def _rate_and_momentum(
    coordinate: Coordinate, known: Mapping[str, Parameter]
) -> tuple[Parameter, Parameter] | None:
    """Give the learning rate and the momentum of `lr / (1 - momentum)`, None where it is another formula."""
    if coordinate.power != -1.0:
        return None
    written = dict(zip(coordinate.names, coordinate.factors, strict=True))
    by_target = {known[name].target: known[name] for name in coordinate.names}
    rate, slowness = by_target.get(RATE), by_target.get(SLOWNESS, by_target.get(MOMENTUM))
    if rate is None or slowness is None or not isinstance(rate.node, Float):
        return None
    is_complement = written[slowness.name] != slowness.name
    fits = is_complement is (slowness.target == MOMENTUM) and written[rate.name] == rate.name
    return (rate, slowness) if fits and isinstance(slowness.node, Float) else None


def _exchanged(
    space: Group,
    rate: Parameter,
    momentum: Parameter,
    ends: tuple[float, float],
    best: Mapping[str, Value],
) -> Group:
    node = momentum.node
    assert isinstance(node, Float)  # no other has been chosen
    slowness = float(best.get(momentum.name, node.low if node.default is None else node.default))
    if momentum.target == MOMENTUM:
        slowness = 1 - slowness
        default = None if node.default is None else 1 - node.default
        low, high = 1 - node.high, 1 - node.low
        complement = Float(low, high, log=True, default=default and min(max(default, low), high))
        space = exchange(space, momentum.name, "one_minus_momentum", complement)
    default = None
    if rate.name in best:
        default = min(max(float(best[rate.name]) / slowness, ends[0]), ends[1])
    return exchange(space, rate.name, "lr_effective", Float(*ends, log=True, default=default))
