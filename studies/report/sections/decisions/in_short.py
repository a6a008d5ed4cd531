"""The report on one screen: what mattered, what it gained, what to try next, and how sure that is."""

from collections.abc import Sequence

from studies.analysis.shares.enough_trials import need_of_domain
from studies.analysis.words import FEW, MUCH, interval
from studies.report.parts import Part, Table
from studies.report.section import Material
from studies.report.sections.decisions.gained import measured_in_words

TITLE, PLACE = "In short", 5
MOST_NAMED = 3
MOST_CHANGES = 2


def parts(material: Material) -> Sequence[Part]:
    """Show a row for each of the four questions that can be answered."""
    rows = [
        ("What mattered", _mattered(material)),
        ("What it gained", _gained(material)),
        ("What to try next", _next(material)),
        ("How sure", _sure(material)),
    ]
    return [Table(("", ""), [row for row in rows if row[1]], (False, False))]


def _mattered(material: Material) -> str:
    if material.analysed is None:
        return ""
    analysis, views = material.analysed
    if not analysis.importance.evidence.has_structure:
        return "Nothing that the trials tell from chance."
    ranked = [(each.names[0], each.total) for each in analysis.importance.main if each.total is not None]
    named = [f"{name} {interval(total)}" for name, total in ranked if total.share >= MUCH][:MOST_NAMED]
    idle = ", ".join(views.idle[:FEW]) + (" and others" if len(views.idle) > FEW else "")
    said = f"{', '.join(named)} of the variance of {analysis.what}, interactions included." if named else ""
    return f"{said} {f'{idle} can be left alone.' if idle else ''}".strip() or (
        f"No parameter explains {MUCH:.0%} of the variance of {analysis.what}."
    )


def _gained(material: Material) -> str:
    worth = None if material.analysed is None else material.analysed[1].worth
    if worth is not None and worth.gain.low > 0:
        return " ".join(worth.in_words())
    told = " ".join(measured_in_words(material.subject))
    return told if worth is None else f"{told} {worth.in_words()[0]}"


def _next(material: Material) -> str:
    said = []
    if material.analysed is not None:
        analysis = material.analysed[0]
        trials = analysis.importance.evidence.trials
        if missing := need_of_domain(analysis.table.domain).in_words(trials):
            said.append(f"More trials: {missing}")
    proposal = material.proposal
    if proposal is not None and material.analysed is not None and proposal.is_different:
        said += proposal.changes[:MOST_CHANGES]
        said.append(f"The file {proposal.name}.yaml, below, does all that can be written in a file.")
    if not said and material.analysed is not None and material.subject.definition is not None:
        said.append(
            "Nothing: the trials gave no reason to change a range, to fix a parameter or to add trials."
        )
    return " ".join(said)


def _sure(material: Material) -> str:
    if material.analysed is None:
        return material.found.reason
    evidence = material.analysed[0].importance.evidence
    if not evidence.has_structure:
        return f"{evidence.trials} trials, and no structure in them, so nothing is ranked."
    others = [doubt for doubt in evidence.doubts if not doubt.startswith("The surrogate predicts only")]
    doubts = others[0] if others else "" if evidence.doubts else "No doubt was found in the trials."
    return (
        f"Confidence {evidence.confidence}. On trials that it has not seen the surrogate predicts "
        f"{max(evidence.cv_r2, 0):.0%} of the variance. {doubts}"
    ).rstrip()
