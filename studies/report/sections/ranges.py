"""Ranges at whose ends the best trials lie."""

from collections.abc import Mapping, Sequence

from search_spaces.space.describe import show_value
from search_spaces.space.parameters import Parameter
from studies.analysis.findings.range_ends import Boundary
from studies.report.parts import Items, Part
from studies.report.section import Material

TITLE, PLACE = "Ranges that may be too narrow", 20


def parts(material: Material) -> Sequence[Part]:
    """Show a sentence for each."""
    if material.analysed is None:
        return []
    lines = [_line(boundary, material.nodes) for boundary in material.analysed[1].boundaries]
    return [Items(lines)] if lines else []


def _line(boundary: Boundary, nodes: Mapping[str, Parameter]) -> str:
    node = nodes[boundary.name].node
    low, high = getattr(node, "low", boundary.low), getattr(node, "high", boundary.high)
    end = show_value(low if boundary.at == "low" else high)
    said = (
        f"{boundary.name}: {boundary.crowding:.0%} of the {boundary.trials} best trials, and the best one, "
        f"lie in the outer tenth of its range, at the {boundary.at} end {end}."
    )
    if (boundary.low, boundary.high) == (low, high):
        return f"{said} That end may be a natural limit; widen it by hand if it is not."
    return f"{said} Search {show_value(boundary.low)} to {show_value(boundary.high)} next."
