"""How sharp the training loss is around the weights of the winner and its rivals."""

from collections.abc import Sequence

import plotly.graph_objects as go

from studies.report.drawing.figures import style
from studies.report.parts import Figure, Grid, Part, Table, Words
from studies.report.section import Material
from studies.report.sharpness import CAVEAT, Sharpness, in_words

TITLE, PLACE = "Flat or sharp?", 55


def parts(material: Material) -> Sequence[Part]:
    """Show a row and a small picture for each of the best trials whose weights were looked at."""
    measured = material.subject.sharpness
    if not measured:
        return []
    rows = [
        (
            str(contender.original.number),
            f"{found.loss:.3g}",
            f"{found.eigenvalue:.3g}",
            f"{found.trace:.3g} ({found.trace_error:.1g})",
            f"{found.adaptive:.3g}",
        )
        for contender, found in measured
    ]
    first = measured[0][1]
    heads = (
        "trial",
        "training loss",
        "largest eigenvalue",
        "trace (standard error)",
        f"adaptive sharpness, radius {first.radius:g}",
    )
    pictures = [
        Figure(_picture(found), f"Trial {contender.original.number}") for contender, found in measured
    ]
    return [
        *(Words(said) for said in in_words(measured)),
        Table(heads, rows, (True,) * len(heads)),
        Grid(pictures),
        Words(
            "Eigenvalue and trace are those of the Hessian of the training loss over "
            f"{first.samples:,} samples, without dropout. Each picture shows that loss along the direction "
            f"of the largest eigenvalue. {CAVEAT}",
            is_note=True,
        ),
    ]


def _picture(found: Sharpness) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[100 * place for place, _ in found.along],
        y=[loss for _, loss in found.along],
        mode="lines",
        line={"color": "#1f5aa6"},
    )
    figure.add_scatter(
        x=[0.0], y=[found.loss], mode="markers", marker={"color": "#111", "symbol": "star", "size": 11}
    )
    style(figure, "moved by (% of the length of the weights)", height=230)
    figure.update_layout(showlegend=False)
    figure.update_yaxes(title="training loss")
    return figure
