"""The figures of a report; each takes trials and gives one plotly figure whose axes carry names and units."""

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna.trial import FrozenTrial

from search_spaces.parameters import Parameter
from search_spaces.space import Float, Int
from studies.outcomes import Outcome, outcome_of

# Told apart by shape as well as by colour: a report may be printed in black and white.
MARKS = {
    Outcome.COMPLETED: ("#1f5aa6", "circle"),
    Outcome.PRUNED: ("#9a9a9a", "triangle-down-open"),
    Outcome.DIVERGED: ("#c8501e", "x"),
}


def last_score(trial: FrozenTrial) -> float | None:
    """Give the score of a trial, or of its last validation where it has none."""
    if trial.value is not None:
        return trial.value
    return trial.intermediate_values[trial.last_step] if trial.last_step is not None else None


def progress_figure(trials: Sequence[FrozenTrial], metric: str, *, minimizes: bool) -> go.Figure:
    """Draw every trial's score in the order of their numbers, and the best so far as a line."""
    figure = go.Figure()
    for outcome, (colour, symbol) in MARKS.items():
        chosen = [(trial.number, last_score(trial)) for trial in trials if outcome_of(trial) is outcome]
        points = [(number, score) for number, score in chosen if score is not None]
        if points:
            figure.add_scatter(
                x=[number for number, _ in points], y=[score for _, score in points], mode="markers", name=outcome.value,
                marker={"color": colour, "symbol": symbol, "size": 8},
            )  # fmt: skip
    numbers, best = best_so_far(trials, minimizes=minimizes)
    figure.add_scatter(x=numbers, y=best, mode="lines", name="best so far", line={"color": "#111", "shape": "hv"})
    _style(figure, "trial (number)", metric, values=[score for score in map(last_score, trials) if score is not None])
    return figure


def best_so_far(trials: Sequence[FrozenTrial], *, minimizes: bool) -> tuple[list[int], list[float]]:
    """Give the best score of the completed trials up to each of them."""
    numbers: list[int] = []
    best: list[float] = []
    for trial in trials:
        if outcome_of(trial) is Outcome.COMPLETED and trial.value is not None:
            better = min if minimizes else max
            best.append(trial.value if not best else better(best[-1], trial.value))
            numbers.append(trial.number)
    return numbers, best


def curves_figure(trials: Sequence[FrozenTrial], metric: str, best: int | None) -> go.Figure:
    """Draw the learning curve of every trial, by outcome, the best one on top."""
    figure = go.Figure()
    shown: set[Outcome] = set()
    for trial in sorted(trials, key=lambda trial: trial.number == best):
        outcome = outcome_of(trial)
        if outcome not in MARKS or not trial.intermediate_values:
            continue
        is_best = trial.number == best
        figure.add_scatter(
            x=sorted(trial.intermediate_values), y=[trial.intermediate_values[s] for s in sorted(trial.intermediate_values)],
            mode="lines", name=f"best (trial {trial.number})" if is_best else outcome.value,
            legendgroup="best" if is_best else outcome.value, showlegend=is_best or outcome not in shown,
            hovertext=f"trial {trial.number}", opacity=1.0 if is_best else 0.45,
            line={"color": "#111" if is_best else MARKS[outcome][0], "width": 3 if is_best else 1,
                  "dash": "solid" if outcome is Outcome.COMPLETED else "dot"},
        )  # fmt: skip
        shown.add(outcome)
    values = [value for trial in trials for value in trial.intermediate_values.values()]
    _style(figure, "validation (number)", metric, values=values)
    return figure


def slice_figure(trials: Sequence[FrozenTrial], parameter: Parameter, metric: str) -> go.Figure:
    """Draw the score over one parameter, for the trials in which it exists."""
    figure = go.Figure()
    for outcome, (colour, symbol) in MARKS.items():
        chosen = [t for t in trials if outcome_of(t) is outcome and parameter.name in t.params and last_score(t) is not None]
        if chosen:
            figure.add_scatter(
                x=[_shown(t.params[parameter.name]) for t in chosen], y=[last_score(t) for t in chosen],
                mode="markers", name=outcome.value, hovertext=[f"trial {t.number}" for t in chosen],
                marker={"color": colour, "symbol": symbol, "size": 7},
            )  # fmt: skip
    unit = f" ({parameter.node.unit})" if parameter.node.unit else ""
    values = [score for score in map(last_score, trials) if score is not None]
    _style(figure, f"{parameter.name}{unit}", metric, values=values, height=300)
    if isinstance(parameter.node, Float | Int) and parameter.node.log:
        figure.update_xaxes(type="log", exponentformat="power")
    return figure


def _shown(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _style(figure: go.Figure, x: str, y: str, *, values: Sequence[float], height: int = 400) -> None:
    figure.update_layout(
        template="simple_white", height=height, margin={"l": 60, "r": 20, "t": 20, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, font={"size": 13},
    )  # fmt: skip
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    # Losses spread over decades: a linear axis would show the worst trial and nothing else.
    if values and min(values) > 0 and max(values) > 10 * min(values):
        figure.update_yaxes(type="log", title=f"{y} (log scale)")
