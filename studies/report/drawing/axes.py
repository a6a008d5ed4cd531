"""Axes of figures: which scale and which range show the trials that matter, and where the ticks stand."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

_LOG_SPREAD = 10.0  # largest over smallest value from which a score is shown on a log scale
_FENCE = 1.5  # interquartile ranges beyond the quartile: Tukey's fence
_MARGIN = 0.05  # of the range, on both sides
_MOST_TICKS = 5
LARGEST = 1e100  # of the numbers that decide a range: differences of larger ones are no numbers any more


@dataclass(frozen=True)
class ScoreAxis:
    """The axis of a score, from `low` to `high`.

    A few trials that went far wrong would squeeze all others together, so the axis ends at a fence on the
    worse side, and what lies beyond stands on it.
    """

    name: str
    low: float
    high: float
    log: bool
    minimizes: bool

    @property
    def worst(self) -> float:
        """The end on the worse side, where trials without any score stand."""
        return self.high if self.minimizes else self.low

    def place(self, score: float | None) -> float:
        """Give the place of a score on the axis."""
        if score is None or math.isnan(score):
            return self.worst
        return min(max(score, self.low), self.high)

    def apply(self, figure: go.Figure) -> None:
        """Give a figure this axis."""
        text = plain(self.name)
        if not self.log:
            margin = _MARGIN * (self.high - self.low) or 0.5
            figure.update_yaxes(title=text, range=[self.low - margin, self.high + margin])
            return
        low, high = math.log10(self.low), math.log10(self.high)
        margin = _MARGIN * (high - low)
        figure.update_yaxes(title=f"{text} (log scale)", type="log", range=[low - margin, high + margin])
        figure.update_yaxes(
            tickvals=(ticks := log_ticks(self.low, self.high)), ticktext=[f"{t:g}" for t in ticks]
        )


def score_axis(name: str, scores: Sequence[float], *, minimizes: bool) -> ScoreAxis:
    """Choose the axis of a score.

    Args:
        name: what is scored.
        scores: every score that is to be shown; infinities, NaN and what no axis can hold beside others stand
            at an end.
        minimizes: whether a smaller score is better.
    """
    finite = np.array([score for score in scores if abs(score) < LARGEST])
    if finite.size == 0:
        return ScoreAxis(name, 0.0, 1.0, log=False, minimizes=minimizes)
    log = bool(finite.min() > 0 and finite.max() > _LOG_SPREAD * finite.min())
    scaled = np.log10(finite) if log else finite
    first, third = np.quantile(scaled, [0.25, 0.75])
    fence = _FENCE * (third - first)
    low, high = float(scaled.min()), float(scaled.max())
    if fence > 0 and minimizes:
        high = min(high, float(third + fence))
    elif fence > 0:
        low = max(low, float(first - fence))
    if log:
        low, high = 10.0**low, 10.0**high
    return ScoreAxis(name, low, high, log=log, minimizes=minimizes)


def log_ticks(low: float, high: float) -> list[float]:
    """Place ticks on a log axis: powers of ten, over a short range also their doubles and fives."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1.0, 2.0, 5.0) if math.log10(high / low) < 2 else (1.0,)  # noqa: PLR2004 - two decades
    every = max(1, math.ceil((last - first) / _MOST_TICKS)) if len(steps) == 1 else 1
    exponents = range(first, last + 1, every)
    # Built from text: 10.0**-5 is not the number nearest to 1e-5.
    ticks = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    slack = (high / low) ** _MARGIN
    return [tick for tick in ticks if low / slack <= tick <= high * slack]


def plain(text: object) -> str:
    """Write text for a figure, in which the drawing library would take `<b>` for markup."""
    return html.escape(str(text).lower() if isinstance(text, bool) else str(text), quote=False)
