"""The score over each parameter."""

from collections.abc import Sequence

from search_spaces.space.describe import show_conditions
from search_spaces.space.nodes import Float, Int
from search_spaces.space.parameters import Parameter, options
from studies.report.drawing.figures import slice_figure
from studies.report.parts import Figure, Grid, Part, Words
from studies.report.section import Material
from studies.trials.record import TrialRecord

TITLE, PLACE = "Each parameter", 100


def parts(material: Material) -> Sequence[Part]:
    """Show a figure for each parameter that varies."""
    subject = material.subject
    figures = [
        Figure(
            slice_figure(subject.trials, parameter, material.axis, subject.best),
            parameter.name,
            _existence(parameter, subject.trials),
        )
        for parameter in material.nodes.values()
        if _varies(parameter) and any(parameter.name in trial.values for trial in subject.trials)
    ]
    note = (
        "The score of every trial in which the parameter exists; marks as above, the best trial a star. "
        "Trials that a sampler chose gather where it expected good scores, so a dense place is not by "
        "itself a good one."
    )
    return [Words(note, is_note=True), Grid(figures)] if figures else []


def _varies(parameter: Parameter) -> bool:
    node = parameter.node
    return node.low < node.high if isinstance(node, Float | Int) else len(options(node)) > 1


def _existence(parameter: Parameter, trials: Sequence[TrialRecord]) -> str:
    count = sum(parameter.name in trial.values for trial in trials)
    when = f", when {show_conditions(parameter)}" if parameter.conditions else ""
    return f"{count} trial{'s' if count > 1 else ''}{when}"
