"""What each parameter explains."""

from collections.abc import Sequence

from studies.report.bars import bar_of_row, shown_rows
from studies.report.parts import Bars, Part, Words
from studies.report.section import Material
from studies.report.sections.verdict import basis

TITLE, PLACE = "What mattered", 30


def parts(material: Material) -> Sequence[Part]:
    """Show a bar for each parameter that is worth one."""
    if material.analysed is None:
        return []
    analysis, _ = material.analysed
    rows = shown_rows(analysis.importance)
    if not rows:
        return []
    left = len(analysis.importance.main) - len(rows)
    out = ""
    if left:
        count = "1 parameter that explains" if left == 1 else f"{left} parameters that explain"
        out = (
            f" {count} less than half a percent {'is' if left == 1 else 'are'} left out; "
            f"`tuner importance {material.subject.name} --json` has all."
        )
    note = (
        "What explains most with all its interactions (the diamond) comes first, and under a choice the "
        "parameters of its branches. The bar is what a parameter explains alone, the whisker its 90% "
        "interval; for a parameter of a branch that includes the pairs with the choices it belongs to."
        f"{out} {basis(analysis)}"
    )
    caption = f"Each parameter: share of the variance of {analysis.what} (%)"
    return [Bars(caption, [bar_of_row(row) for row in rows]), Words(note, is_note=True)]
