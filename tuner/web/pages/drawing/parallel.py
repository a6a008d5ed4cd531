"""Parallel coordinates that follow branches: a figure for what always exists, and one for each choice.

In the figure of a choice the axes of each branch lie in a lane of their own. The line of a trial goes from
the option that it took into the lane of that option, and ends where the branch ends.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Float, Int, Node, Value
from search_spaces.space.parameters import options
from tuner.terminal.printable import one_line
from tuner.web.pages.reading.columns import Branch, Column

SHADES = 5  # classes of colour from the worst to the best
FIRST, STEP, LAST = 92, 122, 48  # pixels: left of the first axis, between two, right of the last
WIDE = 1240  # pixels that the axes of what every trial has may take, and how far apart they stand at most
WIDEST_STEP = 190
TOP, LANE, GAP, BOTTOM = 40, 120, 46, 12
MOST_TICKS = 6
LETTERS = 17  # of a label above an axis


@dataclass(frozen=True)
class Line:
    """A trial: its values, the share of the way from the worst to the best score, what to say of it."""

    number: int
    values: Mapping[str, Value]
    score: float
    quality: float
    said: str


@dataclass(frozen=True)
class Panel:
    """A figure with a title; `words` say what it shows to whoever cannot see it."""

    title: str
    svg: str
    words: str


@dataclass(frozen=True)
class _Axis:
    """An axis between two heights, at a place; numbers are put onto it by `low` and `high`."""

    column: Column
    at: float
    top: float
    bottom: float
    low: float
    high: float
    is_log: bool
    names: tuple[str, ...]

    def place(self, value: Value) -> float | None:
        if self.names:
            text = show_value(value)
            if text not in self.names:
                return None
            share = (self.names.index(text) + 0.5) / len(self.names)
        else:
            number = _scaled(value, is_log=self.is_log)
            if number is None:
                return None
            share = (number - self.low) / ((self.high - self.low) or 1.0)
        return self.bottom - share * (self.bottom - self.top)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        if self.names:
            step = max(1, -(-len(self.names) // MOST_TICKS))
            named = [(self.place(name), name) for name in self.names[::step]]
            return [(at, name) for at, name in named if at is not None]
        ends = [(self.bottom, self.low), (self.top, self.high)]
        return [(at, f"{10**number if self.is_log else number:.3g}") for at, number in ends]


def panels(branches: Sequence[Branch], lines: Sequence[Line], metric: str, scale: str) -> list[Panel]:
    """Draw trials as lines through the axes of their parameters.

    Args:
        branches: the parameters by the conditions under which they exist.
        lines: the trials; the best are drawn last.
        metric: the name of the score, which is the first axis of the first figure.
        scale: of the score: `linear`, `log` or `rank`.
    """
    drawn = sorted(lines, key=lambda line: line.quality)
    found = []
    always = [branch for branch in branches if branch.choice is None]
    if always and drawn:
        score = Column(_SCORE, metric if scale == "linear" else f"{metric} ({scale})", None)
        scored = [_with_score(line, scale) for line in drawn]
        columns = [score, *always[0].columns]
        step = min(WIDEST_STEP, max(STEP, (WIDE - FIRST - LAST) / max(len(columns) - 1, 1)))
        axes = _row(columns, scored, TOP, TOP + 2 * LANE, at=FIRST, step=step)
        svg = _svg(axes, [], scored, 2 * LANE + TOP + BOTTOM)
        found.append(Panel("What every trial has", svg, _words(columns, len(drawn))))
    for name in dict.fromkeys(branch.choice for branch in branches if branch.choice is not None):
        lanes = [branch for branch in branches if branch.choice == name]
        panel = _of_choice(name, lanes, branches, drawn)
        if panel is not None:
            found.append(panel)
    return found


_SCORE = "\0score"  # no parameter is called so


def _with_score(line: Line, scale: str) -> Line:
    place = log10(line.score) if scale == "log" and line.score > 0 else line.score
    shown = line.quality if scale == "rank" else place
    return Line(line.number, {**line.values, _SCORE: shown}, line.score, line.quality, line.said)


def _of_choice(
    name: str, lanes: Sequence[Branch], branches: Sequence[Branch], lines: Sequence[Line]
) -> Panel | None:
    mine = [line for line in lines if name in line.values]
    if not mine:
        return None
    node = next((c.node for branch in branches for c in branch.columns if c.name == name), None)
    height = len(lanes) * LANE + (len(lanes) - 1) * GAP
    names = tuple(show_value(option) for option in (() if node is None else options(node))) or tuple(
        dict.fromkeys(show_value(line.values[name]) for line in mine)
    )
    first = _Axis(Column(name, name, node), FIRST, TOP, TOP + height, 0, 1, is_log=False, names=names[::-1])
    rows, notes = [], []
    for place, branch in enumerate(lanes):
        top = TOP + place * (LANE + GAP)
        inside = [line for line in mine if line.values[name] in branch.options]
        rows.append(_row(branch.columns, inside, top, top + LANE, at=FIRST + STEP))
        taken = " or ".join(show_value(option) for option in branch.options)
        notes.append(f"{taken} ({len(inside)} trials): {', '.join(c.label for c in branch.columns)}")
    svg = _svg([first], rows, mine, TOP + height + BOTTOM)
    return Panel(name, svg, f"{len(mine)} trials by {name}. " + "; ".join(notes) + ".")


def _row(
    columns: Sequence[Column],
    lines: Sequence[Line],
    top: float,
    bottom: float,
    *,
    at: float,
    step: float = STEP,
) -> list[_Axis]:
    return [_axis(column, lines, at + step * i, top, bottom) for i, column in enumerate(columns)]


def _axis(column: Column, lines: Sequence[Line], at: float, top: float, bottom: float) -> _Axis:
    node = column.node
    values = [line.values[column.name] for line in lines if column.name in line.values]
    # Of another program's choices some may be neither texts nor numbers: None, or lists.
    is_text = any(isinstance(value, bool) or not isinstance(value, int | float) for value in values)
    if (node is not None and not isinstance(node, Float | Int)) or is_text:
        listed = options(node) if node is not None else sorted(values, key=str)
        names = tuple(dict.fromkeys(show_value(option) for option in listed))[::-1]
        return _Axis(column, at, top, bottom, 0, 1, is_log=False, names=names)
    is_log = _is_log(node)
    if isinstance(node, Float | Int):
        ends = [_scaled(node.low, is_log=is_log), _scaled(node.high, is_log=is_log)]
    else:
        ends = [_scaled(value, is_log=is_log) for value in values]
    known = [number for number in ends if number is not None] or [0.0, 1.0]
    return _Axis(column, at, top, bottom, min(known), max(known), is_log=is_log, names=())


def _is_log(node: Node | None) -> bool:
    return isinstance(node, Float | Int) and node.log


def _scaled(value: Value, *, is_log: bool) -> float | None:
    if not isinstance(value, int | float) or not isfinite(value) or (is_log and value <= 0):
        return None
    return log10(value) if is_log else float(value)


def _svg(
    first: Sequence[_Axis], rows: Sequence[Sequence[_Axis]], lines: Sequence[Line], height: float
) -> str:
    axes = [*first, *(axis for row in rows for axis in row)]
    width = max(axis.at for axis in axes) + LAST
    head = (
        f'<svg class="parallel" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" aria-hidden="true" font-size="11">'
    )
    parts = [head]
    parts += [_trial(line, first, rows) for line in lines]
    parts += [mark for axis in axes for mark in _drawn(axis)]
    return "".join([*parts, "</svg>"])


def _trial(line: Line, first: Sequence[_Axis], rows: Sequence[Sequence[_Axis]]) -> str:
    paths = [_path(line, [*first, *row]) for row in rows if any(a.column.name in line.values for a in row)]
    d = "".join(paths) if rows else _path(line, first)
    if not d:
        return ""
    shade = min(int(line.quality * SHADES), SHADES - 1)
    return f'<g class="q{shade}"><title>{_text(line.said)}</title><path d="{d}"/></g>'


def _path(line: Line, axes: Sequence[_Axis]) -> str:
    """Draw the line through the axes that the trial has; it ends at the last of them."""
    places = [
        (axis.at, place)
        for axis in axes
        if axis.column.name in line.values
        and (place := axis.place(line.values[axis.column.name])) is not None
    ]
    if not places:
        return ""
    if len(places) == 1:  # a dash, for one point has no line
        return f"M{places[0][0] - 4:.1f} {places[0][1]:.1f}h8"
    return "M" + "L".join(f"{at:.1f} {place:.1f}" for at, place in places)


def _drawn(axis: _Axis) -> Iterator[str]:
    yield f'<path class="axis" d="M{axis.at:.1f} {axis.top:.1f}V{axis.bottom:.1f}"/>'
    label = axis.column.label
    short = label if len(label) <= LETTERS else f"…{label[1 - LETTERS :]}"
    name = "" if axis.column.name == _SCORE else f"<title>{_text(axis.column.name)}</title>"
    yield (
        f'<text class="name" x="{axis.at:.1f}" y="{axis.top - 12:.1f}" text-anchor="middle">{name}'
        f"{_text(short)}</text>"
    )
    for at, text in axis.ticks:
        shown = text if len(text) <= LETTERS - 3 else f"{text[: LETTERS - 4]}…"
        yield f'<path class="tick" d="M{axis.at - 3:.1f} {at:.1f}h6"/>'
        yield (
            f'<text x="{axis.at - 7:.1f}" y="{at + 4:.1f}" text-anchor="end" class="value">'
            f"{_text(shown)}</text>"
        )


def _text(text: str) -> str:
    return html.escape(one_line(text))


def _words(columns: Sequence[Column], count: int) -> str:
    named = ", ".join(column.label for column in columns)
    return f"{count} trials as lines through {named}; the darker the line, the better the score."
