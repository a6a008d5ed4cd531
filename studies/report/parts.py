"""What a section is made of: values that a page, a terminal or a dashboard can each show in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import plotly.graph_objects as go


@dataclass(frozen=True)
class Words:
    """A paragraph; a `note` explains what stands beside it, a `verdict` is what a reader came for."""

    text: str
    is_note: bool = False
    is_verdict: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences; with a `summary` it can be folded, and a short one is shown open."""

    lines: Sequence[str]
    summary: str = ""


@dataclass(frozen=True)
class Table:
    """A table of texts. `numbers` says of each column whether it holds numbers.

    A cell is a text, or a text and a note below it. The first cell of a row may be broken at its dots, as the
    names of parameters are. With a `summary` the table is folded.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | tuple[str, str]]]
    numbers: Sequence[bool]
    summary: str = ""


@dataclass(frozen=True)
class Bar:
    """A share with its interval, and with its interactions where these are known; all in per cent."""

    name: str
    note: str
    share: float
    low: float
    high: float
    total: tuple[float, float, float] | None = None
    depth: int = 0


@dataclass(frozen=True)
class Bars:
    """Shares, one below the other."""

    caption: str
    rows: Sequence[Bar]


@dataclass(frozen=True)
class Cell:
    """A square of a matrix; `shade` lies between 0 and 1."""

    text: str
    shade: float
    title: str


@dataclass(frozen=True)
class Matrix:
    """The lower half of a matrix of names by names."""

    names: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure, with a title and a note above it."""

    figure: go.Figure
    title: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Grid:
    """Figures side by side; `is_wide` says that each needs half of the page."""

    figures: Sequence[Figure]
    is_wide: bool = False


@dataclass(frozen=True)
class Text:
    """A text as it stands, folded under a `summary`."""

    text: str
    summary: str


@dataclass(frozen=True)
class Download:
    """A button that saves a text as a file."""

    name: str
    text: str


Part: TypeAlias = Words | Heading | Items | Table | Bars | Matrix | Figure | Grid | Text | Download
