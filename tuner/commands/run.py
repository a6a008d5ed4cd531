"""`tuner run`: make or resume a study, and work until its budget is spent."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, TypeAlias

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
    storage_option,
    timeout_option,
    trials_option,
)

if TYPE_CHECKING:
    from studies.definition.study import StudyDefinition
    from studies.definition.study_file import StudyFile
    from studies.ledger.ledger import Ledger
    from tuner.terminal.next_steps import Request
    from tuner.workers.processes.interruption import Interruption

    Question: TypeAlias = tuple[StudyFile, StudyDefinition]


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
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="Train K trials at a time. With one, the same file and seed give the same trials.",
)
@gpus_option
@output_option
@checkpoints_option
@grace_option
@rehearsal_option
@quiet_option
@storage_option
def run(
    study: str, trials: int | None, timeout: float | None, name: str | None, overrides: tuple[str, ...],
    workers: int, gpus: str | None, output: Path, checkpoints: str | None, grace: float, no_rehearsal: bool,
    quiet: bool, storage: str | None,
) -> int:  # fmt: skip
    """Make or resume a study and work through its trials.

    STUDY is a YAML file, else a shipped study, else a study of the database. Ctrl-C ends a run cleanly, and
    the same command resumes it.
    """
    from tuner.commands.confirm import repeat_best
    from tuner.preparation.first_look import look_at
    from tuner.terminal.screen import busy, open_screen
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption, ending_at_once

    refuse_unwritable(output)
    look_at(study, overrides_of(overrides, name, trials), storage)
    with busy("loading PyTorch and the study", shown=not quiet):
        from tuner.terminal.next_steps import Request
        from tuner.workers.processes.working_directory import unmoved

        manner = _manner(
            workers=None if workers == 1 else str(workers),
            gpus=gpus,
            checkpoints=checkpoints,
            grace=None if grace == GRACE else f"{grace:g}",
        )
        request = Request(study, name, overrides, trials, output, storage, manner)
        with unmoved():
            question = read_question(request, workers=workers)

        from studies.database.open import storage_url
        from tuner.results.summary import conclude
        from tuner.terminal.live_view import view_for
        from tuner.workers.places import folder_name
        from tuner.workers.supervisor import Job, work_locally

    with Interruption(timeout) as interruption:
        with busy("training a few steps", shown=not quiet):
            ledger = open_question(request, question, interruption, rehearses=not no_rehearsal)
            folder = writable(output / folder_name(ledger.name))
        for sentence in _remarks(ledger, trials):
            open_screen().print(sentence)
        url = storage_url(storage, os.environ)
        job = Job(url, ledger.name, folder, grace, checkpoints)
        with (
            told_at_once(ledger, request),
            view_for(ledger, interruption.stop, quiet=quiet, workers=workers) as view,
        ):
            work_locally(job, ledger, view, interruption.stop, workers=workers, gpus=gpus)
        settings = ledger.definition.settings if question is None else question[1].settings
        if settings.confirm and not interruption.is_over and _is_spent(ledger):
            repeat_best(
                ledger, interruption, storage, output, top=settings.confirm, seeds=settings.confirm_seeds,
                workers=workers, gpus=gpus, quiet=quiet, grace=grace, checkpoints=checkpoints,
            )  # fmt: skip
    with ending_at_once(interrupted(ledger, request)):
        has_best = conclude(ledger, folder, request, quiet=quiet, is_leaving=interruption.by_signal)
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
    from tuner.workers.processes.interruption import LAST_WORDS, EndedAtOnce, within

    try:
        yield
    except EndedAtOnce as error:
        sentence = within(LAST_WORDS, lambda: interrupted(ledger, request))
        raise (EndedAtOnce(sentence) if sentence else error) from None


def _is_spent(ledger: "Ledger") -> bool:
    """Say whether a study has ended, and with a best trial."""
    budget = ledger.slots.budget()
    return budget.done == budget.total and ledger.best() is not None


def _manner(**options: str | None) -> tuple[str, ...]:
    """Write the options that were given as words of the command line."""
    given = {name: value for name, value in options.items() if value is not None}
    return tuple(word for name, value in given.items() for word in (f"--{name}", value))


def overrides_of(given: tuple[str, ...], name: str | None, trials: int | None) -> tuple[str, ...]:
    """Write `--name` and `--trials` as changes of the study file beside those of `--set`."""
    called = () if name is None else (f"study.name={json.dumps(name)}",)
    counted = () if trials is None else (f"study.trials={trials}",)
    return (*given, *called, *counted)


def read_question(request: "Request", *, workers: int = 0, rehearses: bool = False) -> "Question | None":
    """Read and check the study file; None where the study is one of the database.

    The processes that a rehearsal and `workers` will train it in are prepared meanwhile.
    """
    from studies.shipped.catalogue import find_study_file
    from tuner.workers.processes.fork_server import modules_of, warm_up

    file = find_study_file(request.study, overrides_of(request.overrides, request.name, request.trials))
    if file is None:
        return None
    if workers or rehearses:
        also = {"tuner.workers.supervisor"} if workers > 1 else set()
        warm_up(modules_of(file.data) | also)  # torch is imported there while it is imported here

    from tuner.preparation.prepare import prepare

    return file, prepare(file)


def open_question(
    request: "Request", question: "Question | None", interruption: "Interruption", *, rehearses: bool = True
) -> "Ledger":
    """Make the study, once it has been rehearsed, or open the one that is there.

    Raises:
        EndedAtOnce: a signal came during the rehearsal; there is no study.
    """
    from studies.ledger.making import create
    from studies.ledger.opening import is_known
    from tuner.preparation.prepare import rehearse
    from tuner.training.resuming.exactness import announced, reasons_of_configuration
    from tuner.workers.code import remember_code
    from tuner.workers.processes.interruption import EndedAtOnce

    if question is None:
        return _resume(request)
    file, definition = question
    database = open_database(request.storage, reading=False)
    if not is_known(database, definition.settings.name):
        seen = rehearse(file, definition, interruption.stop) if rehearses else None
        if seen is None and interruption.by_signal:
            raise EndedAtOnce
        if seen is not None and seen.remark:
            click.echo(seen.remark, err=True)
        for reason in seen.inexact if seen else reasons_of_configuration(definition.fixed):
            click.echo(announced(reason), err=True)
    ledger = create(database, definition, file.text)
    remember_code(ledger)
    return ledger


def _resume(request: "Request") -> "Ledger":
    """Open a study of the database by its name."""
    from tuner.errors import Refused

    if request.overrides or request.name:
        raise Refused(
            f"{request.study} is a study of the database, whose definition stays; "
            f"--set and --name need its file."
        )
    ledger = open_study(request.storage, request.study, reading=False)
    settings = ledger.definition.settings
    ledger.slots.grow(request.trials or settings.trials, settings.exploration)
    ledger.slots.steering.open()
    return ledger


def refuse_unwritable(output: Path) -> None:
    """Refuse a place for the results that cannot be made, before anything is made."""
    from tuner.errors import Refused

    place = output.absolute()
    while not (os.path.lexists(place) or place == place.parent):
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        why = "may not be written to" if place.is_dir() else "is no folder"
        raise Refused(
            f"--output: {output} cannot be written: {place} {why}; name another folder: --output FOLDER."
        )


def writable(folder: Path) -> Path:
    """Make the folder of the results now, so that no hour of training ends with having nowhere to write.

    Returns: The folder as an absolute path: the code of a study may change the working directory.
    """
    from tuner.errors import Refused

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"--output: {folder} cannot be written: {error.strerror}; name another folder: --output FOLDER."
        ) from error
    return folder.absolute()


def _remarks(ledger: "Ledger", trials: int | None) -> Iterator[str]:
    """Say what the number of slots means for what was asked."""
    from tuner.workers.code import changed_code

    budget, limit = ledger.slots.budget(), ledger.slots.steering.spent().limit
    if changed := changed_code(ledger):
        yield f"{', '.join(changed)} changed since {ledger.name} was made: its scores may not compare."
    if limit is not None:
        yield f"The {limit} of {ledger.name} are spent; raise the limit in its file, or by --set."
    if trials is not None and trials < budget.total:
        yield f"{ledger.name} has {budget.total} slots already; --trials {trials} takes none back."
    if budget.done == budget.total:
        yield f"All {budget.total} slots of {ledger.name} were spent before; --trials adds more."
