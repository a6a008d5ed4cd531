"""What the search spent and found, by how trials were proposed, and whether it was better than exploring."""

from collections.abc import Sequence

from studies.analysis.findings.search.proposals import BEST, Proposals, proposals_of
from studies.report.parts import Part, Table, Words
from studies.report.section import Material
from studies.report.subject import Subject
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

TITLE, PLACE = "Did the search pay?", 82


def parts(material: Material) -> Sequence[Part]:
    """Show a row for each way in which trials were proposed, and one for repeats."""
    found = searched(material.subject)
    if found is None:
        return []
    whole = max(found.validations, 1)
    rows = [
        (
            row.name,
            str(row.trials),
            str(row.ended),
            f"{row.validations / whole:.0%}",
            "-" if row.best is None else f"{row.best:.5g}",
            str(row.leading),
        )
        for row in found.rows
    ]
    if found.repeats:
        rows.append(
            ("confirming the best on fresh seeds", "-", "-", f"{found.repeats / whole:.0%}", "-", "-")
        )
    heads = (
        "proposed by",
        "trials",
        "ran to their end",
        "of all validations",
        f"best {material.subject.metric}",
        f"among the best {BEST}",
    )
    note = (
        f"A trial that was stopped or paused counts among the best {BEST}, and in pairs, by the end that its "
        "curve leads one to expect. Intervals are 90% ones, over resampled trials."
    )
    return [
        *(Words(said) for said in found.in_words()),
        Table(heads, rows, (False, *(True,) * (len(heads) - 1))),
        Words(note, is_note=True),
    ]


def searched(subject: Subject) -> Proposals | None:
    """Look what the search of a study did; None for one that plain Optuna made, or for a part of a space."""
    if subject.definition is None or subject.where:
        return None
    repeats = sum(
        max(repeat.curve, default=0) for candidate in subject.candidates for repeat in candidate.repeats
    )
    # The first attempt says how a slot's values were proposed, also where it was paused and has gone on.
    known = {record.number for record in subject.trials}
    attempts = [TrialRecord.of(trial) for trial in subject.study.get_trials(deepcopy=False)]
    paused = [one for one in attempts if one.outcome is Outcome.PAUSED and one.number not in known]
    return proposals_of([*paused, *subject.trials], subject.definition.settings, repeats=repeats)
