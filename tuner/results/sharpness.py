"""Measuring how sharp the training loss is around the weights of trials, each in a process of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studies.proposing.seeds import training_seed
from studies.report.sharpness import Contender, Sharpness, contenders
from studies.trials.trained import trained
from tuner.errors import Refused
from tuner.workers.places import folder_name
from tuner.workers.weights import Weights, place_of

if TYPE_CHECKING:
    from studies.ledger.ledger import Ledger

MOST_RIVALS = 2
LONGEST = 120.0  # seconds that the measuring of one trial may take at the end of a study
LOG = "sharpness.log"


def measure_contenders(
    ledger: "Ledger", folder: Path, *, gpus: str | None = None, limit: float = LONGEST
) -> Iterator[str]:
    """Measure the winner and its rivals, as far as their weights lie here and nothing was measured before.

    What is measured is kept with the study.

    Args:
        ledger: the study.
        folder: where its results lie.
        gpus: those that it may see; None lets it see all.
        limit: seconds for each.

    Yields: why one could not be measured, in a sentence.
    """
    for contender in contenders(ledger)[: 1 + MOST_RIVALS]:
        weights = _weights_of(contender, folder)
        if weights is None or contender.sharpness() is not None:
            continue
        try:
            contender.keep(_measured(contender, weights, folder, limit, gpus))
        except Refused as error:
            yield str(error)


def sharpness_of_trial(ledger: "Ledger", trial: int, folder: Path) -> Sharpness:
    """Measure one trial of a study, or give what was measured before.

    Raises:
        Refused: its weights were not kept or lie elsewhere, or nothing can be measured around them.
        UnknownTrial: the study has no such trial.
    """
    known = {contender.original.number: contender for contender in contenders(ledger)}
    record = next((each for each in ledger.records() if each.number == trial), None)
    if record is None:
        ledger.trial(trial)  # says which there are
        raise Refused(f"The study {ledger.name!r} has no trial {trial}.")
    own = Contender(record, ledger, record)
    for contender in filter(None, (own, known.get(trial))):
        weights = _weights_of(contender, folder)
        told = contender.sharpness()
        if told is not None:
            return told
        if weights is not None:
            found = _measured(contender, weights, folder)
            contender.keep(found)
            return found
    with_weights = sorted(number for number, each in known.items() if _weights_of(each, folder) is not None)
    kept = f"; its weights were kept at {place}" if (place := place_of(record)) else ""
    there = f"here trial {', '.join(map(str, with_weights))}" if with_weights else "here there are none"
    raise Refused(
        f"The weights of trial {trial} of {ledger.name!r} are not below {folder.parent}{kept}: only weights "
        f"of the best are kept ({there}), so its sharpness cannot be measured."
    )


def _weights_of(contender: Contender, folder: Path) -> Path | None:
    of_study = folder.parent / folder_name(contender.ledger.name)
    return Weights(contender.ledger, of_study).of(contender.trained)


def _measured(
    contender: Contender, weights: Path, folder: Path, limit: float | None = None, gpus: str | None = None
) -> Sharpness:
    from tuner.training.assignment import Assignment
    from tuner.training.messages import Measured
    from tuner.workers.desk import objective_of
    from tuner.workers.processes import executor

    definition, trial = contender.ledger.definition, contender.trained
    folder.mkdir(parents=True, exist_ok=True)
    assignment = Assignment(
        trained(definition, trial),
        seed=training_seed(definition, trial.slot or 0, trial.last_training),
        objective=objective_of(definition),
        threads=definition.settings.threads,
        log=folder / LOG,
        gpus=gpus,
    )
    ended = executor.measure(replace(assignment, limit=limit), weights)
    if not isinstance(ended, Measured):
        cause = getattr(ended, "cause", "it ended otherwise").removeprefix("NoLoss: ")
        raise Refused(f"The sharpness of trial {contender.original.number} cannot be measured: {cause}.")
    found = Sharpness.from_data(ended.found)
    assert found is not None  # written by this version
    return found
