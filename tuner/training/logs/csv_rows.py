"""Rows of Lightning's CSVLogger, which begins its file anew in every fit."""

import csv
from pathlib import Path
from typing import Any

Row = dict[str, str]


def count_rows(logger: Any) -> int:
    """Write what a logger still holds back, and count the rows of its file; 0 where it writes none."""
    logger.save()
    return len(read_rows(logger))


def read_rows(logger: Any) -> list[Row]:
    """Read the rows that stand in a logger's file; none where it has no such file."""
    file = _file(logger)
    if file is None or not file.exists():
        return []
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def put_back(logger: Any, rows: list[Row]) -> None:
    """Log rows of an earlier fit again, before the first of this fit."""
    for row in rows:
        values = {name: _number(text) for name, text in row.items() if text and name != "step"}
        logger.log_metrics(values, step=int(row["step"]))
    if rows:
        logger.save()


def _file(logger: Any) -> Path | None:
    names = {parent.__name__ for parent in type(logger).__mro__}
    return Path(logger.log_dir) / "metrics.csv" if "CSVLogger" in names else None


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdigit() else float(text)
