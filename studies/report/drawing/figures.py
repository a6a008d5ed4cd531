"""The figures of a report; each takes trials and gives one plotly figure whose axes carry names and units."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Float, Int
from search_spaces.space.parameters import Parameter, options
from studies.analysis.findings.best_so_far import BestSoFar
from studies.report.drawing.axes import ScoreAxis, log_ticks, plain, score_axis
from studies.trials.outcomes import EFFECTS, Outcome
from studies.trials.record import TrialRecord

MARKS = {outcome: (effect.colour, effect.mark) for outcome, effect in EFFECTS.items() if effect.mark}
_BEST = "#111"


def axis_of_trials(trials: Sequence[TrialRecord], metric: str, *, minimizes: bool) -> ScoreAxis:
    """Give the axis that the scores of all trials share, from figure to figure."""
    scores = [trial.shown_score for trial in trials if trial.outcome in MARKS]
    return score_axis(metric, [score for score in scores if score is not None], minimizes=minimizes)


def progress_figure(
    trials: Sequence[TrialRecord],
    axis: ScoreAxis,
    history: BestSoFar | None = None,
    *,
    make: Callable[[], go.Figure] = go.Figure,
) -> go.Figure:
    """Draw every trial's score in the order of their numbers, and the best so far as a line with its band.

    Args:
        trials: in the order of their numbers.
        axis: of the scores.
        history: the band.
        make: gives an empty figure: plotly's, or a `PlainFigure`, which takes a tenth of the time and can
            only be drawn.
    """
    figure = make()
    if history is not None:
        figure.add_scatter(
            x=[*history.numbers, *reversed(history.numbers)],
            y=[axis.place(score) for score in (*history.high, *reversed(history.low))],
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor="rgba(0,0,0,.12)",
            name="best so far in 90% of reordered studies",
            hoverinfo="skip",
        )
    for outcome in MARKS:
        chosen = [trial for trial in trials if trial.outcome is outcome]
        _add_marks(figure, outcome, chosen, [trial.number for trial in chosen], axis, size=8)
    numbers, best = best_so_far(trials, minimizes=axis.minimizes)
    if numbers:
        figure.add_scatter(
            x=[*numbers, trials[-1].number],
            y=[axis.place(score) for score in [*best, best[-1]]],
            mode="lines",
            name="best so far",
            line={"color": _BEST, "shape": "hv"},
        )
    style(figure, "trial (number)")
    axis.apply(figure)
    return figure


def best_so_far(trials: Sequence[TrialRecord], *, minimizes: bool) -> tuple[list[int], list[float]]:
    """Give the numbers of the completed trials within the limits, and the best score up to each of them."""
    numbers: list[int] = []
    best: list[float] = []
    for trial in trials:
        if trial.score is not None and not trial.broken:
            better = min if minimizes else max
            best.append(trial.score if not best else better(best[-1], trial.score))
            numbers.append(trial.number)
    return numbers, best


def thinned(trials: Sequence[TrialRecord], *, minimizes: bool, most: int) -> list[TrialRecord]:
    """Keep about so many trials: all that were the best when they ended, and others at even distances."""
    if len(trials) <= most:
        return list(trials)
    numbers, best = best_so_far(trials, minimizes=minimizes)
    better = {
        number for number, now, before in zip(numbers, best, [None, *best], strict=False) if now != before
    }
    step = len(trials) // most + 1
    return [trial for place, trial in enumerate(trials) if place % step == 0 or trial.number in better]


def curves_figure(
    trials: Sequence[TrialRecord],
    metric: str,
    best: TrialRecord | None,
    *,
    minimizes: bool,
    make: Callable[[], go.Figure] = go.Figure,
) -> go.Figure:
    """Draw the learning curve of every trial by outcome, the best one on top; `make` is as above."""
    shown = [trial for trial in trials if trial.outcome in MARKS and trial.curve]
    values = [value for trial in shown for value in trial.curve.values()]
    axis = score_axis(metric, values, minimizes=minimizes)
    figure = make()
    for outcome, (colour, _) in MARKS.items():
        for position, trial in enumerate(trial for trial in shown if trial.outcome is outcome):
            dash = "solid" if outcome is Outcome.COMPLETED else "dot"
            add_curve(
                figure,
                trial,
                axis,
                name=outcome.value,
                showlegend=position == 0,
                opacity=0.5,
                line={"color": colour, "width": 1, "dash": dash},
            )
    if best is not None and best.curve:
        add_curve(figure, best, axis, name=f"best (trial {best.number})", line={"color": _BEST, "width": 3})
    style(figure, "validation (number)")
    axis.apply(figure)
    return figure


def slice_figure(
    trials: Sequence[TrialRecord], parameter: Parameter, axis: ScoreAxis, best: TrialRecord | None
) -> go.Figure:
    """Draw the score over one parameter, for the trials in which it exists, the best one marked."""
    figure = go.Figure()
    node, name = parameter.node, parameter.name
    for outcome in MARKS:
        chosen = [trial for trial in trials if trial.outcome is outcome and name in trial.values]
        _add_marks(figure, outcome, chosen, [_position(trial.values[name]) for trial in chosen], axis, size=7)
    if best is not None and name in best.values:
        figure.add_scatter(
            x=[_position(best.values[name])],
            y=[axis.place(best.score)],
            mode="markers",
            name=f"best (trial {best.number})",
            marker={"color": _BEST, "symbol": "star", "size": 13},
        )
    style(figure, plain(name.rpartition(".")[2] + (f" ({node.unit})" if node.unit else "")), height=290)
    figure.update_layout(showlegend=False)
    if not isinstance(node, Float | Int):
        # Every option, tried or not, in the order of the space.
        shown = [_position(option) for option in options(node)]
        figure.update_xaxes(type="category", categoryarray=shown, range=[-0.5, len(shown) - 0.5])
    elif node.log:
        ticks = log_ticks(node.low, node.high)
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[show_value(tick) for tick in ticks])
    axis.apply(figure)
    return figure


def _position(value: object) -> object:
    return plain(value) if isinstance(value, str | bool) else value


def _add_marks(
    figure: go.Figure,
    outcome: Outcome,
    trials: Sequence[TrialRecord],
    positions: Sequence[object],
    axis: ScoreAxis,
    *,
    size: int,
) -> None:
    colour, symbol = MARKS[outcome]
    if trials:
        figure.add_scatter(
            x=positions,
            y=[axis.place(trial.shown_score) for trial in trials],
            mode="markers",
            name=outcome.value,
            hovertext=[_hover(trial) for trial in trials],
            hoverinfo="text+x",
            marker={"color": colour, "symbol": symbol, "size": size},
        )


def add_curve(figure: go.Figure, trial: TrialRecord, axis: ScoreAxis, **style: Any) -> None:
    """Draw the learning curve of a trial; `style` is that of plotly's traces, with a name."""
    steps = sorted(trial.curve)
    figure.add_scatter(
        x=steps,
        y=[axis.place(trial.curve[step]) for step in steps],
        mode="lines" if len(steps) > 1 else "markers",
        legendgroup=style["name"],
        hovertext=f"trial {trial.number}",
        **style,
    )


def _hover(trial: TrialRecord) -> str:
    score = trial.shown_score
    return f"trial {trial.number}: " + ("no score" if score is None else f"{score:.5g}")


def style(figure: go.Figure, x: str, *, height: int = 400) -> None:
    """Give a figure the looks of the report."""
    figure.update_layout(
        template="simple_white",
        height=height,
        margin={"l": 65, "r": 15, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        font={"size": 13, "family": "system-ui, sans-serif"},
    )
    figure.update_xaxes(title=x)
