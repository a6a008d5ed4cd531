"""`tuner launch`: start a study's workers on an engine, follow them, find them again, end them."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import (
    Finite,
    checkpoints_option,
    examples,
    grace_option,
    name_option,
    open_study,
    output_option,
    quiet_option,
    rehearsal_option,
    set_option,
    sharpness_option,
    storage_option,
    trials_option,
    workers_option,
)

if TYPE_CHECKING:
    from tuner.api import Manner, Study
    from tuner.preparation.question import Question
    from tuner.terminal.next_steps import Request
    from tuner.workers.launchers.ordering import Site
    from tuner.workers.launchers.placed import Placed
    from tuner.workers.processes.interruption import Interruption


def _options(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Read KEY=VALUE pairs."""
    pairs = [text.partition("=") for text in value]
    if wrong := next((key for key, equals, _ in pairs if not equals or not key), None):
        raise click.BadParameter(f"{wrong!r} is not KEY=VALUE.", context, parameter)
    return {key: held for key, _, held in pairs}


@click.command(
    epilog=examples(
        "tuner launch digits --on local --workers 2",
        "tuner launch my_study.yaml --on slurm --workers 16 --gpus-per-worker 1 --with partition=gpu",
        "tuner launch mine --cancel",
    )
)
@click.argument("study")
@click.option(
    "--on",
    metavar="ENGINE",
    help="Where workers are started: local (this machine, also when the terminal is closed), ray, slurm or "
    "kubernetes.",
)
@workers_option()
@click.option(
    "--gpus-per-worker", type=click.IntRange(min=0), default=0, metavar="N", help="GPUs that a worker gets."
)
@click.option("--cpus-per-worker", type=click.IntRange(min=1), metavar="N", help="Cores that a worker gets.")
@click.option(
    "--memory-per-worker",
    type=Finite(min=0, min_open=True),
    metavar="GB",
    help="Memory that a worker gets, in gigabytes.",
)
@click.option(
    "--with",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_options,
    help="An option of the engine, such as partition=gpu of Slurm; may be repeated.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="The Python that has interplay-tuner where the workers run; by default the one of this command.",
)
@click.option("--detach", is_flag=True, help="Start the workers and do not follow them.")
@click.option("--more", is_flag=True, help="Start workers beside those that are there already.")
@click.option("--dry-run", is_flag=True, help="Print what the engine would be given, and start nothing.")
@click.option("--cancel", is_flag=True, help="End all workers that were launched at the study STUDY.")
@click.option(
    "--forget", is_flag=True, help="With --cancel: drop also what an engine that does not answer has started."
)
@trials_option
@name_option
@set_option
@output_option
@checkpoints_option
@grace_option
@rehearsal_option
@sharpness_option
@quiet_option
@storage_option
def launch(
    study: str, on: str | None, workers: int, gpus_per_worker: int, cpus_per_worker: int | None,
    memory_per_worker: float | None, options: dict[str, str], python: str | None, detach: bool, more: bool,
    dry_run: bool, cancel: bool, forget: bool,
    trials: int | None, name: str | None, overrides: tuple[str, ...],
    output: Path, checkpoints: str | None, grace: float, no_rehearsal: bool, no_sharpness: bool, quiet: bool,
    storage: str | None,
) -> int:  # fmt: skip
    """Start workers of a study on an engine, and follow them.

    STUDY is a YAML file, else a shipped study, else a study of the database. The workers leave by themselves
    when the study is over. Ctrl-C ends the view and not the workers; the same command follows them again, and
    `--cancel` ends them.
    """
    from studies.database.open import storage_url
    from studies.definition.study_file import overrides_of
    from tuner.errors import Refused
    from tuner.workers.engines.registry import ENGINES, engine_named

    if cancel:
        return _cancel(study, storage, forgets=forget)
    if forget:
        raise Refused("--forget goes with --cancel: tuner launch NAME --cancel --forget")
    if on is None:
        raise Refused(f"--on: name the engine on which workers are started: --on {'|'.join(ENGINES)}.")
    from tuner.preparation.first_look import look_at
    from tuner.terminal.screen import busy
    from tuner.workers.engines.engine import Resources
    from tuner.workers.places import refuse_unreachable, refuse_unwritable

    engine_named(on, options)  # what is misspelt is told before PyTorch is imported
    refuse_unwritable(output)
    refuse_unreachable(checkpoints)
    changes = overrides_of(overrides, name, trials)
    look_at(study, changes, storage)
    with busy("loading PyTorch and the study", shown=not quiet):
        from tuner.api import Manner
        from tuner.api.launching import planned, refuse
        from tuner.preparation.question import read_question
        from tuner.terminal.next_steps import Request
        from tuner.workers.launchers.ordering import Site
        from tuner.workers.processes.working_directory import unmoved

        with unmoved():
            question = read_question(study, changes, rehearses=not (no_rehearsal or dry_run))
    site = Site(
        on, options, Resources(gpus_per_worker, cpus_per_worker, memory_per_worker), python or sys.executable
    )
    manner = Manner(workers, None, output, checkpoints, grace)
    definition = open_study(storage, study).definition if question is None else question.definition
    url = storage_url(storage, os.environ)
    if dry_run:
        click.echo(planned(definition, url, site, manner))
        return 0
    refuse(definition, url, site, manner)
    words = _words(site, manner) + (("--no-sharpness",) if no_sharpness else ())
    request = Request(study, name, overrides, trials, output, storage, words, "launch")
    rehearses, sharpness = not no_rehearsal, not no_sharpness
    return _launch(
        request, question, site, manner,
        rehearses=rehearses, detach=detach, more=more, sharpness=sharpness, quiet=quiet,
    )  # fmt: skip


