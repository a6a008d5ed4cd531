"""`tuner spaces`: the catalogue of search spaces, and one of them as a table."""

from dataclasses import asdict

import click

from tuner.commands.options import echo_json, json_option


@click.command()
@click.argument("name", required=False)
@json_option
def spaces(name: str | None, as_json: bool) -> None:
    """List the catalogue of search spaces, or show the space NAME as a table.

    \b
    tuner spaces
    tuner spaces recipe.quick
    """
    from rich.console import Console
    from rich.table import Table

    from search_spaces.catalogue import CATALOGUE, named_space
    from search_spaces.describe import describe
    from search_spaces.parameters import parameters

    if name is None:
        entries = [
            {"name": entry, "parameters": len(parameters(make())), "what": (make.__doc__ or "").splitlines()[0]}
            for entry, make in CATALOGUE.items()
        ]
        if as_json:
            echo_json(entries)
            return
        listing = Table("space", "parameters", "what", box=None, pad_edge=False)
        for entry in entries:
            listing.add_row(str(entry["name"]), str(entry["parameters"]), str(entry["what"]))
        Console().print(listing)
        return
    rows = describe(named_space(name))
    if as_json:
        echo_json([asdict(row) for row in rows])
        return
    table = Table("parameter", "range", "default", "exists when", "why", "source", title=name, title_justify="left")
    for row in rows:
        unit = f" ({row.unit})" if row.unit else ""
        table.add_row(row.name, row.range + unit, row.default, row.when, row.why, row.source)
    Console().print(table)
