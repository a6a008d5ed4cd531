"""The space of a study that plain Optuna made, read off its trials.

Optuna keeps a distribution with every value and nothing about when a parameter is asked for. A parameter that
is missing from some trials is taken to depend on the choices whose values tell the trials with it from those
without.
"""

from collections.abc import Mapping, Sequence

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space.nodes import Categorical, Float, Group, Int, Node, Value, When
from studies.analysis.errors import NothingToAnalyse
from studies.surrogate.domain import as_option

MOST_VALUES_OF_A_GATE = 12  # a whole number of more values is no choice that others depend on


def infer_space(trials: Sequence[FrozenTrial]) -> Group:
    """Infer a space from trials, finished ones with a score.

    A range that changed while the study ran becomes the smallest that holds them all, on the scale of the
    latest trial; options are joined. A whole number on which others depend becomes a choice among its values.

    Raises:
        NothingToAnalyse: no trial has a parameter.
    """
    scored = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    seen: dict[str, list[BaseDistribution]] = {}
    for trial in scored:
        for name, distribution in trial.distributions.items():
            seen.setdefault(name, []).append(distribution)
    if not seen:
        raise NothingToAnalyse("The study has no finished trial with a parameter; run it first.")
    rows = [{name: as_option(value) for name, value in trial.params.items()} for trial in scored]
    present = {name: frozenset(i for i, row in enumerate(rows) if name in row) for name in seen}
    gates = {name: _values(distributions) for name, distributions in seen.items()}
    when = {name: _conditions(name, rows, present, gates) for name in seen}
    depended_on = {gate for conditions in when.values() for gate in conditions}
    # A gate exists in more trials than what depends on it, so it comes first.
    order = sorted(seen, key=lambda name: (-len(present[name]), list(seen).index(name)))
    return Group(
        {name: _node(seen[name], gates[name] if name in depended_on else (), when[name]) for name in order}
    )


def _conditions(
    name: str,
    rows: Sequence[Mapping[str, Value]],
    present: Mapping[str, frozenset[int]],
    gates: Mapping[str, tuple[Value, ...]],
) -> When:
    """Add, one by one, the choice that tells most trials without the parameter from those with it."""
    having, lacking = present[name], set(range(len(rows))) - present[name]
    conditions: dict[str, tuple[Value, ...]] = {}
    while lacking:
        best: tuple[int, str, tuple[Value, ...]] = (0, "", ())
        for gate, values in gates.items():
            if gate == name or not values or not having < present[gate]:
                continue
            allowed = tuple(value for value in values if any(rows[i][gate] == value for i in having))
            told = sum(1 for i in lacking if gate not in rows[i] or rows[i][gate] not in allowed)
            decides = any(gate in rows[i] and rows[i][gate] not in allowed for i in lacking)
            if decides and told > best[0]:
                best = (told, gate, allowed)
        if not best[0]:
            break
        _, gate, allowed = best
        conditions[gate] = allowed
        lacking = {i for i in lacking if gate in rows[i] and rows[i][gate] in allowed}
    return conditions


def _values(distributions: Sequence[BaseDistribution]) -> tuple[Value, ...]:
    """List what a parameter can be if others can depend on it."""
    latest = distributions[-1]
    if isinstance(latest, CategoricalDistribution):
        options = [
            as_option(choice)
            for each in distributions
            if isinstance(each, CategoricalDistribution)
            for choice in each.choices
        ]
        return tuple(dict.fromkeys(options))
    if isinstance(latest, IntDistribution):
        low, high = _range(distributions)
        if high - low < MOST_VALUES_OF_A_GATE:
            return tuple(range(int(low), int(high) + 1))
    return ()


def _range(distributions: Sequence[BaseDistribution]) -> tuple[float, float]:
    numeric = [each for each in distributions if isinstance(each, IntDistribution | FloatDistribution)]
    return min(each.low for each in numeric), max(each.high for each in numeric)


def _node(distributions: Sequence[BaseDistribution], values: tuple[Value, ...], when: When) -> Node:
    latest = distributions[-1]
    if values or isinstance(latest, CategoricalDistribution):
        return Categorical(values or _values(distributions), when=when)
    low, high = _range(distributions)
    if isinstance(latest, IntDistribution):
        return Int(int(low), int(high), log=latest.log, when=when)
    assert isinstance(latest, FloatDistribution)  # Optuna has these three kinds
    return Float(low, high, log=latest.log and low > 0, when=when)
