"""`tuner run`: make or resume a study, and work until its budget is spent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import (
    GRACE,
    checkpoints_option,
    examples,
    gpus_option,
    grace_option,
    name_option,
    open_database,
    open_study,
    output_option,
    quiet_option,
    rehearsal_option,
    set_option,
    sharpness_option,
    storage_option,
    timeout_option,
    trials_option,
    workers_option,
)

if TYPE_CHECKING:
    from studies.ledger.ledger import Ledger
    from tuner.api import Study
    from tuner.preparation.question import Question
    from tuner.terminal.next_steps import Request
    from tuner.workers.gpus import Gpus
    from tuner.workers.processes.interruption import Interruption


@click.command(
    epilog=examples(
        "tuner run digits",
        "tuner run digits --name short --set trainer.max_epochs=5 --trials 12",
        "tuner run my_study.yaml --timeout 3600",
    )
)
@click.argument("study")
@trials_option
@timeout_option
@name_option
@set_option
@workers_option(" With one, the same file and seed give the same trials.")
@gpus_option
@output_option
@checkpoints_option
@grace_option
@rehearsal_option
@sharpness_option
@quiet_option
@storage_option
def run(
    study: str, trials: int | None, timeout: float | None, name: str | None, overrides: tuple[str, ...],
    workers: int, gpus: str | None, output: Path, checkpoints: str | None, grace: float, no_rehearsal: bool,
    no_sharpness: bool, quiet: bool, storage: str | None,
) -> int:  # fmt: skip
    """Make or resume a study and work through its trials.

    STUDY is a YAML file, else a shipped study, else a study of the database. Ctrl-C ends a run cleanly, and
    the same command resumes it.
    """
    from studies.definition.study_file import overrides_of
    from tuner.preparation.first_look import look_at
    from tuner.terminal.screen import busy, open_screen
    from tuner.workers.places import refuse_unreachable, refuse_unwritable
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption, ending_at_once

    refuse_unwritable(output)
    refuse_unreachable(checkpoints)
    changes = overrides_of(overrides, name, trials)
    look_at(study, changes, storage)
    with busy("loading PyTorch and the study", shown=not quiet):
        from tuner.preparation.question import read_question
        from tuner.terminal.next_steps import Request
        from tuner.workers.processes.working_directory import unmoved

        words = _words(
            workers=None if workers == 1 else str(workers),
            gpus=gpus,
            checkpoints=checkpoints,
            grace=None if grace == GRACE else f"{grace:g}",
        ) + (("--no-sharpness",) if no_sharpness else ())
        request = Request(study, name, overrides, trials, output, storage, words)
        with unmoved():
            question = read_question(study, changes, workers=workers)

        from tuner.api import Manner
        from tuner.commands.confirm import repeat_best
        from tuner.results.summary import conclude
        from tuner.terminal.live_view import view_for
        from tuner.workers.gpus import wanted
        from tuner.workers.places import results_folder

    manner = Manner(workers, gpus, output, checkpoints, grace)
    with wanted(gpus) as held:  # from the rehearsal to the test of the best
        with Interruption(timeout) as interruption:
            with busy("training a few steps", shown=not quiet):
                opened = open_question(request, question, interruption, held, rehearses=not no_rehearsal)
                ledger = opened.ledger
                folder = results_folder(output, ledger.name)
            for sentence in remarks(ledger, trials):
                open_screen().print(sentence)
            with (
                told_at_once(ledger, request),
                view_for(ledger, interruption.stop, quiet=quiet, workers=workers) as view,
            ):
                opened.work(manner, view, interruption.stop, held)
            settings = ledger.definition.settings if question is None else question.definition.settings
            if settings.confirm and not interruption.is_over and opened.is_spent:
                top, seeds = settings.confirm, settings.confirm_seeds
                repeat_best(opened, top, seeds, manner, interruption, quiet=quiet, gpus=held)
        with ending_at_once(interrupted(ledger, request)):
            has_best = conclude(
                ledger,
                folder,
                request,
                quiet=quiet,
                is_leaving=interruption.by_signal,
                sharpness=not no_sharpness,
                gpus=held,
            )
    if interruption.by_signal:
        return INTERRUPTED
    return 0 if has_best else 1


def interrupted(ledger: "Ledger", request: "Request") -> str:
    """Say what is done and what is missing of a study, and how it goes on."""
    budget = ledger.slots.budget()
    missing = budget.total - budget.done
    lacks = f"{missing} are missing" if missing else "the results are not all written"
    return f"Interrupted: {budget.done} of {budget.total} slots are spent, {lacks}; go on: {request.again()}"


@contextmanager
def told_at_once(ledger: "Ledger", request: "Request") -> "Iterator[None]":
    """Have an end at once say what is done and what is missing, if the database answers soon."""
    from tuner.workers.processes.interruption import ENDING, EndedAtOnce, within

    try:
        yield
    except EndedAtOnce as error:
        sentence = within(ENDING, lambda: interrupted(ledger, request))
        raise (EndedAtOnce(sentence) if sentence else error) from None


def _words(**options: str | None) -> tuple[str, ...]:
    """Write the options that were given as words of the command line."""
    given = {name: value for name, value in options.items() if value is not None}
    return tuple(word for name, value in given.items() for word in (f"--{name}", value))


def open_question(
    request: "Request", question: "Question | None", interruption: "Interruption",
    gpus: "Gpus | None" = None, *, rehearses: bool = True,
) -> "Study":  # fmt: skip
    """Make the study, once it has been rehearsed, or open the one that is there.

    Raises:
        EndedAtOnce: a signal came during the rehearsal; there is no study.
    """
    from studies.database.open import storage_url
    from studies.ledger.opening import is_known
    from tuner.api import Study
    from tuner.workers.processes.interruption import EndedAtOnce

    url = storage_url(request.storage, os.environ)
    if question is None:
        return _resume(request, url, interruption)
    database = open_database(request.storage, reading=False)
    seen = question.rehearse(database, interruption.stop, gpus) if rehearses else None
    if rehearses and seen is None and interruption.by_signal:
        raise EndedAtOnce
    if not is_known(database, question.definition.settings.name):
        for remark in question.remarks(seen):
            click.echo(remark, err=True)
    return Study(question.make(database), url)


def _resume(request: "Request", url: str, interruption: "Interruption") -> "Study":
    """Open a study of the database by its name."""
    from tuner.api import Study
    from tuner.errors import Refused
    from tuner.workers.code.imports import deadly
    from tuner.workers.worker import warm_up_for

    if request.overrides or request.name:
        raise Refused(
            f"{request.study} is a study of the database, whose definition stays; "
            f"--set and --name need its file."
        )
    ledger = open_study(request.storage, request.study, reading=False)
    if reason := deadly(ledger.definition, interruption.stop, lambda: warm_up_for(ledger.definition)):
        raise Refused(f"The study {request.study!r} cannot be worked on here: {reason}.")
    study = Study(ledger, url)
    study.reopen(request.trials)
    return study


def remarks(ledger: "Ledger", trials: int | None) -> Iterator[str]:
    """Say what the number of slots means for what was asked."""
    from tuner.workers.code.named import changed_code

    budget, limit = ledger.slots.budget(), ledger.slots.control.spent().limit
    if changed := changed_code(ledger):
        yield f"{', '.join(changed)} changed since {ledger.name} was made: its scores may not compare."
    if limit is not None:
        yield f"The {limit} of {ledger.name} are spent; raise the limit in its file, or by --set."
    if trials is not None and trials < budget.total:
        yield f"{ledger.name} has {budget.total} slots already; --trials {trials} takes none back."
    if budget.done == budget.total:
        yield f"All {budget.total} slots of {ledger.name} were spent before; --trials adds more."
