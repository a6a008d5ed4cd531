"""The figures of a report as files: none is missing, and each has its numbers."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import optuna
import plotly.graph_objects as go
import pytest

from studies.report.drawing.figure_files import numbers_of, write_figures
from studies.report.investigation import Investigation
from studies.report.section import Material
from studies.report.subject import subject_of_study


@pytest.fixture(scope="module")
def material() -> Material:
    """A study of ten trials of which nothing is known."""
    study = optuna.create_study(study_name="seen", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda trial: trial.suggest_float("a.b", 0.0, 1.0) + trial.suggest_int("c", 1, 3), 10)
    return Material(subject_of_study(study), Investigation(None, None, "too few"))


def test_every_figure_is_a_file_and_has_its_numbers(material: Material, tmp_path: Path) -> None:
    """Each is an SVG that names nothing outside of itself, and the CSV files hold a row for each trial."""
    files = write_figures(material, tmp_path / "figures")
    names = [path.name for path in files]
    assert any("progress" in name and name.endswith(".svg") for name in names)
    assert sum(name.endswith(".svg") for name in names) == sum(name.endswith(".csv") for name in names)
    for path in files:
        assert path.stat().st_size > 0
        if path.suffix == ".svg":
            written = path.read_text(encoding="utf-8")
            root = ET.fromstring(written)  # noqa: S314 - our own text
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert "href" not in written
    (progress,) = [path for path in files if "progress" in path.name and path.suffix == ".csv"]
    with progress.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = {float(row["x"]): float(row["y"]) for row in rows if row["curve"] == "completed"}
    assert shown == pytest.approx({t.number: t.score for t in material.subject.trials})


def test_the_numbers_of_a_map_are_all_of_its_cells() -> None:
    """A cell is its place and its value, row by row."""
    heads, rows = numbers_of(
        go.Figure(go.Contour(x=[1, 2], y=["a", "b"], z=[[0.1, 0.2], [0.3, 0.4]], name="m"))
    )
    assert heads == ("curve", "x", "y", "value")
    assert rows == [("m", 1, "a", 0.1), ("m", 2, "a", 0.2), ("m", 1, "b", 0.3), ("m", 2, "b", 0.4)]
