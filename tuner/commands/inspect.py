"""`tuner list`, `status`, `trial`, `best`: look at studies, without changing anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.options import echo_json, json_option, open_database, open_study, storage_option

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@click.command("list")
@storage_option
@json_option
def list_studies(storage: str | None, as_json: bool) -> None:
    """List the studies of the database."""
    import optuna
    from rich.console import Console
    from rich.table import Table

    from studies.identity import LEDGER
    from studies.ledger import open_ledger

    database = open_database(storage, reading=True)
    rows: list[dict[str, Any]] = []
    for summary in optuna.get_all_study_summaries(database.storage):
        if LEDGER in summary.user_attrs:
            status = open_ledger(database, summary.study_name).status()
            rows.append({key: status[key] for key in ("name", "metric", "slots", "trials", "best")})
        else:
            rows.append({"name": summary.study_name, "metric": None, "slots": None, "trials": {"all": summary.n_trials}, "best": None})
    if as_json:
        echo_json(rows)
        return
    table = Table("study", "slots", "complete", "pruned", "running", "best", box=None, pad_edge=False)
    for row in rows:
        trials, best = row["trials"], row["best"]
        counts = [str(trials.get(key, "-")) for key in ("complete", "pruned", "running")]
        table.add_row(row["name"], str(row["slots"] or "-"), *counts, f"{row['metric']} {best['value']:.5g}" if best else "-")
    Console().print(table if rows else "The database holds no study; `tuner run digits` makes one.")


@click.command()
@click.argument("name")
@storage_option
@json_option
def status(name: str, storage: str | None, as_json: bool) -> None:
    """Show how far the study NAME is and what is best so far."""
    found = open_study(storage, name).status()
    if as_json:
        echo_json(found)
        return
    trials = found["trials"]
    click.echo(f"{found['name']}: {trials['waiting']} of {found['slots']} slots wait, {trials['running']} trials run")
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in trials.items() if outcome not in ("waiting", "running")))
    best = found["best"]
    click.echo(f"best {found['metric']} {best['value']:.6g} (trial {best['number']})" if best else "no completed trial yet")


@click.command()
@click.argument("name")
@click.argument("number", type=int)
@storage_option
@json_option
def trial(name: str, number: int, storage: str | None, as_json: bool) -> None:
    """Show one trial of the study NAME: how it ended, its values, its curve, its configuration."""
    ledger = open_study(storage, name)
    found = describe_trial(ledger.trial(number))
    if as_json:
        echo_json(found)
        return
    import yaml

    score = "" if found["score"] is None else f", {ledger.definition.settings.metric} {found['score']:.6g}"
    click.echo(f"trial {number}: {found['outcome'] or 'running'}{score}, slot {found['slot']}, {found['seconds'] or 0:.1f} s")
    if found["cause"]:
        click.echo(f"cause: {found['cause']}")
    curve = found["curve"]
    click.echo("curve: " + (" ".join(f"{value:.4g}" for value in curve.values()) or "no validation"))
    click.echo(yaml.safe_dump({"params": found["params"], "configuration": found["configuration"]}, sort_keys=False).rstrip())
    if found["traceback"]:
        click.echo(found["traceback"])


def describe_trial(found: "FrozenTrial") -> dict[str, Any]:
    """Give one trial as plain data; `curve` maps the number of a validation to its score."""
    from studies.outcomes import outcome_of

    outcome = outcome_of(found)
    attributes = found.user_attrs
    kept = {key: attributes.get(key) for key in ("slot", "attempt", "exploration", "seconds", "cause", "traceback", "configuration")}
    return {
        "number": found.number,
        "outcome": None if outcome is None else outcome.value,
        "score": found.value if outcome is not None and outcome.value == "completed" else None,
        "params": found.params,
        "curve": {str(step): value for step, value in sorted(found.intermediate_values.items())},
        **kept,
    }


@click.command()
@click.argument("name")
@click.option("--export", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write its configuration for LightningCLI.")
@storage_option
@json_option
def best(name: str, path: Path | None, storage: str | None, as_json: bool) -> None:
    """Show the best trial of the study NAME, as a difference from the defaults."""
    from rich.console import Console

    from tuner.errors import Refused
    from tuner.results import TEST, complete, export, print_best

    ledger = open_study(storage, name)
    found = ledger.best()
    if found is None:
        raise Refused(f"The study {name!r} has no completed trial yet; `tuner status {name}` shows how far it is.")
    kept = ledger.study.user_attrs.get(TEST)
    tested = kept["scores"] if kept is not None and kept["trial"] == found.number else {}
    if path is not None:
        export(ledger, found, path)
    if as_json:
        echo_json({**describe_trial(found), "test": tested, "configuration": complete(ledger, found)})
        return
    print_best(Console(), ledger, found, tested)
    if path is not None:
        click.echo(f"Written: {path}")
