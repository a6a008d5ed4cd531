"""Shares as bars."""

from dataclasses import replace

from studies.analysis.shares.importance import Contribution, Importance
from studies.analysis.shares.tree import TreeRow, show_when, tree_of
from studies.report.parts import Bar

MOST_BARS = 20
LEAST_SHOWN = 0.005  # of a share: below it a number would read 0


def shown_rows(importance: Importance) -> list[TreeRow]:
    """Give the parameters that are shown, as a tree; none where the trials show no structure."""
    has_structure = importance.evidence.has_structure and importance.main
    return list(tree_of(importance, LEAST_SHOWN)[:MOST_BARS]) if has_structure else []


def bar_of(effect: Contribution) -> Bar:
    """Give the bar of a parameter or a pair."""
    share, low, high = (100 * (value or 0.0) for value in (effect.share, effect.low, effect.high))
    total = effect.total
    exists = show_when(effect.when)
    return Bar(
        name=" x ".join(effect.names),
        note=f"{effect.trials} trials, {f'when {exists}' if exists else 'exists always'}",
        share=share,
        low=low,
        high=high,
        total=None if total is None else (100 * total.share, 100 * total.low, 100 * total.high),
    )


def bar_of_row(row: TreeRow) -> Bar:
    """Give the bar of a row of the tree, with what is folded into it."""
    own = row.own
    bar = bar_of(row.effect)
    return replace(bar, depth=row.depth, share=100 * own.share, low=100 * own.low, high=100 * own.high)
