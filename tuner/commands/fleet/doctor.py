"""`tuner doctor`: what is wrong on this machine, and what to type."""

import os
from pathlib import Path

import click

from tuner.commands.options import examples, json_option, output_option, storage_option


@click.command(
    epilog=examples(
        "tuner doctor",
        "tuner doctor digits --storage postgresql://tuner@host/tuner --output /shared/runs",
        "tuner doctor --json",
    )
)
@click.argument("name", required=False)
@output_option
@click.option("--checkpoints", metavar="FOLDER|URL", help="Where interrupted trials would leave their state.")
@storage_option
@json_option
def doctor(
    name: str | None, output: Path, checkpoints: str | None, storage: str | None, as_json: bool
) -> int:
    """Say what is wrong on this machine, and what to type.

    It looks for ten seconds at most, and changes nothing. NAME is a study of the database that this machine
    shall work on. The exit code is 1 where something is wrong.
    """
    from studies.database.open import storage_url
    from tuner.commands.options import echo_json
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import open_screen
    from tuner.workers.doctor.all import CHECKS
    from tuner.workers.doctor.check import WRONG, Asked, examine

    url = storage_url(storage, os.environ)
    found = examine(CHECKS, Asked(url, output, checkpoints, name, dict(os.environ)))
    wrong = sum(each.finding.mark == WRONG for each in found)
    if as_json:
        echo_json([each.to_data() for each in found])
        return min(wrong, 1)
    screen = open_screen()
    for each in found:
        one = each.finding
        style = {WRONG: "red"}.get(one.mark, "")
        screen.print(one_line(f"{one.mark:<6}{each.check}: {one.found}"), style=style, soft_wrap=True)
        if one.todo:
            screen.print(one_line(f"{'':<6}type: {one.todo}"), style="dim", soft_wrap=True)
    screen.print(
        "Nothing is wrong." if not wrong else f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong."
    )
    return min(wrong, 1)
