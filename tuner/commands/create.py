"""`tuner create`, `stop`, `delete`: put a study in the database for workers, end it, remove it."""

import sys

import click

from tuner.commands.options import (
    echo_json,
    examples,
    json_option,
    name_option,
    open_database,
    open_study,
    rehearsal_option,
    set_option,
    storage_option,
    trials_option,
)


@click.command(
    epilog=examples(
        "tuner create digits", "tuner create my_study.yaml --storage postgresql://tuner@host/tuner --json"
    )
)
@click.argument("study")
@trials_option
@name_option
@set_option
@rehearsal_option
@storage_option
@json_option
def create(
    study: str, trials: int | None, name: str | None, overrides: tuple[str, ...], no_rehearsal: bool,
    storage: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Put a study in the database for workers to join.

    STUDY is a YAML file, else a shipped study, else a study of the database, which is opened again if it was
    stopped. A few steps are trained first, so that a study that cannot run is refused here.
    """
    from studies.definition.study_file import overrides_of
    from tuner.commands.run import open_question
    from tuner.preparation.first_look import look_at
    from tuner.terminal.next_steps import OUTPUT, Request
    from tuner.terminal.screen import busy, open_screen
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption
    from tuner.workers.processes.working_directory import unmoved

    changes = overrides_of(overrides, name, trials)
    look_at(study, changes, storage)
    with unmoved(), busy("loading PyTorch and the study", shown=not as_json):
        from tuner.preparation.question import read_question

        request = Request(study, name, overrides, trials, OUTPUT, storage)
        question = read_question(study, changes, rehearses=not no_rehearsal)
    with Interruption() as interruption, busy("training a few steps", shown=not as_json):
        ledger = open_question(request, question, interruption, rehearses=not no_rehearsal).ledger
    command = request.about("worker", ledger.name)
    budget = ledger.slots.budget()
    if as_json:
        echo_json(
            {"name": ledger.name, "slots": budget.total, "spent": {"slots": budget.done}, "worker": command}
        )
    else:
        screen = open_screen()
        screen.print(f"{ledger.name} is in the database: {budget.done} of {budget.total} slots are spent.")
        screen.print(f"Work on it, on any machine: {command}", soft_wrap=True)
    return INTERRUPTED if interruption.by_signal else 0


@click.command(epilog=examples("tuner stop digits", "tuner stop digits --now"))
@click.argument("name")
@click.option("--now", is_flag=True, help="Preempt running trials too: they are continued later.")
@storage_option
@json_option
def stop(name: str, now: bool, storage: str | None, as_json: bool) -> None:
    """Let workers leave a study: no new trial begins.

    NAME is a study of the database. Running trials end as they would; `--now` checkpoints them within some
    seconds. `tuner run` or `tuner create` opens the study again.
    """
    from studies.ledger.control import DRAINED, PREEMPTED
    from studies.ledger.status import status_of
    from tuner.terminal.next_steps import OUTPUT, Request
    from tuner.terminal.screen import open_screen

    open_study(storage, name)  # for reading first, which makes no database
    ledger = open_study(storage, name, reading=False)
    ledger.slots.control.stop(PREEMPTED if now else DRAINED)
    found = status_of(ledger)
    count = found.trials["running"]
    again = Request(name, None, (), None, OUTPUT, storage).about("create", name)
    if as_json:
        echo_json({"name": name, "stopped": found.stopped, "trials": {"running": count}})
        return
    how = "are preempted" if now else "end as they would"
    running = f"; the {count} that run {how}" if count else ""
    screen = open_screen()
    screen.print(f"{name} takes no new trial{running}: {found.done} of {found.slots} slots are spent.")
    screen.print(f"Open it again: {again}", soft_wrap=True)


@click.command(epilog=examples("tuner delete digits", "tuner delete digits --yes"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
def delete(name: str, yes: bool, storage: str | None) -> int:
    """Delete a study and its trials.

    NAME is a study of the database; those that train its best again go too. Files that it has written, such
    as `runs/NAME`, stay.
    """
    from studies.database.identity import count_trials
    from studies.ledger.making import delete as remove
    from studies.ledger.opening import find_study
    from studies.running.confirmation import confirming
    from studies.running.retraining import retrained
    from tuner.errors import Refused
    from tuner.terminal.printable import one_line

    reading = open_database(storage, reading=True)
    find_study(reading, name)
    trials = count_trials(reading.engine, reading.storage.get_study_id_from_name(name))
    if not yes and not sys.stdin.isatty():
        raise Refused(
            f"Deleting {name} with its {trials} trials needs an answer; give --yes to delete it unasked."
        )
    if not yes and not click.confirm(f"Delete the study {one_line(name)} with its {trials} trials?"):
        click.echo("Nothing was deleted.")
        return 1
    database = open_database(storage, reading=False)
    remove(database, name)
    for derived in (confirming(database, name), retrained(database, name)):
        if derived is not None:
            remove(database, derived.name)
    click.echo(f"Deleted {one_line(name)}.")
    return 0
