"""`tuner confirm`: train the best trials again on fresh seeds, and see which of them stays the best."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.options import (
    echo_json,
    examples,
    gpus_option,
    json_option,
    open_study,
    output_option,
    quiet_option,
    storage_option,
    workers_option,
)

if TYPE_CHECKING:
    from studies.ledger.ledger import Ledger
    from studies.running.confirmation import Candidate
    from tuner.api import Manner, Study
    from tuner.workers.gpus import Gpus
    from tuner.workers.processes.interruption import Interruption


@click.command(epilog=examples("tuner confirm digits", "tuner confirm digits --top 3 --seeds 10 --workers 2"))
@click.argument("name")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="K",
    help="Train the K best trials again.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Train each on N fresh seeds; more than before adds the rest.",
)
@workers_option()
@gpus_option
@output_option
@quiet_option
@storage_option
@json_option
def confirm(
    name: str, top: int, seeds: int, workers: int, gpus: str | None, output: Path, quiet: bool,
    storage: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Train the best trials again on fresh seeds.

    NAME is a study of the database. The best of many noisy scores owes part of its rank to luck, so the few
    best are trained on seeds that they have not seen, and ranked by the mean. The repeats are trials of a
    study NAME-confirmed, which other workers may join; `tuner best` then gives the winner.
    """
    from studies.database.open import storage_url
    from studies.running.confirmation import confirmed, confirming
    from tuner.api import Manner, Study
    from tuner.terminal.screen import open_screen
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption

    open_study(storage, name)  # for reading first, which makes no database
    ledger = open_study(storage, name, reading=False)
    study, manner = Study(ledger, storage_url(storage, os.environ)), Manner(workers, gpus, output)
    with Interruption() as interruption:
        repeat_best(study, top, seeds, manner, interruption, quiet=quiet or as_json)
    candidates = confirmed(ledger)
    if as_json:
        echo_json(
            {"name": name, "metric": study.metric, "top": top, "seeds": seeds}
            | {"candidates": [describe_candidate(candidate) for candidate in candidates]}
        )
    elif candidates:
        print_candidates(ledger, candidates)
    else:
        repeating = confirming(ledger.database, name)
        budget = None if repeating is None else repeating.slots.budget()
        done = "" if budget is None else f": {budget.done} of {budget.total} slots are spent"
        open_screen().print(f"Not all repeats have ended{done}; the same command goes on.")
    return INTERRUPTED if interruption.by_signal else 0


def repeat_best(
    study: "Study", top: int, seeds: int, manner: "Manner", interruption: "Interruption", *, quiet: bool,
    gpus: "Gpus | None" = None,
) -> None:  # fmt: skip
    """Train the best trials of a study again, as far as they have not been, or until interrupted.

    `gpus` are what the caller holds; without them those that `manner` names are taken.
    """
    from tuner.terminal.live_view import view_for
    from tuner.terminal.screen import open_screen
    from tuner.workers.code.here import refuse_elsewhere

    refuse_elsewhere(study.name, study.ledger.definition)
    repeating = study.repeating(top, seeds)
    if not quiet and repeating.ledger.slots.budget().open:
        open_screen().print(f"Training the best {top} again, on {seeds} fresh seeds each.")
    with view_for(repeating.ledger, interruption.stop, quiet=quiet, workers=manner.workers) as view:
        repeating.work(manner, view, interruption.stop, gpus)


def describe_candidate(candidate: "Candidate") -> dict[str, Any]:
    """Give a candidate as plain data."""
    return {
        "number": candidate.trial.number,
        "value": candidate.trial.score,
        "mean": candidate.mean,
        "deviation": candidate.deviation,
        "scores": list(candidate.scores),
        "params": candidate.trial.values,
    }


def print_candidates(ledger: "Ledger", candidates: list["Candidate"]) -> None:
    """Print the best trials by their mean on fresh seeds, beside the score that each had in the study."""
    from tuner.terminal.screen import open_screen, print_table

    metric, seeds = ledger.definition.settings.metric, len(candidates[0].scores)
    rows = [
        (
            str(candidate.trial.number),
            f"{candidate.trial.score:.5g}",
            f"{candidate.mean:.5g}",
            "-" if candidate.deviation is None else f"{candidate.deviation:.2g}",
        )
        for candidate in candidates
    ]
    heads = ("trial", f"{metric} in the study", f"mean of {seeds} fresh seeds", "standard deviation")
    print_table(open_screen(), heads, rows)
