"""Every trial's score, in the order of the trials."""

from collections.abc import Sequence

from studies.report.drawing.figures import progress_figure
from studies.report.parts import Figure, Part, Words
from studies.report.section import Material

TITLE, PLACE = "Progress", 80


def parts(material: Material) -> Sequence[Part]:
    """Show the scores and the best so far."""
    history = None if material.found.views is None else material.found.views.history
    note = (
        "A pruned trial stands at its last score. What is worse than the axis shows stands on its edge, "
        "as do diverged trials without a score."
    )
    figure = progress_figure(material.subject.trials, material.axis, history)
    return [Words(note, is_note=True), Figure(figure)]
