"""Scales of a figure: from values of an axis to places on the page, and where its ticks stand."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from studies.report.drawing.axes import LARGEST, log_ticks

MARGIN = 0.04  # of the range, on both sides of values whose axis names no range
MOST_TICKS = 6


@dataclass(frozen=True)
class Scale:
    """One axis: `low` and `high` are numbers on its scale (logs on a logarithmic one), at `first` and `last`.

    `categories` are the options of an axis without numbers, which stand at 0, 1 and so on.
    """

    low: float
    high: float
    first: float
    last: float
    categories: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    title: str
    is_log: bool = False

    def place(self, value: Any) -> float:
        """Give the place of a value; NaN for one that has none."""
        at = self.number(value)
        return self.first + (at - self.low) / (self.high - self.low) * (self.last - self.first)

    def number(self, value: Any) -> float:
        """Put a value on the scale."""
        if self.categories:
            text = str(value)
            return float(self.categories.index(text)) if text in self.categories else math.nan
        if value is None:
            return math.nan
        number = float(value)
        if not self.is_log:
            return number
        return math.log10(number) if number > 0 else math.nan


def scale_of(axis: Any, values: Iterable[Any], first: float, last: float) -> Scale:
    """Make the scale of an axis of plotly's layout.

    Args:
        axis: of the layout.
        values: all that are shown along it.
        first: where its lower end stands on the page, in pixels.
        last: where its upper end stands.
    """
    given = list(values)
    title = axis.title.text or ""
    known = list(dict.fromkeys(str(value) for value in given if value is not None))
    is_category = axis.type == "category" or any(isinstance(value, str) for value in given)
    if is_category:
        array = [] if axis.categoryarray is None else [str(value) for value in axis.categoryarray]
        options = tuple(array or known)
        ticks = tuple((float(place), option) for place, option in enumerate(options))
        return Scale(-0.5, max(len(options), 1) - 0.5, first, last, options, ticks, title)
    is_log = axis.type == "log"
    numbers = [float(value) for value in given if value is not None and abs(float(value)) < LARGEST]
    shown = np.log10([number for number in numbers if number > 0]) if is_log else np.array(numbers)
    if axis.range is not None:
        low, high = map(float, axis.range)
    elif len(shown):
        spread = float(np.ptp(shown)) or max(abs(float(shown[0])), 1.0) * 0.1
        low, high = float(shown.min()) - MARGIN * spread, float(shown.max()) + MARGIN * spread
    else:
        low, high = 0.0, 1.0
    if not low < high:  # a margin around a large number may be less than its last digit
        low, high = low - MARGIN * max(abs(low), 1.0), high + MARGIN * max(abs(high), 1.0)
    return Scale(low, high, first, last, (), _ticks(axis, low, high, is_log=is_log), title, is_log=is_log)


def _ticks(axis: Any, low: float, high: float, *, is_log: bool) -> tuple[tuple[float, str], ...]:
    if axis.tickvals is not None:
        texts = axis.ticktext if axis.ticktext is not None else [f"{value:g}" for value in axis.tickvals]
        places = [math.log10(value) if is_log else float(value) for value in axis.tickvals]
        return tuple((at, str(text)) for at, text in zip(places, texts, strict=True) if low <= at <= high)
    if is_log:
        return tuple((math.log10(tick), f"{tick:g}") for tick in log_ticks(10**low, 10**high))
    return tuple((tick, f"{tick:.6g}") for tick in round_ticks(low, high))


def round_ticks(low: float, high: float) -> list[float]:
    """Place ticks at multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / MOST_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    first = math.ceil(low / step)
    return [round(step * (first + i), 12) for i in range(math.floor(high / step) - first + 1)]


def values_along(figure: go.Figure, letter: str) -> Sequence[Any]:
    """List all values of a figure's traces along one axis, with the ends of their intervals."""
    found: list[Any] = []
    for trace in figure.data:
        values = [] if trace[letter] is None else list(trace[letter])
        found += values
        error = getattr(trace, "error_y", None)
        if letter == "y" and error is not None and error.array is not None:
            less = error.array if error.arrayminus is None else error.arrayminus
            pairs = zip(values, error.array, less, strict=True)
            found += [
                end
                for value, up, down in pairs
                if not isinstance(value, str)
                for end in (value + up, value - down)
            ]
    return found
