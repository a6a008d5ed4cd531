"""What matters among the good configurations, beside what matters over the whole space."""

from collections.abc import Sequence

from studies.analysis.findings.tied import NearBest
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.intervals import Estimate
from studies.analysis.words import interval
from studies.report.bars import LEAST_SHOWN, MOST_BARS
from studies.report.parts import Items, Part, Table, Words
from studies.report.section import Material

TITLE, PLACE = "Near the best", 35


def parts(material: Material) -> Sequence[Part]:
    """Show a row for each parameter that matters near the best or over all, and the choices that are tied."""
    if material.analysed is None or material.analysed[1].near is None:
        return []
    analysis, near = material.analysed[0], material.analysed[1].near
    if unclear := near.unclear:
        return [Words(unclear)]
    rows = rows_of(analysis, near)
    if not rows:
        return []
    heads = ("parameter", "near the best, with interactions", "alone", "over the whole space", "alone")
    note = (
        f"Near the best is the tenth of the space whose {analysis.metric} is best, as far as the trials "
        f"tell. The shares are of the variance of {analysis.what} within that region and within the whole "
        "space, in percent, with 90% intervals. Within the region parameters depend on each other, so "
        "the shares do not add up, and one alone may exceed its share with interactions. Few trials lie "
        "there: on drawn functions whose good region is narrow, five of six intervals held the truth."
    )
    shown: list[Part] = [Table(heads, rows, (False, True, True, True, True)), Words(note, is_note=True)]
    if near.tied:
        shown.append(Items([each.in_words() for each in near.tied]))
    return shown


def rows_of(analysis: StudyAnalysis, near: NearBest) -> list[tuple[str, ...]]:
    """Write the shares near the best beside the global ones, the largest total near the best first."""
    over_all = {effect.names[0]: effect for effect in analysis.importance.main}
    names = sorted(near.region.total, key=lambda name: (-near.region.total[name].share, name))
    rows = []
    for name in names:
        effect, main, total = over_all.get(name), near.region.main[name], near.region.total[name]
        if effect is None or effect.total is None or effect.share is None:
            continue
        if max(total.share, main.share, effect.total.share) < LEAST_SHOWN:
            continue
        alone = Estimate(effect.share, effect.low or 0.0, effect.high or 0.0)
        rows.append((name, *map(interval, (total, main, effect.total, alone))))
    return rows[:MOST_BARS]
