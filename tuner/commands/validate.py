"""`tuner validate`: resolve a study file, list what varies, and train one batch of every branch."""

from dataclasses import asdict

import click

from tuner.commands.options import echo_json, json_option


@click.command()
@click.argument("study")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the study file; may be repeated.")
@json_option
def validate(study: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check STUDY: read it, list every parameter, and train one batch of every branch.

    Nothing is written. It exits with 1 if a branch does not train.
    """
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from search_spaces.describe import describe
    from studies.catalogue import find_study_file, shipped_studies
    from studies.errors import UnknownStudy
    from tuner.preparation import branches, prepare, rehearse, rehearse_branches
    from tuner.quiet import hush

    hush()
    file = find_study_file(study, overrides)
    if file is None:
        raise UnknownStudy(f"{study!r} is no file and no shipped study; shipped are {', '.join(shipped_studies())}.")
    definition = prepare(file)
    rehearse(file, definition)
    rows = describe(definition.space)
    with Progress(transient=True, disable=as_json) as progress:
        total = sum(1 for _ in branches(definition.space))
        rehearsals = list(progress.track(rehearse_branches(definition), total=total, description="one batch of each branch"))
    failed = [rehearsal for rehearsal in rehearsals if rehearsal.cause]
    if as_json:
        echo_json({"name": definition.settings.name, "parameters": [asdict(r) for r in rows], "branches": [asdict(r) for r in rehearsals]})
        return 1 if failed else 0
    console = Console()
    table = Table("parameter", "range", "default", "exists when", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.name, row.range, row.default, row.when)
    console.print(table)
    for rehearsal in failed:
        console.print(f"{rehearsal.choice} = {rehearsal.branch} does not train: {rehearsal.cause}", style="red", highlight=False)
    if failed:
        return 1
    settings = definition.settings
    console.print(f"{definition.settings.name} is fine: {len(rows)} parameters, {len(rehearsals)} branches, {settings.trials} trials.")
    return 0
