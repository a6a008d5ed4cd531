"""Figures as SVG: each mark stands where its value does, and text stays text."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest

from studies.report.drawing.axes import score_axis
from studies.report.drawing.figures import MARKS, curves_figure, progress_figure
from studies.report.drawing.plain_figure import PlainFigure
from studies.report.drawing.scales import round_ticks, scale_of
from studies.report.drawing.svg import draw_svg
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

SVG = "{http://www.w3.org/2000/svg}"


def _read(figure: go.Figure) -> ET.Element:
    return ET.fromstring(draw_svg(figure, 640))  # noqa: S314 - our own text


def _ticks(root: ET.Element, anchor: str, coordinate: str) -> dict[str, float]:
    """Give the place of each tick's label along the x axis (`middle`) or the y axis (`end`)."""
    return {
        str(text.text): float(text.attrib[coordinate])
        for text in root.iter(f"{SVG}text")
        if text.attrib.get("text-anchor") == anchor
    }


def test_points_stand_where_the_ticks_say() -> None:
    """On a linear and a logarithmic axis the place of a mark follows from those of two ticks."""
    figure = go.Figure()
    figure.add_scatter(x=[0.0, 2.5, 10.0], y=[1.0, 100.0, 10.0], mode="markers")
    figure.update_yaxes(type="log", tickvals=[1, 10, 100], ticktext=["1", "10", "100"])
    root = _read(figure)
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")]
    x, y = _ticks(root, "middle", "x"), _ticks(root, "end", "y")
    assert [at for at, _ in circles] == pytest.approx(
        [x["0"] + value / 10 * (x["10"] - x["0"]) for value in (0, 2.5, 10)], abs=0.2
    )
    expected = [y["1"] + math.log10(value) / 2 * (y["100"] - y["1"]) for value in (1, 100, 10)]
    assert [at - 0 for _, at in circles] == pytest.approx([each - 4 for each in expected], abs=0.2)


def test_options_have_a_place_each_in_the_given_order() -> None:
    """An option that no trial took keeps its place between the others."""
    figure = go.Figure()
    figure.add_scatter(x=["c", "a"], y=[1, 2], mode="markers")
    figure.update_xaxes(type="category", categoryarray=["a", "b", "c"], range=[-0.5, 2.5])
    root = _read(figure)
    third, first = (float(c.attrib["cx"]) for c in root.iter(f"{SVG}circle"))
    ticks = _ticks(root, "middle", "x")
    assert (first, third) == pytest.approx((ticks["a"], ticks["c"]), abs=0.2)
    assert ticks["b"] == pytest.approx((first + third) / 2, abs=0.2)


def test_the_darkest_cell_of_a_map_is_its_lowest() -> None:
    """Each cell is a rectangle with its value, and the lowest one has the darkest shade."""
    z = np.array([[0.4, 0.1], [0.3, 0.2]])
    root = _read(go.Figure(go.Contour(x=[0, 1], y=[0, 1], z=z, customdata=z)))
    shades = {
        float(str(title.text)): int(cell.attrib["fill"].split("(")[1].split(",")[0])
        for cell in root.iter(f"{SVG}rect")
        if (title := cell.find(f"{SVG}title")) is not None
    }
    assert sorted(shades, key=shades.__getitem__) == [0.1, 0.2, 0.3, 0.4]


def test_text_stays_text() -> None:
    """A name that looks like markup is shown as it is, whether it was escaped for plotly or not."""
    figure = go.Figure()
    figure.add_scatter(x=[1], y=[1], mode="markers", name="&lt;b&gt;", hovertext=["<script>"])
    figure.update_layout(showlegend=True)
    root = _read(figure)
    texts = [str(each.text) for each in root.iter() if each.text]
    assert "<b>" in texts
    assert "<script>" in texts
    assert not list(root.iter(f"{SVG}script"))


