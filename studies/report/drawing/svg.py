"""Figures as SVG, which needs no program to be seen: points and curves, bands, maps, a legend.

Plotly describes a figure; its own drawing library is five megabytes of JavaScript, and writes SVG only
through a browser. Of what it can describe this draws what the report uses.
"""

import html
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from studies.report.drawing.scales import Scale, round_ticks, scale_of, values_along

KINDS = {"scatter", "contour"}  # plotly's names of the traces that are drawn
LETTER = 6.6  # pixels that a letter takes, at most, for the room that texts need
LINE = 18  # pixels from one line of the legend to the next
LEVELS = 8  # shades of a map
TOP, RIGHT, BOTTOM = 12, 14, 48
BAR = 74  # pixels beside a map for its shades
LONGEST = 16  # letters of a tick's label along the x axis
DASHES = {"dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 4", "longdashdot": "11 3 2 3"}
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down")


def draw_svg(figure: go.Figure, width: int) -> str:
    """Draw a figure.

    Args:
        figure: points, curves, filled bands and maps of two ranges.
        width: in pixels; the height is the layout's.

    Returns: An `svg` element that scales with the page.

    Raises:
        ValueError: the figure has a trace of another kind, which would be drawn as something else.
        KeyError: a marker has a symbol that is not known here.
    """
    layout = figure.layout
    if unknown := sorted({trace.type for trace in figure.data} - KINDS):
        raise ValueError(f"a figure with {', '.join(unknown)} cannot be drawn as SVG")
    shown = [trace for trace in figure.data if trace.type != "contour"]
    maps = [trace for trace in figure.data if trace.type == "contour"]
    entries = [] if layout.showlegend is False else [t for t in shown if t.name and t.showlegend is not False]
    height = int(layout.height or 400)
    y_axis = scale_of(layout.yaxis, values_along(figure, "y"), height - BOTTOM, 0)
    left = 34 + LETTER * max((len(text) for _, text in y_axis.ticks), default=1)
    rows = list(_legend_rows(entries, width - left - RIGHT))
    top = TOP + LINE * len(rows)
    right = width - RIGHT - (BAR if maps else 0)
    x = scale_of(layout.xaxis, values_along(figure, "x"), left, right)
    y = scale_of(layout.yaxis, values_along(figure, "y"), height - BOTTOM, top)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12" '
        f'font-family="system-ui, sans-serif" role="img" width="100%">'
    )
    parts = [
        head,
        *(mark for trace in maps for mark in _map(trace, x, y, right)),
        *_axes(x, y),
        *(mark for trace in shown for mark in _scatter(trace, x, y)),
        *_legend(rows, left),
        "</svg>",
    ]
    return "".join(parts)


def _text(x: float, y: float, text: str, **style: str) -> str:
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in style.items())
    # Texts for plotly are escaped already, since it reads some markup.
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{html.escape(html.unescape(str(text)))}</text>'


def _axes(x: Scale, y: Scale) -> Iterator[str]:
    yield f'<path d="M{x.first:.1f} {y.last:.1f}V{y.first:.1f}H{x.last:.1f}" fill="none" stroke="#444"/>'
    taken = -math.inf
    for at, text in x.ticks:
        place = x.first + (at - x.low) / (x.high - x.low) * (x.last - x.first)
        label = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        yield f'<path d="M{place:.1f} {y.first:.1f}v5" stroke="#444"/>'
        if place - LETTER * len(label) / 2 > taken + 4:  # labels that would overlap are left out
            taken = place + LETTER * len(label) / 2
            yield _text(place, y.first + 18, label, text_anchor="middle")
    for at, text in y.ticks:
        place = y.first + (at - y.low) / (y.high - y.low) * (y.last - y.first)
        yield f'<path d="M{x.first:.1f} {place:.1f}h-5" stroke="#444"/>'
        yield _text(x.first - 8, place + 4, text, text_anchor="end")
    yield _text((x.first + x.last) / 2, y.first + 38, x.title, text_anchor="middle")
    middle = (y.first + y.last) / 2
    yield _text(13, middle, y.title, text_anchor="middle", transform=f"rotate(-90 13 {middle:.1f})")


