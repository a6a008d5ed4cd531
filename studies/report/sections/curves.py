"""The learning curve of every trial."""

from collections.abc import Sequence

from studies.report.drawing.figures import curves_figure
from studies.report.parts import Figure, Part
from studies.report.section import Material

TITLE, PLACE = "Learning curves", 90


def parts(material: Material) -> Sequence[Part]:
    """Show the curves by outcome, the best one on top."""
    subject = material.subject
    figure = curves_figure(subject.trials, subject.metric, subject.best, minimizes=subject.minimizes)
    return [Figure(figure)]
