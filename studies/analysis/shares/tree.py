"""Parameters as a tree: a choice, and under it what exists on its branches."""

from collections import defaultdict
from dataclasses import dataclass

from search_spaces.space.describe import show_value
from studies.analysis.shares.importance import Conditions, Contribution, Importance
from studies.analysis.shares.intervals import Estimate


@dataclass(frozen=True)
class TreeRow:
    """One parameter of the tree, `depth` choices deep.

    `own` is what it explains alone. For a parameter of a branch that includes the pairs with the choices
    that it belongs to: that it exists on one branch only is no interaction that a reader could do anything
    about. Ends of intervals are added up, so the interval of such a sum is wider than it need be.
    """

    effect: Contribution
    depth: int
    own: Estimate


def is_folded(effect: Contribution) -> bool:
    """Say whether a pair is one of a choice and what exists on one of its branches."""
    return bool(set(effect.names) & set(effect.when))


def show_when(when: Conditions) -> str:
    """Write conditions: `optimizer is sgd and dropout is on`."""
    return " and ".join(f"{name} is {' or '.join(map(show_value, values))}" for name, values in when.items())


def tree_of(importance: Importance, least: float) -> tuple[TreeRow, ...]:
    """List the parameters whose total is at least `least`, and the choices above them.

    What stands side by side is in falling order of the largest total in its part of the tree.
    """
    effects = {effect.names[0]: effect for effect in importance.main}
    folded: dict[str, list[Contribution]] = defaultdict(list)
    for pair in importance.pairs:
        if is_folded(pair):
            child = next(name for name in pair.names if name not in pair.when)
            folded[child].append(pair)
    under: dict[str | None, list[str]] = defaultdict(list)
    for name, effect in effects.items():
        above = [gate for gate in effect.when if gate in effects]
        # The nearest choice is the one that itself lies deepest.
        under[max(above, key=lambda gate: len(effects[gate].when), default=None)].append(name)

    def largest(name: str) -> float:
        total = effects[name].total
        return max([0.0 if total is None else total.share, *map(largest, under[name])])

    def rows(name: str, depth: int) -> list[TreeRow]:
        if largest(name) < least:
            return []
        found = [TreeRow(effects[name], depth, _sum([effects[name], *folded[name]]))]
        for child in sorted(under[name], key=lambda each: -largest(each)):
            found += rows(child, depth + 1)
        return found

    return tuple(
        row for name in sorted(under[None], key=lambda each: -largest(each)) for row in rows(name, 0)
    )


def _sum(effects: list[Contribution]) -> Estimate:
    share, low, high = (
        min(sum(getattr(effect, part) or 0.0 for effect in effects), 1.0) for part in ("share", "low", "high")
    )
    return Estimate(share, low, high)