def _scatter(trace: Any, x: Scale, y: Scale) -> Iterator[str]:
    pairs = zip(trace.x if trace.x is not None else (), trace.y if trace.y is not None else (), strict=True)
    places = [(x.place(at), y.place(value)) for at, value in pairs]
    mode = trace.mode or "lines"
    opacity = "" if trace.opacity is None else f' opacity="{trace.opacity:g}"'
    if trace.fill == "toself":
        d = _path(places, "linear")
        if d:
            yield f'<path d="{d}Z" fill="{trace.fillcolor or "rgba(0,0,0,.12)"}"{opacity}/>'
        return
    hover = trace.hovertext
    titles = [hover] * len(places) if isinstance(hover, str) or hover is None else list(hover)
    if "lines" in mode and (d := _path(places, trace.line.shape or "linear")):
        dash = DASHES.get(trace.line.dash or "", "")
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        title = f"<title>{html.escape(titles[0])}</title>" if titles and titles[0] else ""
        yield (
            f'<path d="{d}" fill="none" stroke="{trace.line.color or "#111"}" '
            f'stroke-width="{trace.line.width or 2:g}"{dashed}{opacity}>{title}</path>'
        )
    if trace.error_y.array is not None:
        yield from _intervals(trace, x, y)
    if "markers" in mode:
        for (at, value), told in zip(places, titles, strict=True):
            if math.isfinite(at) and math.isfinite(value):
                yield _mark(trace.marker, at, value, told, opacity)


def _intervals(trace: Any, x: Scale, y: Scale) -> Iterator[str]:
    error = trace.error_y
    less = error.array if error.arrayminus is None else error.arrayminus
    for at, value, up, down in zip(trace.x, trace.y, error.array, less, strict=True):
        if not isinstance(value, str):
            place, low, high = x.place(at), y.place(value - down), y.place(value + up)
            colour = error.color or trace.marker.color or "#111"
            yield f'<path d="M{place:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="2"/>'


def _path(places: list[tuple[float, float]], shape: str) -> str:
    found, pen = [], "M"
    for at, value in places:
        if not (math.isfinite(at) and math.isfinite(value)):
            pen = "M"
            continue
        step = f"H{at:.1f}V{value:.1f}" if shape == "hv" and pen == "L" else f"{pen}{at:.1f} {value:.1f}"
        found.append(step)
        pen = "L"
    return "".join(found)


def _mark(marker: Any, x: float, y: float, title: str | None, opacity: str = "") -> str:
    symbol = marker.symbol if marker.symbol is not None else "circle"
    name = SYMBOLS[symbol % len(SYMBOLS)] if isinstance(symbol, int) else str(symbol)
    r = (marker.size or 7) / 2
    colour, edge = marker.color or "#111", marker.line.color
    line = f' stroke="{edge}"' if edge else ""
    is_open = name.endswith("-open")
    style = f'fill="none" stroke="{colour}" stroke-width="1.5"' if is_open else f'fill="{colour}"{line}'
    said = f"<title>{html.escape(title)}</title>" if title else ""
    shape = name.removesuffix("-open")
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" {style}{opacity}>{said}</circle>'
    if shape in {"x", "cross"}:
        d = f"m{-r:.1f} {-r:.1f}l{2 * r:.1f} {2 * r:.1f}m0 {-2 * r:.1f}l{-2 * r:.1f} {2 * r:.1f}"
        if shape == "cross":
            d = f"m{-r:.1f} 0h{2 * r:.1f}m{-r:.1f} {-r:.1f}v{2 * r:.1f}"
        return f'<path d="M{x:.1f} {y:.1f}{d}" stroke="{colour}" stroke-width="2"{opacity}>{said}</path>'
    points = " ".join(f"{x + r * dx:.1f},{y - r * dy:.1f}" for dx, dy in _corners(shape))
    return f'<polygon points="{points}" {style}{opacity}>{said}</polygon>'


