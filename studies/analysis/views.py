"""What a report shows beside the shares: the strongest pairs, rules, ranges, the path to the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from search_spaces.space.nodes import Float, Group, Int, Value
from search_spaces.space.parameters import default_values
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.findings.best_so_far import BestSoFar, best_so_far
from studies.analysis.findings.coordinates import Coordinate, find_coordinates
from studies.analysis.findings.drift import Drift, drift_of
from studies.analysis.findings.gains.ablation import Step, ablate
from studies.analysis.findings.gains.worth import Worth, worth_of
from studies.analysis.findings.narrowing import Narrowed, combined_range, narrower_ranges
from studies.analysis.findings.near_best import idle_parameters, look_near_best
from studies.analysis.findings.range_ends import Boundary, boundaries
from studies.analysis.findings.rules_of_thumb import RuleVerdict, judge
from studies.analysis.findings.tied import NearBest, near_the_best
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.importance import Contribution
from studies.analysis.shares.projection import Projection, project
from studies.analysis.shares.tree import is_folded
from studies.surrogate.domain import Axis

MOST_PAIRS = 4  # that are drawn
LEAST_PAIR = 0.01  # share of a pair that is drawn
LEAST_REMOVED = 0.5  # of an interaction, by a coordinate that is worth a word


@dataclass(frozen=True, eq=False)
class PairView:
    """A pair that interacts: the expected score over both, and where the first one's best value lies.

    `axes` are those of the parameters, and `drift` follows the first along the second. `coordinate` is the
    combination that takes most of the interaction away, if one takes half, and `searched` its range in which
    the best configuration surely lies, where something is known of that.
    """

    effect: Contribution
    axes: tuple[Axis, Axis]
    projection: Projection
    drift: Drift
    coordinate: Coordinate | None
    searched: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Views:
    """Everything that a report shows beside the shares.

    `idle` are the parameters that matter neither over the whole space nor among the better configurations,
    `narrowed` the ranges in a part of which the best configuration surely lies.
    `ablation` and `worth` need declared defaults. `near` is None where too little is known of the good
    region.
    """

    pairs: tuple[PairView, ...]
    rules: tuple[RuleVerdict, ...]
    boundaries: tuple[Boundary, ...]
    idle: tuple[str, ...]
    narrowed: tuple[Narrowed, ...]
    ablation: tuple[Step, ...]
    history: BestSoFar
    near: NearBest | None = None
    worth: Worth | None = None


def views_of(
    found: StudyAnalysis,
    space: Group,
    best: Mapping[str, Value] | None,
    *,
    declared: bool,
    asked: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> Views:
    """Look at an analysis from every side.

    Args:
        found: the analysis.
        space: the study's.
        best: the values of the best trial.
        declared: whether the space is the study's own, so that its defaults mean something.
        asked: pairs that are looked at before all others, whether the trials show them or not.
        seed: of draws and resampling.
    """
    ranked = found.importance.evidence.has_structure
    first = [pair_of(found, *names) for names in asked] if ranked else []
    others = [effect for effect in found.importance.pairs if ranked and is_shown(effect)]
    shown = [*first, *(effect for effect in others if effect not in first)][: max(MOST_PAIRS, len(first))]
    main = [effect.names[0] for effect in found.importance.main]
    idle: tuple[str, ...] = ()
    narrowed: tuple[Narrowed, ...] = ()
    among: NearBest | None = None
    pairs = tuple(_pair(found, effect, main, seed) for effect in shown)
    if ranked and not found.importance.evidence.is_weak:
        near = look_near_best(found.scaled, found.fitted, seed=seed)
        idle = idle_parameters(found.scaled, found.importance, found.fitted, near)
        among = near_the_best(found, near, seed=seed)
        narrowed = narrower_ranges(found.scaled, found.fitted, near, seed=seed)
        pairs = tuple(
            view
            if view.coordinate is None
            else replace(
                view,
                searched=combined_range(found.scaled, found.fitted, near, view.coordinate, seed=seed),
            )
            for view in pairs
        )
    path: tuple[Step, ...] = ()
    worth: Worth | None = None
    if ranked and declared and best is not None:
        path = ablate(found.fitted, default_values(space), best)
        worth = worth_of(found, best, seed=seed)
    return Views(
        pairs=pairs,
        rules=judge(found.table, found.fitted, seed=seed) if ranked else (),
        boundaries=boundaries(found.scaled, found.fitted, seed=seed) if ranked else (),
        idle=idle,
        narrowed=tuple(each for each in narrowed if each.name not in idle),
        ablation=path,
        history=best_so_far(found.table, seed=seed),
        near=among,
        worth=worth,
    )


def is_shown(effect: Contribution) -> bool:
    """Say whether a pair is worth a map: the trials show it, and both have more than one value together."""
    return not is_folded(effect) and (effect.share or 0.0) >= LEAST_PAIR and (effect.low or 0.0) > 0


def pair_of(found: StudyAnalysis, one: str, other: str) -> Contribution:
    """Find a pair of an analysis, in whatever order it is named.

    Raises:
        NothingToAnalyse: the analysis has no such pair.
    """
    effect = next((each for each in found.importance.pairs if set(each.names) == {one, other}), None)
    if effect is None:
        raise NothingToAnalyse(f"{one} and {other} do not vary together in what is analysed.")
    return effect


def pair_view(found: StudyAnalysis, effect: Contribution, *, seed: int = 0) -> PairView:
    """Look at one pair of an analysis."""
    return _pair(found, effect, [each.names[0] for each in found.importance.main], seed)


def is_range(axis: Axis) -> bool:
    """Say whether an axis is a range."""
    return isinstance(axis.parameter.node, Float | Int)


def _pair(found: StudyAnalysis, effect: Contribution, main: list[str], seed: int) -> PairView:
    domain = found.fitted.surrogate.domain
    axes = {name: domain.axes[domain.names.index(name)] for name in effect.names}
    # The best value of a range is followed, of two the one that matters more.
    place = {name: main.index(name) if name in main else len(main) for name in effect.names}
    first, second = sorted(effect.names, key=lambda name: (not is_range(axes[name]), place[name]))
    coordinate = None
    if all(map(is_range, axes.values())):
        offered = find_coordinates(found.fitted, (first, second)).offered
        if offered is not None and offered.removed >= LEAST_REMOVED:
            coordinate = offered
    return PairView(
        effect,
        (axes[first], axes[second]),
        project(found.fitted, first, second),
        drift_of(found.fitted, first, second, seed=seed),
        coordinate,
    )
