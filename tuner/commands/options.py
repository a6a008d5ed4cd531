"""What several commands share: options, examples, and opening what they name."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from studies.database.open import Database
    from studies.ledger.ledger import Ledger


Command = TypeVar("Command", bound=Callable[..., Any])


def _not_empty(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text: a variable that is not set shall not mean the default."""
    if value is not None and not value.strip():
        raise click.BadParameter("must not be empty; leave it out for the default.", context, option)
    return value


class Finite(click.FloatRange):
    """A number that is one: neither infinite nor NaN, which no comparison with a bound refuses."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, as click does."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


storage_option = click.option(
    "--storage",
    callback=_not_empty,
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

trials_option = click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Spend N slots in all, instead of what the study says; on a study that has fewer it adds the rest.",
)
timeout_option = click.option(
    "--timeout",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this time; the same command resumes.",
)
name_option = click.option(
    "--name", metavar="NAME", help="Call the study NAME instead of what its file says."
)
output_option = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="FOLDER",
    help="Where a folder for the best configuration, its weights and the report is made.",
)


def workers_option(more: str = "") -> Callable[[Command], Command]:
    """Offer to train several trials at a time; `more` ends the option's help."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="K",
        help=f"Train K trials at a time.{more}",
    )


quiet_option = click.option("--quiet", is_flag=True, help="Show no progress, only the result.")

rehearsal_option = click.option(
    "--no-rehearsal",
    is_flag=True,
    help="Do not train a few steps first, in a process of their own, to see whether the study can run.",
)

sharpness_option = click.option(
    "--no-sharpness",
    is_flag=True,
    help="Do not measure at the end how sharp the training loss is around the weights of the best.",
)

GRACE = 20.0  # seconds; Slurm and Kubernetes kill after 30
grace_option = click.option(
    "--grace",
    type=Finite(min=0),
    default=GRACE,
    show_default=True,
    metavar="SECONDS",
    help="How long Ctrl-C or SIGTERM lets the running epoch come to its end.",
)


def _there(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse GPUs that are not there before anything is made."""
    if value is not None:
        from tuner.workers.gpus import Gpus

        Gpus(value)
    return value


gpus_option = click.option(
    "--gpus",
    metavar="auto|0,1,...",
    callback=_there,
    help="Train on these GPUs, each for one worker at a time; auto takes all that are free, and 0,0 lets two "
    "workers share one. Without it all workers use the first.",
)
checkpoints_option = click.option(
    "--checkpoints",
    metavar="FOLDER",
    help="Where a trial that is interrupted leaves its state: a folder or URL that all machines reach; "
    "by default beside the results.",
)


def examples(*lines: str) -> str:
    """Write the end of a command's help: lines that can be typed as they stand."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def open_database(url: str | None, *, reading: bool) -> "Database":
    """Open the database that the option, else the environment, names.

    A worker that an engine has started is told of a database that is there: it waits for one that is away, as
    it would later, and is not taken for one that cannot work here.
    """
    from studies.database.open import open_database as opened
    from studies.database.open import storage_url
    from studies.database.retry import PATIENCE
    from studies.ledger.fleet.workers import LAUNCH
    from tuner.workers.processes.quiet import silence

    silence()
    patience = PATIENCE if os.environ.get(LAUNCH) else 0.0
    return opened(storage_url(url, os.environ), reading=reading, patience=patience)


def open_study(url: str | None, name: str, *, reading: bool = True) -> "Ledger":
    """Open a study of the database by its name."""
    from studies.ledger.opening import open_ledger

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
