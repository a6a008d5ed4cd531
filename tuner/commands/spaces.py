"""`tuner spaces`: the catalogue of search spaces, and one of them as a table."""

from dataclasses import asdict

import click

from tuner.commands.options import echo_json, examples, json_option


@click.command(epilog=examples("tuner spaces", "tuner spaces recipe.quick"))
@click.argument("name", required=False)
@json_option
def spaces(name: str | None, as_json: bool) -> None:
    """List the catalogue of search spaces, or show one of them.

    NAME is what `use:` in a study file's `space` section takes.
    """
    from search_spaces.catalogue.registry import CATALOGUE, named_space
    from search_spaces.space.describe import describe
    from search_spaces.space.parameters import parameters
    from tuner.terminal.screen import open_screen, print_parameters, print_table

    if name is not None:
        rows = describe(named_space(name))
        if as_json:
            echo_json([asdict(row) for row in rows])
        elif rows:
            print_parameters(open_screen(), rows, reasons=True)
        else:
            open_screen().print(f"{_what(CATALOGUE[name])} Nothing in it varies.")
        return
    entries = [
        {"name": entry, "parameters": len(parameters(make())), "what": _what(make)}
        for entry, make in CATALOGUE.items()
    ]
    if as_json:
        echo_json(entries)
        return
    table = [[str(value) for value in entry.values()] for entry in entries]
    print_table(open_screen(), ("space", "parameters", "what"), table)


def _what(make: object) -> str:
    return (make.__doc__ or "").splitlines()[0]
