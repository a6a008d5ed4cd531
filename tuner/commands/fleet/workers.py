"""`tuner workers`: where workers are, what each trains, and which are gone."""

import click

from tuner.commands.options import (
    echo_json,
    examples,
    json_option,
    open_database,
    open_study,
    storage_option,
)


@click.command(epilog=examples("tuner workers", "tuner workers digits --watch", "tuner workers --json"))
@click.argument("name", required=False)
@click.option("--watch", is_flag=True, help="Go on showing them until Ctrl-C.")
@storage_option
@json_option
def workers(name: str | None, watch: bool, storage: str | None, as_json: bool) -> int:
    """List workers: what each trains, how fast, since when.

    NAME is a study of the database, whose workers alone are listed. Times are by the clock of the database. A
    worker that ends in order is listed no more; one that was killed is listed for a week.
    """
    from studies.ledger.fleet.at_work import fleet_of
    from tuner.errors import Refused
    from tuner.terminal.fleet_view import FleetWatch, print_fleet
    from tuner.terminal.screen import open_screen
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption

    if watch and as_json:
        raise Refused("--watch goes on and --json is one answer; leave one of them out.")
    ledger = None if name is None else open_study(storage, name)
    database = open_database(storage, reading=True) if ledger is None else ledger.database
    if watch:
        with Interruption() as interruption:
            FleetWatch(database, ledger, interruption.stop).show(open_screen())
        return INTERRUPTED
    fleet = fleet_of(database, None if ledger is None else ledger.slots.ledger)
    if as_json:
        echo_json([row.to_data() for row in fleet.workers])
    else:
        print_fleet(open_screen(), fleet)
    return 0
