"""Other scales of the score, and other evaluators, beside ours."""

from collections.abc import Sequence

from studies.report.bars import shown_rows
from studies.report.parts import Part, Table, Words
from studies.report.section import Material

TITLE, PLACE = "Other scales, other evaluators", 110
_ABSENT = "-"


def parts(material: Material) -> Sequence[Part]:
    """Show the share of each parameter alone, as each of them gives it."""
    if material.analysed is None:
        return []
    analysis, _ = material.analysed
    heads = ["parameter", f"ours, {analysis.scale}", *(f"ours, {scale}" for scale in analysis.by_scale)]
    heads += analysis.elsewhere
    rows = []
    for row in shown_rows(analysis.importance):
        name = row.effect.names[0]
        others = [shares.get((name,)) for shares in analysis.by_scale.values()]
        theirs = [values.get(name) for values in analysis.elsewhere.values()]
        numbers = [row.effect.share, *others, *theirs]
        rows.append([name, *(_ABSENT if number is None else f"{number:.2f}" for number in numbers)])
    if not rows:
        return []
    note = (
        "Shares of one parameter alone. Ours are measured on the score itself, its log and its rank. "
        "Optuna's fANOVA takes ranges on a linear scale and leaves out parameters that some trials lack; "
        "PED-ANOVA compares the best trials with all, one parameter at a time."
    )
    return [Table(heads, rows, [False, *([True] * (len(heads) - 1))]), Words(note, is_note=True)]
