"""What several commands share: options, examples, and opening what they name."""

import json
import math
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from studies.ledger import Ledger
    from studies.storage import Database

storage_option = click.option(
    "--storage",
    metavar="URL",
    help="Database URL; else the environment's TUNER_STORAGE, else OPTUNA_STORAGE, else sqlite:///tuner.db.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one key of the study file, such as trainer.max_epochs=50; may be repeated.",
)


def examples(*lines: str) -> str:
    """Write the end of a command's help: lines that can be typed as they stand."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def open_database(url: str | None, *, reading: bool) -> "Database":
    """Open the database that the option, else the environment, names."""
    from studies import storage
    from tuner.quiet import hush

    hush()
    return storage.open_database(storage.storage_url(url, os.environ), reading=reading)


def open_study(url: str | None, name: str, *, reading: bool = True) -> "Ledger":
    """Open a study of the database by its name."""
    from studies.ledger import open_ledger

    return open_ledger(open_database(url, reading=reading), name)


def echo_json(data: Any) -> None:
    """Print data as JSON; NaN and infinity, which JSON lacks, as null."""
    click.echo(json.dumps(_finite(data), indent=2, allow_nan=False))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
