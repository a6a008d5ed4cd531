"""Whether early stopping would have lost the best trials."""

from collections.abc import Sequence

from studies.analysis.findings.search.early_stopping import Replay, replay_early_stopping
from studies.proposing.optuna_pruner import NO_PRUNING
from studies.report.parts import Part, Words
from studies.report.section import Material
from studies.report.subject import Subject
from studies.trials.outcomes import CUT_SHORT

TITLE, PLACE = "Would early stopping have lost the winner?", 85


def parts(material: Material) -> Sequence[Part]:
    """Show the replay over the curves that are known to their end, where there are enough."""
    subject = material.subject
    found = early_stopping_of(subject)
    if found is None:
        return []
    pruned = sum(trial.outcome in CUT_SHORT for trial in subject.trials)
    note = (
        f"It rests on {found.curves} complete curves of {found.validations} validations, replayed one after "
        "the other in the order of the trials."
    )
    if pruned:
        note += (
            f" The {pruned} trials that were stopped have no complete curve and are left out, so whether one "
            "of them would have won is not known."
        )
    return [Words(found.in_words()), Words(note, is_note=True)]


def early_stopping_of(subject: Subject) -> Replay | None:
    """Replay the trials of a study; None where too few of their curves are whole."""
    # What prunes a study of plain Optuna is not in the database.
    pruner = {"class_path": NO_PRUNING} if subject.definition is None else subject.definition.pruner
    winner = None if subject.best is None else subject.best.number
    return replay_early_stopping(subject.trials, pruner, minimizes=subject.minimizes, winner=winner)
