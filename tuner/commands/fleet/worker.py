"""`tuner worker`: join a study of the database from any machine, or serve every one of them."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import (
    checkpoints_option,
    examples,
    gpus_option,
    grace_option,
    open_database,
    open_study,
    output_option,
    quiet_option,
    storage_option,
    timeout_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from typing import TypeAlias

    from studies.ledger.ledger import Ledger
    from tuner.training.configuration.permit import Permit
    from tuner.workers.events import View
    from tuner.workers.processes.interruption import Interruption
    from tuner.workers.worker import Worker

    Make: TypeAlias = Callable[[Ledger, View], Worker]


@click.command(
    epilog=examples(
        "tuner worker digits --storage postgresql://tuner@host/tuner",
        "tuner worker --storage postgresql://tuner@host/tuner --allow my_package",
        "tuner worker digits --no-wait",
    )
)
@click.argument("name", required=False)
@click.option(
    "--no-wait", is_flag=True, help="Leave when no slot is free, though others may give theirs back."
)
@click.option(
    "--allow",
    multiple=True,
    metavar="PACKAGE|FOLDER|URL",
    help="What studies may name beside the classes of torch, Lightning and Optuna: a package of yours, the "
    "path of one class or function, ./a/file, /a/folder or the beginning of a URL; may be repeated. "
    "Also TUNER_ALLOW, separated by commas. Without a NAME, nothing else is used.",
)
@click.option(
    "--any-code",
    is_flag=True,
    help="Work also where a module, torch or the tuner differs from when the study was made.",
)
@timeout_option
@gpus_option
@output_option
@checkpoints_option
@grace_option
@quiet_option
@storage_option
def worker(
    name: str | None, no_wait: bool, allow: tuple[str, ...], any_code: bool, timeout: float | None,
    gpus: str | None, output: Path, checkpoints: str | None, grace: float, quiet: bool, storage: str | None,
) -> int:  # fmt: skip
    """Work on the trials of a study, on any machine.

    NAME is a study of the database, see `tuner create`; without it every open study is served by its
    priority, those that are created later too, until the worker is stopped. Ctrl-C or SIGTERM lets the
    running epoch end, leaves a checkpoint and frees the slot for others, who go on from there.
    """
    from tuner.training.configuration.permit import Permit, restrict_parsing
    from tuner.workers.gpus import Gpus
    from tuner.workers.places import refuse_unreachable
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption

    output = output.absolute()  # the code of a study may change the working directory
    if checkpoints is not None and "://" not in checkpoints:
        checkpoints = str(Path(checkpoints).absolute())
    refuse_unreachable(checkpoints)
    given = [*allow, *filter(None, os.environ.get("TUNER_ALLOW", "").split(","))]
    # Who names a study trusts it, unless a list is given.
    permit = None if name is not None and not given else Permit.of(given)
    if permit is not None:
        restrict_parsing(permit)
    with Interruption(timeout) as interruption, ExitStack() as stack:
        leases = None if gpus is None else stack.enter_context(Gpus(gpus))
        leased: dict[int, str] = {}  # by how many a study's trials take

        def make(ledger: "Ledger", view: "View") -> "Worker":
            from studies.definition.length import TrialLength
            from tuner.workers.places import results_folder
            from tuner.workers.worker import Worker

            count = TrialLength.of(ledger.definition.fixed).devices or 1
            if leases is not None and count not in leased:
                leased[count] = leases.lease(count)
            folder = results_folder(output, ledger.name)
            return Worker(
                ledger, view, interruption.stop, folder, grace, checkpoints,
                gpus=leased.get(count), permit=permit,
            )  # fmt: skip

        if name is None and permit is not None:
            _serve(storage, interruption, permit, make, any_code=any_code, wait=not no_wait, quiet=quiet)
        elif name is not None:
            _join(
                storage, name, interruption.stop, permit, make,
                any_code=any_code, wait=not no_wait, quiet=quiet,
            )  # fmt: skip
    return INTERRUPTED if interruption.by_signal else 0


def _join(
    storage: str | None, name: str, stop: "Event", permit: "Permit | None", make: "Make", *,
    any_code: bool, wait: bool, quiet: bool,
) -> None:  # fmt: skip
    """Work on one study until it is over."""
    from tuner.errors import NotAllowed, Refused
    from tuner.terminal.live_view import view_for
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import open_screen
    from tuner.workers.service import refusal

    open_study(storage, name)  # for reading first, which makes no database
    ledger = open_study(storage, name, reading=False)
    reason = refusal(ledger, permit, stop, any_code=any_code)
    if reason is None:
        try:
            with view_for(ledger, stop, quiet=quiet) as view:
                make(ledger, view).work(wait=wait)
        except NotAllowed as error:
            reason = str(error)
    if reason is not None:
        raise Refused(f"The study {name!r} cannot be worked on here: {reason}.")
    if not quiet:
        budget, over = ledger.slots.budget(), ledger.over()
        why = f"; {over}" if over else ""
        if not over and stop.is_set():
            why = "; the same command goes on"
        open_screen().print(f"{one_line(name)}: {budget.done} of {budget.total} slots are spent{why}.")


def _serve(
    storage: str | None, interruption: "Interruption", permit: "Permit", make: "Make", *,
    any_code: bool, wait: bool, quiet: bool,
) -> None:  # fmt: skip
    """Work on every open study."""
    from tuner.terminal.live_view import LineView
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import open_screen
    from tuner.workers.events import unseen
    from tuner.workers.service import Service

    screen = open_screen()

    def make_for(ledger: "Ledger") -> "Worker":
        return make(ledger, unseen if quiet else LineView(ledger, screen))

    def say(sentence: str) -> None:
        click.echo(one_line(sentence), err=True)

    answered = Service(
        database=open_database(storage, reading=False),
        stop=interruption.stop,
        is_over=lambda: interruption.is_over,
        permit=permit,
        any_code=any_code,
        make=make_for,
        say=say,
    ).serve(wait=wait)
    if interruption.by_signal:
        trials = "1 trial" if answered == 1 else f"{answered} trials"
        screen.print(f"Interrupted: this worker has worked on {trials}; the same command goes on.")
