"""The verdict in plain words: a few sentences that a reader needs before any figure."""

from search_spaces.describe import show_value
from studies.analysis.evidence import FEWEST_ON_A_BRANCH
from studies.analysis.importance import Conditions, Effect
from studies.analysis.of_study import StudyAnalysis
from studies.analysis.views import PairView, Views, is_range

LITTLE = 0.02  # total share up to which a parameter hardly matters
MUCH = 0.05  # share from which a parameter is named
MOST_NAMED = 3
FEW = 6  # names that a sentence lists whole
FAINT = 0.25  # of the reach elsewhere, below which a parameter hardly matters at a value of another
MOVED = 1.3  # times the best value, from which on it is said to move


def verdict_in_words(found: StudyAnalysis, views: Views) -> tuple[str, ...]:
    """Say what mattered, what depends on what, and what can be left alone; each a whole sentence."""
    evidence = found.importance.evidence
    if not evidence.has_structure:
        nothing = (
            f"These {evidence.trials} trials show no structure: a surrogate fitted to the others predicts "
            f"{max(evidence.cv_r2, 0):.0%} of the variance of a trial's {found.what}, so nothing is ranked. "
            "Either what varied matters little beside the noise between trials, or there are too few."
        )
        return (nothing,)
    doubt = (
        ()
        if evidence.confidence == "good"
        else ("Read all of this with care: the confidence is low, and the evidence below says why.",)
    )
    return (*doubt, *_main(found), *(_pair(view, found) for view in views.pairs), *_left_alone(found))


def interval(effect: Effect) -> str:
    """Write a share with its 90% interval: `40% (26 to 74)`."""
    return f"{_percent(effect.share)}% ({_percent(effect.low)} to {_percent(effect.high)})"


def show_when(when: Conditions) -> str:
    """Write conditions: `optimizer is sgd and dropout is on`."""
    return " and ".join(f"{name} is {' or '.join(map(show_value, values))}" for name, values in when.items())


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f}"


def _main(found: StudyAnalysis) -> tuple[str, ...]:
    named = [effect for effect in found.importance.main if (effect.share or 0) >= MUCH][:MOST_NAMED]
    pairs = sum(effect.share or 0.0 for effect in found.importance.pairs)
    if not named:
        return (f"No parameter explains {MUCH:.0%} of the variance of {found.what} on its own.",)
    first, *others = named
    most = (
        f"{first.names[0]} matters most: alone it explains {interval(first)} of the variance of "
        f"{found.what} over the whole space, and {_percent(first.total)}% with its interactions."
    )
    if first.when:
        most += f" It exists where {show_when(first.when)}."
    sentences = [most]
    if others:
        listed = " and ".join(f"{effect.names[0]} with {interval(effect)}" for effect in others)
        sentences.append(f"Next {'comes' if len(others) == 1 else 'come'} {listed}.")
    if pairs >= MUCH:
        sentences.append(f"Pairs of parameters explain {_percent(min(pairs, 1))}% beyond that.")
    return tuple(sentences)


def _pair(view: PairView, found: StudyAnalysis) -> str:
    drift = view.drift
    domain = found.table.domain
    axes = [domain.axes[domain.names.index(name)] for name in (drift.name, drift.along)]
    together = f"The pair explains {interval(view.effect)}."
    if all(map(is_range, axes)):
        start, end = show_value(drift.best[0]), show_value(drift.best[-1])
        low, high = show_value(drift.values[0]), show_value(drift.values[-1])
        if _moves(drift.best[0], drift.best[-1]):
            verb = "rises" if float(drift.best[-1]) > float(drift.best[0]) else "falls"
            said = f"its best value {verb} from {start} to {end} as {drift.along} goes from {low} to {high}"
        else:
            said = f"its best value stays near {start}, but how much it matters changes with {drift.along}"
        better = ""
        if view.coordinate is not None:
            formula, removed = view.coordinate.formula, view.coordinate.removed
            better = f" Searched along {formula} instead, {min(removed, 1):.0%} of that interaction is gone."
        return f"{drift.name} depends on {drift.along}: {said}. {together}{better}"
    return f"{_by_option(view, 'value' if is_range(axes[0]) else 'choice')} {together}"


def _moves(before: object, after: object) -> bool:
    small, large = sorted([float(before), float(after)])  # type: ignore[arg-type] # values of a range
    return small <= 0 or large / small >= MOVED


def _by_option(view: PairView, kind: str) -> str:
    drift = view.drift
    most = max(drift.reach)
    faint = [i for i, reach in enumerate(drift.reach) if reach < FAINT * most]
    strong = [i for i in range(len(drift.reach)) if i not in faint]
    best = "; ".join(f"{show_value(drift.best[i])} where it is {show_value(drift.values[i])}" for i in strong)
    if faint:
        where = " or ".join(show_value(drift.values[i]) for i in strong)
        rest = " or ".join(show_value(drift.values[i]) for i in faint)
        return (
            f"{drift.name} matters where {drift.along} is {where} and hardly where it is {rest}; "
            f"its best {kind} is {best}."
        )
    return f"{drift.name} depends on {drift.along}: the best is {best}."


def _left_alone(found: StudyAnalysis) -> tuple[str, ...]:
    # Of a parameter that few trials have nothing is known, which is no reason to leave it alone.
    idle = [
        effect.names[0]
        for effect in found.importance.main
        if (effect.total or 0.0) <= LITTLE
        and (effect.high or 0.0) <= MUCH
        and effect.trials >= FEWEST_ON_A_BRANCH
    ]
    if not idle:
        return ()
    names = ", ".join(idle[:FEW]) + (f" and {len(idle) - FEW} more" if len(idle) > FEW else "")
    verb = "it explains" if len(idle) == 1 else "each explains"
    return (f"{names} can be left alone: {verb} at most {LITTLE:.0%}, interactions included.",)