def test_no_two_outcomes_have_one_shape_without_colour() -> None:
    """In grey print the marks are told apart by their outlines alone."""
    outlines = {}
    for outcome, (_, symbol) in MARKS.items():
        figure = go.Figure(
            go.Scatter(x=[1], y=[1], mode="markers", marker={"symbol": symbol, "color": "#111"})
        )
        mark = list(_read(figure))[-1]
        outlines[outcome] = mark.tag, mark.attrib.get("points"), mark.attrib.get("d")
    assert len(set(outlines.values())) == len(MARKS) >= 6


def test_nothing_is_drawn_as_something_else() -> None:
    """A kind of trace or a symbol that is not known is an error, not another shape."""
    with pytest.raises(ValueError, match="a figure with bar cannot be drawn as SVG"):
        draw_svg(go.Figure(go.Bar(x=[1], y=[1])), 640)
    with pytest.raises(KeyError, match="hexagon"):
        draw_svg(go.Figure(go.Scatter(x=[1], y=[1], mode="markers", marker={"symbol": "hexagon"})), 640)


def test_a_step_goes_across_first() -> None:
    """The best so far stays until a trial beats it, so its line goes across before it goes down."""
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[5, 3], mode="lines", line={"shape": "hv"}, name="best")
    paths = [path.attrib["d"] for path in _read(figure).iter(f"{SVG}path")]
    assert any(path.startswith("M") and "H" in path and "V" in path.partition("H")[2] for path in paths[2:])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 17.0), (1e-5, 3e-5), (1e6, 1.5e6)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    """Between four and seven ticks, each a multiple of 1, 2 or 5 times a power of ten."""
    ticks = round_ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in ticks)
    step = (ticks[1] - ticks[0]) / 10 ** math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9)
    assert round(step, 6) in {1, 2, 5, 10}


def test_an_axis_of_one_value_has_a_scale() -> None:
    """A single score is a figure, too."""
    scale = scale_of(go.Figure().layout.xaxis, [3.0], 0, 100)
    assert scale.place(3.0) == pytest.approx(50)


@pytest.mark.parametrize("minimizes", [True, False])
@pytest.mark.parametrize("worst", [2.0, 5000.0])  # a linear and a logarithmic axis
def test_a_plain_figure_is_drawn_as_plotlys(*, minimizes: bool, worst: float) -> None:
    """What pages draw without plotly's checks is the same picture, to the last letter."""
    outcomes = [*3 * [Outcome.COMPLETED], Outcome.PRUNED, Outcome.DIVERGED, None]
    trials = [
        TrialRecord(
            number=number,
            slot=number,
            attempt=1,
            values={},
            outcome=outcome,
            score=1.0 + number / 10 if outcome is Outcome.COMPLETED else None,
            curve={step: worst / step for step in range(1, 2 + number)},
        )
        for number, outcome in enumerate(outcomes)
    ]
    axis = score_axis("<b>loss", [1.0, worst], minimizes=minimizes)
    drawn = [
        [
            draw_svg(progress_figure(trials, axis, make=make), 520),
            draw_svg(curves_figure(trials, "<b>loss", trials[2], minimizes=minimizes, make=make), 520),
        ]
        for make in (go.Figure, PlainFigure)
    ]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    "scores", [[1e308, 1e308], [-1e308, 1e308], [1e17, 1e17], [1e-308, 1e-308], [1.0, 1e308]]
)
def test_scores_of_any_size_are_drawn(scores: list[float]) -> None:
    """A score that no axis can hold beside the others hides no figure; no mark stands nowhere."""
    trials = [
        TrialRecord(place, place, 1, {}, Outcome.COMPLETED, score, {1: score})
        for place, score in enumerate(scores)
    ]
    axis = score_axis("loss", scores, minimizes=True)
    root = _read(progress_figure(trials, axis))
    marks = [float(mark.attrib["cy"]) for mark in root.iter(f"{SVG}circle")]
    assert all(math.isfinite(place) for place in marks)
    assert len(marks) >= len(scores)
