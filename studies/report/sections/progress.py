"""Every trial's score, in the order of the trials."""

from collections.abc import Sequence

from studies.report.drawing.figures import progress_figure
from studies.report.parts import Figure, Part, Words
from studies.report.section import Material

TITLE, PLACE = "Progress", 80


def parts(material: Material) -> Sequence[Part]:
    """Show the scores and the best so far."""
    subject, views = material.subject, material.found.views
    # Reordered studies know nothing of limits.
    is_limited = any(trial.broken for trial in subject.trials)
    history = None if views is None or is_limited else views.history
    note = (
        "A pruned trial stands at its last score. What is worse than the axis shows stands on its edge, "
        "as do diverged trials without a score."
    )
    figure = progress_figure(subject.trials, material.axis, history)
    return [Words(note, is_note=True), Figure(figure)]
