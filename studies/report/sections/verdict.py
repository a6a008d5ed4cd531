"""What was found, in plain words, and what speaks against trusting it."""

from collections.abc import Sequence

from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.observations.region import in_words
from studies.analysis.words import verdict_in_words
from studies.report.parts import Items, Part, Words
from studies.report.section import Material

TITLE, PLACE = "What was found", 10


def parts(material: Material) -> Sequence[Part]:
    """Show the verdict; where there is no analysis, the reason."""
    if material.analysed is None:
        return [Words(material.found.reason, is_verdict=True)]
    analysis, views = material.analysed
    shown: list[Part] = [Words(said, is_verdict=True) for said in verdict_in_words(analysis, views)]
    shown.append(Words(basis(analysis), is_note=True))
    if warnings := analysis.importance.evidence.warnings:
        points = "1 point" if len(warnings) == 1 else f"{len(warnings)} points"
        shown.append(Items(warnings, f"What speaks against trusting it: {points}"))
    return shown


def basis(analysis: StudyAnalysis) -> str:
    """Write what every share rests on: its evaluator, the trials, the region."""
    evidence, evaluator = analysis.importance.evidence, analysis.importance.evaluator
    region = f"where {in_words(analysis.where)}" if analysis.where else "the whole space"
    return (
        f"{evaluator[0].upper()}{evaluator[1:]} on {evidence.trials} trials, "
        f"{evidence.exploration:.0%} of them quasi-random. Region: {region}, every range on its "
        f"scale. Shares are of the variance of {analysis.what}, with 90% intervals. On trials that it has "
        f"not seen the surrogate has an R2 of {evidence.cv_r2:.2f}; {evidence.unknown:.0%} of the variance "
        "is left open."
    )
