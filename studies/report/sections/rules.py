"""Rules of thumb of the literature, held against the trials."""

from collections.abc import Sequence

from studies.report.parts import Part, Table, Words
from studies.report.section import Material

TITLE, PLACE = "Rules of thumb, held against these trials", 70


def parts(material: Material) -> Sequence[Part]:
    """Show the rules that the trials decide, and count the others."""
    if material.analysed is None:
        return []
    rules = material.analysed[1].rules
    decided = [rule for rule in rules if rule.verdict != "untested"]
    shown: list[Part] = []
    if undecided := len(rules) - len(decided):
        which = (
            "rule that the space could test is" if undecided == 1 else "rules that the space could test are"
        )
        shown.append(Words(f"{undecided} {which} not decided by these trials."))
    if decided:
        rows = [((rule.rule.statement, rule.rule.source), rule.verdict, rule.why) for rule in decided]
        shown.append(Table(("rule", "verdict", "why"), rows, (False, False, False)))
    return shown
