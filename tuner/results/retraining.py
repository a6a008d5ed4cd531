"""The winner of a study trained again: where its data are told to hand out all rows, and its weights."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.ledger.ledger import Ledger
from studies.ledger.status import status_of
from studies.running.confirmation import Recommendation, chosen
from studies.running.retraining import retrained
from studies.trials.outcomes import in_words
from studies.trials.record import TrialRecord
from tuner.errors import Refused
from tuner.training.configuration.class_paths import import_maker
from tuner.workers.places import folder_name
from tuner.workers.weights import Weights, place_of

ALL = "train_on_all"  # the argument of a data module that hands out the rows of all parts in training


@dataclass(frozen=True)
class Kept:
    """Weights that are there: of which trial of which study, and their file."""

    ledger: Ledger
    trial: TrialRecord
    file: Path


def on_all_data(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Give LightningCLI's sections with data that hand out all rows in training.

    Raises:
        Refused: the data do not take the argument that asks for them.
    """
    section = fixed.get("data")
    section = {"class_path": section} if isinstance(section, str) else section
    path = (section or {}).get("class_path")
    taken = inspect.signature(import_maker(path, "data.class_path")).parameters if path else {}
    if section is None or ALL not in taken:
        raise Refused(
            f"--all-data: {path or 'the module, which has its own loaders,'} takes no argument `{ALL}`; give "
            f"the data module `{ALL}: bool = False`, and let train_dataloader hand out all rows where it is "
            "true."
        )
    return {**fixed, "data": {**section, "init_args": {**(section.get("init_args") or {}), ALL: True}}}


def kept_weights(ledger: Ledger, output: Path) -> list[Kept]:
    """Find the weights of a study's winner: those trained again, else those of the recommended trial.

    Those of an older winner count no more.

    Args:
        ledger: the study.
        output: the folder in which studies have theirs.

    Raises:
        Refused: the study has no completed trial, or the weights are not here.
    """
    choice = chosen(ledger)
    if choice is None:
        raise Refused(f"The study {ledger.name!r} has no completed trial yet, so there are no weights.")
    again = retrained(ledger.database, ledger.name)
    if again is not None and _trains(again, choice) and again.over() and (best := again.ranked()):
        return [_kept(again, trial, output) for trial in best]
    return [_kept(choice.ledger, choice.trial, output)]


def retrained_weights(again: Ledger, output: Path) -> list[Kept]:
    """Find the weights of a winner's trainings, by score.

    Args:
        again: the study that trains it again.
        output: the folder in which studies have theirs.

    Raises:
        Refused: no training has a score, or the weights are not here.
    """
    if not (best := again.ranked()):
        raise Refused(
            f"No training of {again.name!r} has a score, so there are no weights: "
            f"{in_words(status_of(again).trials)}; `tuner trial {again.name} 0` shows how the first one went."
        )
    return [_kept(again, trial, output) for trial in best]


def passed_over(ledger: Ledger) -> str:
    """Say that the winner that was trained again is none any more; "" where it still is, or none was."""
    again, choice = retrained(ledger.database, ledger.name), chosen(ledger)
    if again is None or choice is None or _trains(again, choice):
        return ""
    older = again.definition.candidates[0]["trial"]
    return (
        f"{again.name!r} trains an older winner, trial {older}, and is passed over, since the best is trial "
        f"{choice.original.number} now; `tuner retrain {ledger.name}` trains that."
    )


def _trains(again: Ledger, choice: Recommendation) -> bool:
    """Say whether a retraining is of the configuration that the study recommends now."""
    return bool(again.definition.candidates[0]["values"] == dict(choice.original.values))


def _kept(ledger: Ledger, trial: TrialRecord, output: Path) -> Kept:
    file = Weights(ledger, output.absolute() / folder_name(ledger.name)).of(trial)
    if file is None:
        place = place_of(trial)
        there = f"they were kept at {place}; bring them, or name" if place else "none were kept there; name"
        raise Refused(
            f"The weights of trial {trial.number} of {ledger.name!r} are not in {output}: {there} the folder "
            "of the results by --output."
        )
    return Kept(ledger, trial, file)