def _corners(shape: str) -> list[tuple[float, float]]:
    if shape == "star":
        turns = [(math.pi * i / 5, 1.2 if i % 2 == 0 else 0.5) for i in range(10)]
        return [(r * math.sin(turn), r * math.cos(turn)) for turn, r in turns]
    return {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "diamond": [(0, 1.2), (1.2, 0), (0, -1.2), (-1.2, 0)],
        "triangle-up": [(-1.1, -0.9), (1.1, -0.9), (0, 1.1)],
        "triangle-down": [(-1.1, 0.9), (1.1, 0.9), (0, -1.1)],
        "triangle-right": [(-0.9, -1.1), (-0.9, 1.1), (1.1, 0)],
    }[shape]


def _map(trace: Any, x: Scale, y: Scale, right: float) -> Iterator[str]:
    """Draw the cells of a map in a few shades, the darker the lower, and the shades beside it."""
    z = np.asarray(trace.z, dtype=float)
    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    shade = np.clip(((z - low) / ((high - low) or 1.0) * LEVELS).astype(int), 0, LEVELS - 1)
    across, down = _edges([x.place(v) for v in trace.x], x), _edges([y.place(v) for v in trace.y], y)
    for i in range(len(trace.y)):
        for j in range(len(trace.x)):
            box = (
                across[j],
                min(down[i], down[i + 1]),
                across[j + 1] - across[j],
                abs(down[i + 1] - down[i]),
            )
            title = "" if trace.customdata is None else f"<title>{float(trace.customdata[i][j]):.4g}</title>"
            yield _box(box, int(shade[i, j]), title)
    size = (y.first - y.last) / LEVELS
    for level in range(LEVELS):
        yield _box((right + 12, y.first - (level + 1) * size, 12, size), level, "")
    bar = trace.colorbar
    ticks = [(v, f"{v:.3g}") for v in round_ticks(low, high)] if high > low else [(low, f"{low:.3g}")]
    if bar.tickvals is not None:
        ticks = list(zip(bar.tickvals, bar.ticktext, strict=True))
    for value, text in ticks:
        if low <= value <= high:
            at = y.first - (value - low) / ((high - low) or 1.0) * (y.first - y.last)
            yield _text(right + 28, at + 4, text)


def _edges(places: list[float], scale: Scale) -> list[float]:
    """Give the edges of cells around places; the outer ones end at the axis."""
    inner = [(one + other) / 2 for one, other in pairwise(places)]
    return [scale.first, *inner, scale.last]


def _box(box: tuple[float, float, float, float], level: int, title: str) -> str:
    grey = round(70 + 175 * level / (LEVELS - 1))
    left, top, width, height = box
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width + 0.3:.1f}" height="{height + 0.3:.1f}" '
        f'fill="rgb({grey},{grey},{grey})">{title}</rect>'
    )


def _legend_rows(entries: list[Any], room: float) -> Iterator[list[Any]]:
    row: list[Any] = []
    used = 0.0
    for entry in entries:
        need = 34 + LETTER * len(html.unescape(entry.name))
        if row and used + need > room:
            yield row
            row, used = [], 0.0
        row.append(entry)
        used += need
    if row:
        yield row


def _legend(rows: list[list[Any]], left: float) -> Iterator[str]:
    for number, row in enumerate(rows):
        at, y = left, 12 + LINE * number
        for entry in row:
            if entry.fill == "toself":
                yield f'<rect x="{at:.1f}" y="{y - 6}" width="18" height="10" fill="{entry.fillcolor}"/>'
            elif "lines" in (entry.mode or "lines"):
                dash = DASHES.get(entry.line.dash or "", "")
                dashed = f' stroke-dasharray="{dash}"' if dash else ""
                yield (
                    f'<path d="M{at:.1f} {y}h18" stroke="{entry.line.color or "#111"}" '
                    f'stroke-width="{max(entry.line.width or 2, 1.5):g}"{dashed}/>'
                )
            else:
                yield _mark(entry.marker, at + 9, y, None)
            yield _text(at + 23, y + 4, entry.name)
            at += 34 + LETTER * len(html.unescape(entry.name))