def _launch(
    request: "Request", question: "Question | None", site: "Site", manner: "Manner", *,
    rehearses: bool, detach: bool, more: bool, sharpness: bool, quiet: bool,
) -> int:  # fmt: skip
    """Make or open the study, start its workers unless they are there, and follow them."""
    from tuner.commands.run import open_question, remarks
    from tuner.results.summary import conclude
    from tuner.terminal.screen import busy, open_screen
    from tuner.workers.places import results_folder
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption, ending_at_once

    with Interruption() as interruption:
        with busy("training a few steps", shown=not quiet):
            opened = open_question(request, question, interruption, rehearses=rehearses)
        for sentence in () if quiet else remarks(opened.ledger, request.trials):
            open_screen().print(sentence)
        placed = _place(opened, site, manner, more=more, quiet=quiet)
        if detach:
            _tell(opened, request, "They work on by themselves")
            return 0
        _follow(opened, placed, interruption, quiet=quiet)
        settings = opened.ledger.definition.settings
        if settings.confirm and not interruption.is_over and opened.is_spent:
            repeating = opened.repeating(settings.confirm, settings.confirm_seeds)
            again = _place(repeating, site, manner, more=False, quiet=quiet)
            _follow(repeating, again, interruption, quiet=quiet)
    if interruption.by_signal:
        _tell(opened, request, "Interrupted: the workers go on")
        return INTERRUPTED
    with ending_at_once(f"Interrupted; go on: {request.again()}"):
        folder = results_folder(manner.output, opened.name)
        return 0 if conclude(opened.ledger, folder, request, quiet=quiet, sharpness=sharpness) else 1


def _follow(study: "Study", placed: "Placed", interruption: "Interruption", *, quiet: bool) -> None:
    """Show what the workers of a study do until it is over, or somebody wants the view to end."""
    from tuner.terminal.live_view import view_for

    with view_for(study.ledger, interruption.stop, quiet=quiet, workers=0) as view:
        placed.follow(view, interruption.stop)


def _place(study: "Study", site: "Site", manner: "Manner", *, more: bool, quiet: bool) -> "Placed":
    """Start the workers, unless some are there; gives all that are."""
    from tuner.api.launching import launch as start
    from tuner.api.launching import launched
    from tuner.terminal.screen import open_screen

    screen, there = open_screen(), launched(study.ledger).alive()
    if study.ledger.over() is not None or (there.records and not more):
        for record in () if quiet else there.records:
            have = "has" if record.workers == 1 else "have"
            screen.print(
                f"{_workers(record.workers)} of {study.name} {have} been started on {record.engine} already."
            )
        return there
    fresh = start(study, site, manner)
    if not quiet:
        (record,), (where,) = fresh.records, fresh.where_printed()
        screen.print(
            f"Started {_workers(record.workers)} of {study.name} on {record.engine}; what they print: "
            f"{where}",
            soft_wrap=True,
        )
    return there.beside(fresh)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _tell(study: "Study", request: "Request", what: str) -> None:
    """Say how workers that nobody follows are followed and ended."""
    from tuner.terminal.screen import open_screen

    budget, screen = study.ledger.slots.budget(), open_screen()
    screen.print(f"{what}; {budget.done} of {budget.total} slots are spent.")
    screen.print(f"Follow them: {request.again()}", soft_wrap=True)
    screen.print(f"End them: {request.about('launch', study.name, '--cancel')}", soft_wrap=True)


def _words(site: "Site", manner: "Manner") -> tuple[str, ...]:
    """Write where and how as words of the command line."""
    from tuner.commands.options import GRACE

    given = {
        "--on": site.engine,
        "--workers": None if manner.workers == 1 else str(manner.workers),
        "--gpus-per-worker": str(site.resources.gpus) if site.resources.gpus else None,
        "--cpus-per-worker": None if site.resources.cpus is None else str(site.resources.cpus),
        "--memory-per-worker": None if site.resources.memory is None else f"{site.resources.memory:g}",
        "--python": None if site.python == sys.executable else site.python,
        "--checkpoints": manner.checkpoints,
        "--grace": None if manner.grace == GRACE else f"{manner.grace:g}",
    }
    words = [word for name, value in given.items() if value is not None for word in (name, value)]
    return (*words, *(word for key, value in site.options.items() for word in ("--with", f"{key}={value}")))


def _cancel(name: str, storage: str | None, *, forgets: bool) -> int:
    """End all that was launched at a study, and at the one that trains its best again."""
    from studies.running.confirmation import confirming
    from tuner.api.launching import launched
    from tuner.errors import Refused
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import busy, open_screen

    open_study(storage, name)  # for reading first, which makes no database
    ledger = open_study(storage, name, reading=False)
    studies = [ledger, confirming(ledger.database, ledger.name)]
    there = [launched(each) for each in studies if each is not None]
    count = sum(record.workers for placed in there for record in placed.records)
    if not count:
        raise Refused(
            f"Nothing that was launched at {name!r} is there; `tuner stop {name}` asks every worker to leave."
        )
    with busy("waiting for the workers to leave"):
        for placed in there:
            placed.cancel(forgets=forgets)
    budget = ledger.slots.budget()
    open_screen().print(
        f"{one_line(name)}: {_workers(count)} ended; {budget.done} of {budget.total} slots are spent."
    )
    return 0
