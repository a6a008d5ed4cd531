"""The figures of a pair: the expected score over both, how sure it is, and how the best value drifts."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Float, Int
from search_spaces.space.parameters import Parameter
from studies.analysis.findings.drift import Drift
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.projection import Projection
from studies.report.drawing.axes import log_ticks, plain
from studies.report.drawing.figures import MARKS, style
from studies.surrogate.domain import Array
from studies.trials.record import TrialRecord

SURE = 1.645  # standard deviations on each side of a 90% interval
_LINES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_GREYS = ("#111", "#1f5aa6", "#6b6b6b", "#c8501e", "#3d8a4d", "#7a4fa0")


def score_figure(
    found: StudyAnalysis, projection: Projection, nodes: Sequence[Parameter], trials: Sequence[TrialRecord]
) -> go.Figure:
    """Draw the expected score over a pair: as a map of two ranges, else as a line for each option."""
    if not all(isinstance(parameter.node, Float | Int) for parameter in nodes):
        return _lines(found, projection, nodes, trials)
    figure = _map(projection, nodes, found.score(projection.mean), f"expected {found.metric}")
    for outcome, (_, symbol) in MARKS.items():
        chosen = [
            trial
            for trial in trials
            if trial.outcome is outcome and all(name in trial.values for name in projection.names)
        ]
        if chosen:
            y, x = ([trial.values[name] for trial in chosen] for name in projection.names)
            figure.add_scatter(
                x=x,
                y=y,
                mode="markers",
                name=f"{outcome.value} trial",
                hovertext=[f"trial {trial.number}: {trial.shown_score}" for trial in chosen],
                hoverinfo="text+x+y",
                marker={"symbol": symbol, "size": 7, "color": "white", "line": {"color": "#111", "width": 1}}
                if outcome.value == "completed"
                else {"symbol": symbol, "size": 7, "color": "#111"},
            )
    return figure


def doubt_figure(
    found: StudyAnalysis, projection: Projection, nodes: Sequence[Parameter]
) -> go.Figure | None:
    """Draw how unsure the expected score over two ranges is: half of its 90% interval."""
    if not all(isinstance(parameter.node, Float | Int) for parameter in nodes):
        return None  # the lines of options carry their own bands
    half = SURE * projection.deviation
    if found.scale == "log":
        return _map(projection, nodes, np.exp(half), "90% interval: times or divided by")
    return _map(projection, nodes, half, f"90% interval: ± {found.metric}")


def drift_figure(drift: Drift, nodes: Sequence[Parameter]) -> go.Figure:
    """Draw where the best value of a parameter lies along another, with its 90% interval."""
    first, second = nodes
    figure = go.Figure()
    x = [_shown(value) for value in drift.values]
    if isinstance(second.node, Float | Int):
        figure.add_scatter(
            x=[*x, *reversed(x)], y=[*drift.high, *reversed(drift.low)], fill="toself", mode="lines",
            line={"width": 0}, fillcolor="rgba(0,0,0,.15)", name="90% interval", hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=x, y=list(drift.best), mode="lines", name="best value", line={"color": "#111", "width": 2}
        )
    else:
        spans = {
            "array": [_distance(high, best) for high, best in zip(drift.high, drift.best, strict=True)],
            "arrayminus": [_distance(best, low) for best, low in zip(drift.best, drift.low, strict=True)],
        }
        numeric = isinstance(first.node, Float | Int)
        figure.add_scatter(
            x=x,
            y=list(map(_shown, drift.best)),
            mode="markers",
            name="best value, with its 90% interval",
            error_y={"type": "data", "symmetric": False, "color": "#111", **spans} if numeric else None,
            marker={"size": 10, "color": "#111"},
        )
    style(figure, "", height=330)
    _axis(figure, "x", second, "")
    _axis(figure, "y", first, "best ")
    if isinstance(first.node, Float | Int) and first.node.log:
        ends = [float(value) for value in (*drift.low, *drift.high)]
        ticks = log_ticks(min(ends), max(ends))
        figure.update_yaxes(tickvals=ticks, ticktext=[show_value(tick) for tick in ticks])
    return figure


def _map(projection: Projection, nodes: Sequence[Parameter], values: Array, title: str) -> go.Figure:
    y, x = (sorted({row[place] for row in projection.values}) for place in (0, 1))
    grid = np.full((len(y), len(x)), np.nan)
    for row, value in zip(projection.values, values, strict=True):
        grid[y.index(row[0]), x.index(row[1])] = value
    spread = bool(values.min() > 0 and values.max() > 10 * values.min())
    shown = np.log10(grid) if spread else grid
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    size = (high - low) / 8 or 1.0
    bar: dict[str, object] = {"title": {"text": plain(title), "side": "right"}, "thickness": 12}
    if spread:
        ticks = log_ticks(10**low, 10**high)
        bar |= {"tickvals": [math.log10(t) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]}
    else:
        bar["tickformat"] = ".3~g"
    figure = go.Figure(
        go.Contour(
            x=x,
            y=y,
            z=shown,
            colorscale="Greys",
            reversescale=True,
            opacity=0.85,
            colorbar=bar,
            contours={"start": low, "end": high, "size": size, "coloring": "heatmap"},
            line={"color": "#444", "width": 0.7},
            customdata=grid,
            name="",
            hovertemplate=f"{plain(title)} %{{customdata:.4g}}<extra></extra>",
        )
    )
    style(figure, "", height=370)
    _axis(figure, "x", nodes[1], "")
    _axis(figure, "y", nodes[0], "")
    return figure


def _lines(
    found: StudyAnalysis, projection: Projection, nodes: Sequence[Parameter], trials: Sequence[TrialRecord]
) -> go.Figure:
    """Draw one line with its band, or one mark with its interval, for each option of the second."""
    figure = go.Figure()
    first, second = nodes
    options = list(dict.fromkeys(row[1] for row in projection.values))
    half = SURE * projection.deviation
    middle = found.score(projection.mean)
    edges = [found.score(projection.mean + half), found.score(projection.mean - half)]
    low, high = np.minimum(*edges), np.maximum(*edges)
    is_line = isinstance(first.node, Float | Int)
    for place, option in enumerate(options):
        rows = [i for i, row in enumerate(projection.values) if row[1] == option]
        x = [_shown(projection.values[i][0]) for i in rows]
        colour, name = _GREYS[place % len(_GREYS)], plain(f"{second.name} {show_value(option)}")
        if is_line:
            figure.add_scatter(
                x=[*x, *reversed(x)], y=[*high[rows], *reversed(low[rows])], fill="toself", mode="lines",
                line={"width": 0}, fillcolor=colour, opacity=0.15, hoverinfo="skip", showlegend=False,
            )  # fmt: skip
            line = {"color": colour, "width": 2, "dash": _LINES[place % len(_LINES)]}
            figure.add_scatter(x=x, y=middle[rows], mode="lines", name=name, line=line)
            continue
        error = {
            "type": "data",
            "symmetric": False,
            "array": high[rows] - middle[rows],
            "arrayminus": middle[rows] - low[rows],
        }
        figure.add_scatter(
            x=x,
            y=middle[rows],
            mode="markers",
            name=name,
            error_y=error,
            marker={"color": colour, "size": 9, "symbol": place},
        )
    figure.update_layout(scattermode="group")
    style(figure, "", height=370)
    _axis(figure, "x", first, "")
    figure.update_yaxes(title=plain(f"expected {found.metric}"))
    if found.scale == "log":
        ticks = log_ticks(float(low.min()), float(high.max()))
        figure.update_yaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    return figure


def _axis(figure: go.Figure, letter: str, parameter: Parameter, before: str) -> None:
    node = parameter.node
    unit = f" ({node.unit})" if node.unit else ""
    axis: dict[str, object] = {"title": plain(f"{before}{parameter.name}{unit}")}
    if isinstance(node, Float | Int):
        if node.log:
            ticks = log_ticks(node.low, node.high)
            axis["title"] = f"{axis['title']}, log scale"
            axis |= {"type": "log", "tickvals": ticks, "ticktext": [show_value(tick) for tick in ticks]}
    else:
        axis["type"] = "category"
    figure.update_layout({f"{letter}axis": axis})


def _shown(value: object) -> object:
    return plain(value) if isinstance(value, str | bool) else value


def _distance(more: object, less: object) -> float:
    numeric = isinstance(more, int | float) and isinstance(less, int | float)
    return float(more) - float(less) if numeric else 0.0  # type: ignore[arg-type] # are numbers
