"""`tuner delete`: remove a study from the database."""

import click

from tuner.commands.options import open_database, storage_option


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
def delete(name: str, yes: bool, storage: str | None) -> None:
    """Delete the study NAME and all its trials; files that it left stay."""
    from studies.ledger import delete as remove
    from studies.ledger import find_study

    database = open_database(storage, reading=False)
    trials = len(find_study(database, name).get_trials(deepcopy=False))
    if not yes:
        click.confirm(f"Delete the study {name} with its {trials} trials?", abort=True)
    remove(database, name)
    click.echo(f"Deleted {name}.")
