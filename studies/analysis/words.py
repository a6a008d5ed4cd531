"""The verdict in plain words: a few sentences that a reader needs before any figure."""

from search_spaces.space.describe import show_value
from studies.analysis.findings.drift import Drift
from studies.analysis.findings.near_best import LITTLE
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.enough_trials import need_of_domain
from studies.analysis.shares.importance import Contribution, Importance
from studies.analysis.shares.intervals import Estimate
from studies.analysis.shares.tree import is_folded, show_when
from studies.analysis.views import PairView, Views, is_range, is_shown

MUCH = 0.05  # share from which a parameter is named
MOST_NAMED = 3
FEW = 6  # names that a sentence lists whole
FAINT = 0.25  # of the reach elsewhere, below which a parameter hardly matters at a value of another
GREATER = 1.5  # times the reach elsewhere, from which on a parameter matters more there
TELLING = 0.03  # share of a pair that trials must be able to show before its absence is told
Interval = Contribution | Estimate


def verdict_in_words(found: StudyAnalysis, views: Views) -> tuple[str, ...]:
    """Say what mattered, what depends on what, and what can be left alone; each a whole sentence."""
    evidence = found.importance.evidence
    if not evidence.has_structure:
        nothing = (
            f"The {evidence.trials} trials show no structure: on trials that it has not seen the surrogate "
            f"predicts {max(evidence.cv_r2, 0):.0%} of the variance of {found.what}, so nothing is ranked."
        )
        return (nothing, what_is_missing(found), *without_failed_in_words(found))
    first = []
    if evidence.is_weak:
        first.append(
            f"What was found is weak: the parameters predict {evidence.cv_r2:.0%} of the variance of "
            f"{found.what}."
        )
    if evidence.confidence != "good":
        first.append("Read all of this with care: the confidence is low, and the evidence below says why.")
    pairs = tuple(pair_in_words(view) for view in views.pairs)
    together = (_three(found.importance), no_interaction(found.importance))
    return (
        *first,
        *_main(found),
        *without_failed_in_words(found),
        *pairs,
        *(sentence for sentence in together if sentence is not None),
        *_left_alone(views.idle),
    )


def what_is_missing(found: StudyAnalysis) -> str:
    """Say what is missing where no structure was found: trials, by `enough_trials`, or an effect."""
    need, trials = need_of_domain(found.table.domain), found.importance.evidence.trials
    if missing := need.in_words(trials):
        return f"What is missing are trials: {missing}"
    return (
        f"Trials are not what is missing first ({need.trials} are enough by the rule of ten for each "
        "parameter): what varied matters little beside the noise between trials, or in a way that shows "
        "only with many more."
    )


def interval(share: Interval) -> str:
    """Write a share with its 90% interval: `40% (26 to 74)`."""
    return f"{_percent(share.share)}% ({_percent(share.low)} to {_percent(share.high)})"


def no_interaction(importance: Importance) -> str | None:
    """Say what the trials show where they show no interaction: how large one would have been seen."""
    if not importance.evidence.has_structure or any(map(is_shown, importance.pairs)):
        return None
    possible = [effect.high or 0.0 for effect in importance.pairs if effect.trials and not is_folded(effect)]
    if not possible:
        return None
    largest = max(possible)
    if largest > TELLING:
        return (
            "No interaction is shown, and the trials do not settle whether there is one: a pair could "
            f"explain up to {100 * largest:.1f}% of the variance."
        )
    branches = any(map(is_folded, importance.pairs))
    said = "Apart from choices and their branches, no" if branches else "No"
    return f"{said} two parameters interact: a pair of more than {100 * largest:.1f}% would have shown."


def without_failed_in_words(found: StudyAnalysis) -> tuple[str, ...]:
    """Give the other answer where failed trials count as the worst: the totals without those trials."""
    if not found.without_failed:
        return ()
    ranked = sorted(found.without_failed.items(), key=lambda item: -item[1])[:MOST_NAMED]
    listed = ", ".join(f"{name} {_percent(total)}%" for name, total in ranked)
    return (f"With the failed trials left out the shares with interactions are {listed}.",)


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f}"


def _main(found: StudyAnalysis) -> tuple[str, ...]:
    ranked = [(effect, effect.total) for effect in found.importance.main if effect.total is not None]
    named = [(effect, total) for effect, total in ranked if total.share >= MUCH][:MOST_NAMED]
    if not named:
        return (f"No parameter explains {MUCH:.0%} of the variance of {found.what}, interactions included.",)
    (first, total), *others = named
    # Which of two matters more is told only where the interval of neither holds the other's estimate.
    level = [
        effect.names[0] for effect, other in others if other.high >= total.share or other.share >= total.low
    ]
    share = (
        f"with its interactions it explains {interval(total)} of the variance of {found.what} over the whole "
        f"space, and alone {interval(first)}."
    )
    if level:
        said = (
            f"{first.names[0]} may matter most, and so may {' and '.join(level)}: {first.names[0]}: {share}"
        )
        said = said.replace(
            f"{first.names[0]}: with its interactions it", f"with its interactions {first.names[0]}"
        )
    else:
        said = f"{first.names[0]} matters most: {share}"
    if first.when:
        said += f" {first.names[0]} exists where {show_when(first.when)}."
    sentences = [said]
    if others:
        listed = " and ".join(f"{effect.names[0]} with {interval(other)}" for effect, other in others)
        sentences.append(f"Next {'comes' if len(others) == 1 else 'come'} {listed}, interactions included.")
    return tuple(sentences)


