"""`tuner delete`: remove a study from the database."""

import sys

import click

from tuner.commands.options import examples, open_database, storage_option


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
