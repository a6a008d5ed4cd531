"""`tuner run`: make or resume a study, and work until its budget is spent."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import open_database, storage_option

if TYPE_CHECKING:
    from studies.ledger import Ledger
    from studies.storage import Database


@click.command()
@click.argument("study")
@click.option("--trials", type=click.IntRange(min=1), metavar="N", help="Spend N slots in all, instead of the file's number.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after this time; the same command resumes.")
@click.option("--name", metavar="NAME", help="Call the study NAME instead of what its file says.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the study file; may be repeated.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Folder for the best configuration, its weights and the report.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Show no progress, only the result.")
@storage_option
def run(
    study: str, trials: int | None, timeout: float | None, name: str | None, overrides: tuple[str, ...],
    output: Path, quiet: bool, storage: str | None,
) -> int:  # fmt: skip
    """Create STUDY, or resume it, and work until its budget is spent.

    STUDY is a YAML file, else a shipped study, else a study of the database.

    \b
    tuner run digits
    tuner run my_study.yaml --trials 100 --set trainer.max_epochs=50
    """
    from tuner.interruption import Interruption
    from tuner.progress import view_for
    from tuner.results import conclude
    from tuner.worker import Worker

    database = open_database(storage, reading=False)
    ledger = _ledger(database, study, name=name, trials=trials, overrides=overrides)
    folder = output / ledger.name
    interruption = Interruption(timeout)
    with interruption, view_for(ledger, quiet=quiet) as view:
        Worker(ledger, view, interruption.stop, folder).work()
    again = f"tuner run {study}" + (f" --name {name}" if name else "")
    return conclude(ledger, folder, again=again, interrupted=interruption.by_signal)


def _ledger(
    database: "Database", study: str, *, name: str | None, trials: int | None, overrides: tuple[str, ...]
) -> "Ledger":
    from studies.catalogue import find_study_file, shipped_studies
    from studies.errors import UnknownStudy
    from studies.ledger import create, is_known, open_ledger
    from tuner.errors import Refused
    from tuner.preparation import prepare, rehearse, renamed

    file = find_study_file(study, overrides)
    if file is not None:
        definition = renamed(prepare(file), name=name, trials=trials)
        if not is_known(database, definition.settings.name):
            rehearse(file, definition)
        return create(database, definition, file.text)
    try:
        ledger = open_ledger(database, study)
    except UnknownStudy as error:
        raise UnknownStudy(f"{study!r} is no file and no shipped study ({', '.join(shipped_studies())}). {error}") from error
    if overrides or name:
        raise Refused(f"{study} is a study of the database, whose definition stays; --set and --name need its file.")
    settings = ledger.definition.settings
    ledger.slots.grow(trials or settings.trials, settings.exploration)
    return ledger