def _three(importance: Importance) -> str | None:
    """Name the parameters that act in threes or more: what their totals hold beyond shares and pairs."""
    beyond = {}
    for effect in importance.main:
        name, total = effect.names[0], effect.total
        pairs = sum(pair.share or 0.0 for pair in importance.pairs if name in pair.names)
        rest = (0.0 if total is None else total.share) - (effect.share or 0.0) - pairs
        surely = (0.0 if total is None else total.low) - (effect.share or 0.0) - pairs
        if rest >= MUCH and surely > 0:
            beyond[name] = rest
    gates = {gate for effect in importance.main for gate in effect.when}
    if len(set(beyond) - gates) < 3:  # noqa: PLR2004 - what branches lead to is no interaction of three
        return None
    names = sorted(beyond, key=lambda name: -beyond[name])[:FEW]
    return (
        f"{', '.join(names[:-1])} and {names[-1]} act together: beyond single parameters and pairs, "
        f"interactions of three explain about {_percent(max(beyond.values()))}% of the variance."
    )


def pair_in_words(view: PairView) -> str:
    """Say of a pair what depends on what, and how much of the variance that is."""
    drift, together = view.drift, f"The pair explains {interval(view.effect)}."
    if not (is_range(view.axes[0]) and is_range(view.axes[1])):
        return f"{_by_option(view, 'value' if is_range(view.axes[0]) else 'choice')} {together}"
    better = ""
    if view.coordinate is not None:
        formula, removed = view.coordinate.formula, view.coordinate.removed
        better = (
            f" Searched along {formula} instead, about {min(removed, 0.99):.0%} of that interaction is gone."
        )
    return f"{drift.name} depends on {drift.along}: {_along(drift)}. {together}{better}"


def _along(drift: Drift) -> str:
    first, last = drift.ends
    start, end = (_about(drift, place) for place in (first, last))
    low, high = _short(drift.values[first]), _short(drift.values[last])
    if drift.moves:
        verb = "rises" if float(drift.best[last]) > float(drift.best[first]) else "falls"
        return f"its best value {verb} from about {start} to {end} as {drift.along} goes from {low} to {high}"
    reaches = drift.reach[first], drift.reach[last]
    if max(reaches) >= GREATER * min(reaches):
        where = high if reaches[1] > reaches[0] else low
        return f"how much it matters changes with {drift.along}, and is most near {where}"
    return "the trials do not settle how its best value moves"


def _about(drift: Drift, place: int) -> str:
    return f"{_short(drift.best[place])} ({_short(drift.low[place])} to {_short(drift.high[place])})"


def _short(value: object) -> str:
    """Write a value with two digits: more of them the trials do not know."""
    if isinstance(value, float):
        return f"{value:.2g}"
    return show_value(value) if isinstance(value, str | bool | int) else str(value)


def _by_option(view: PairView, kind: str) -> str:
    drift = view.drift
    most = max(drift.reach)
    faint = [i for i, reach in enumerate(drift.reach) if reach < FAINT * most]
    strong = [i for i in range(len(drift.reach)) if i not in faint]
    if is_range(view.axes[0]):
        values = [_about(drift, i) for i in strong]
    else:
        # An option is called the best only where no other is among the likely ones.
        values = [_short(drift.best[i]) if drift.low[i] == drift.high[i] else "not settled" for i in strong]
    best = "; ".join(
        f"{value} where it is {_short(drift.values[i])}" for value, i in zip(values, strong, strict=True)
    )
    if faint:
        where = " or ".join(_short(drift.values[i]) for i in strong)
        rest = " or ".join(_short(drift.values[i]) for i in faint)
        return (
            f"{drift.name} matters where {drift.along} is {where} and hardly where it is {rest}; "
            f"its best {kind} is {best}."
        )
    return f"{drift.name} depends on {drift.along}: the best {kind} is {best}."


def _left_alone(idle: tuple[str, ...]) -> tuple[str, ...]:
    if not idle:
        return ()
    names = ", ".join(idle[:FEW]) + (f" and {len(idle) - FEW} more" if len(idle) > FEW else "")
    verb = "it explains" if len(idle) == 1 else "each explains"
    said = f"{names} can be left alone: {verb} at most {LITTLE:.0%} where it exists, interactions included, "
    return (said + "and next to nothing among the better configurations.",)
