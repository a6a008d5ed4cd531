"""The figures of a report as files: each as SVG, and its numbers as CSV."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from studies.report.drawing.svg import draw_svg
from studies.report.parts import Bars, Figure, Grid, Heading, Part
from studies.report.section import Material, all_sections, shown

_LONGEST = 60  # characters of a file's name
WIDTH = 640  # pixels
BAR_HEADS = ("name", "share", "low", "high", "total", "total_low", "total_high")


def write_figures(material: Material, folder: Path) -> list[Path]:
    """Write every figure of a report into a folder.

    Args:
        material: what is known of the study.
        folder: is made where it is missing; files of the same names are replaced.

    Returns:
        The files, in the order of the report: an SVG and a CSV file for each figure, a CSV file for bars.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    sections = shown(material, all_sections())
    for number, (name, drawn) in enumerate(named_figures(sections), start=1):
        path = folder / f"{number:02d}-{name}"
        table = path.with_name(f"{path.name}.csv")
        if isinstance(drawn, Bars):
            rows = [
                (row.name, row.share, row.low, row.high, *(row.total or ("", "", ""))) for row in drawn.rows
            ]
            _write(table, BAR_HEADS, rows)
            written.append(table)
            continue
        page = path.with_name(f"{path.name}.svg")
        page.write_text(draw_svg(drawn, WIDTH), encoding="utf-8")
        heads, rows_of_figure = numbers_of(drawn)
        _write(table, heads, rows_of_figure)
        written += [page, table]
    return written


def numbers_of(figure: go.Figure) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Give the numbers that a figure shows, a row for each point or cell.

    Returns:
        The heads and the rows: which curve it belongs to, its place and, for a map, its value.
    """
    rows: list[tuple[Any, ...]] = []
    has_values = any(getattr(trace, "z", None) is not None for trace in figure.data)
    for number, trace in enumerate(figure.data, start=1):
        name = trace.name or f"curve {number}"
        x, y = _plain(trace.x), _plain(trace.y)
        if (z := getattr(trace, "z", None)) is not None:
            values = trace.customdata if trace.customdata is not None else z
            grid = np.asarray(values)
            rows += [(name, x[j], y[i], grid[i][j].item()) for i in range(len(y)) for j in range(len(x))]
            continue
        rows += [(name, at, value, *([""] if has_values else [])) for at, value in zip_longest(x, y)]
    return ("curve", "x", "y", *(["value"] if has_values else [])), rows


def named_figures(
    sections: Iterable[tuple[str, Sequence[Part]]],
) -> Iterator[tuple[str, go.Figure | Bars]]:
    """Give each figure of sections with a name that is fit for a file and for HTML."""
    for title, parts in sections:
        for name, drawn in _drawn(parts):
            text = re.sub(r"[^a-z0-9]+", "-", f"{title} {name}".lower()).strip("-")
            yield text[:_LONGEST].strip("-"), drawn


def _drawn(parts: Sequence[Part]) -> Iterator[tuple[str, go.Figure | Bars]]:
    heading = ""
    for part in parts:
        if isinstance(part, Heading):
            heading = part.text
        elif isinstance(part, Bars):
            yield heading, part
        elif isinstance(part, Figure):
            yield part.title or heading, part.figure
        elif isinstance(part, Grid):
            for one in part.figures:
                yield from _drawn([replace(one, title=f"{heading} {one.title or one.note}")])


def _plain(values: Any) -> list[Any]:
    return [] if values is None else [getattr(value, "item", lambda value=value: value)() for value in values]


def _write(path: Path, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)
