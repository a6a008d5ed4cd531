"""`tuner list`, `status`, `best`: look at studies, without changing anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.options import (
    echo_json,
    examples,
    json_option,
    open_database,
    open_study,
    storage_option,
)
from tuner.commands.trial import describe_trial

if TYPE_CHECKING:
    from studies.database.open import Database
    from studies.ledger.ledger import Ledger
    from studies.ledger.status import Status


@click.command("list", epilog=examples("tuner list", "tuner list --storage sqlite:///tuner.db --json"))
@storage_option
@json_option
def list_studies(storage: str | None, as_json: bool) -> None:
    """List the studies of the database."""
    from studies.database.identity import names
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import open_screen, print_table

    database = open_database(storage, reading=True)
    found = [_summary(database, number, name) for number, name in names(database.engine).items()]
    rows = [row for row in found if row is not None]
    if as_json:
        echo_json(rows)
        return
    screen = open_screen()
    if not rows:
        screen.print("The database holds no study; `tuner run digits` makes one.")
        return
    heads = ("study", "slots", "complete", "pruned", "running", "other outcomes", "best")
    print_table(screen, heads, [_listed(row) for row in rows])
    for row in rows:
        if row["trouble"]:
            screen.print(one_line(row["trouble"]), soft_wrap=True)


def _summary(database: "Database", number: int, name: str) -> dict[str, Any] | None:
    """Give the row of a study; None where it has just been deleted."""
    from search_spaces.errors import TunerError, first_line
    from studies.database.failures import is_of_database
    from studies.database.identity import count_trials
    from studies.errors import ForeignStudy, UnknownStudy
    from studies.ledger.opening import open_ledger
    from studies.ledger.status import status_of

    keys = ("name", "metric", "slots", "stopped", "priority", "trials", "best")
    row: dict[str, Any] = {**dict.fromkeys(keys), "name": name, "trouble": None}
    try:
        ledger = open_ledger(database, name)
        return {
            **row,
            **{key: value for key, value in status_of(ledger).to_data().items() if key in keys},
        }
    except ForeignStudy:
        pass
    except UnknownStudy:
        return None
    except TunerError as error:
        row["trouble"] = str(error)
    except Exception as error:
        if is_of_database(error):
            raise
        row["trouble"] = f"The study {name!r} cannot be read: {type(error).__name__}: {first_line(error)}."
    return {**row, "trials": {"all": count_trials(database.engine, number)}}


def _listed(row: Mapping[str, Any]) -> list[str]:
    from studies.trials.outcomes import Outcome, in_words

    trials, best = row["trials"], row["best"]
    counts = [str(trials.get(key, "-")) for key in ("complete", "pruned", "running")]
    others = in_words(trials, without=(Outcome.COMPLETED, Outcome.PRUNED))
    counts.append(", ".join(filter(None, (others, "stopped" if row["stopped"] else ""))) or "-")
    score = f"{row['metric']} {best['value']:.5g}" if best else "-"
    return [row["name"], str(row["slots"] or "-"), *counts, score]


@click.command(epilog=examples("tuner status digits", "tuner status digits --json"))
@click.argument("name")
@storage_option
@json_option
def status(name: str, storage: str | None, as_json: bool) -> None:
    """Show how far a study is, and its best score so far.

    NAME is a study of the database.
    """
    from studies.ledger.status import limits_in_words, status_of
    from studies.trials.outcomes import in_words
    from studies.trials.provenance import provenance_of
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import open_screen

    ledger = open_study(storage, name)
    found = status_of(ledger)
    if as_json:
        origin = provenance_of(ledger.study.user_attrs, ledger.trials())
        notes = ledger.definition.settings.notes
        echo_json({**found.to_data(), "notes": notes, "provenance": origin.to_data()})
        return
    screen, count = open_screen(), found.trials["running"]
    running = f", {count} running" if count else ""
    screen.print(f"{one_line(found.name)}: {found.done} of {found.slots} slots are spent{running}")
    if ledger.definition.settings.notes:
        screen.print(one_line(ledger.definition.settings.notes), soft_wrap=True)
    screen.print(in_words(found.trials, usual=True))
    if found.limits:
        screen.print(limits_in_words(found), soft_wrap=True)
    limits = (("epochs", found.epochs, found.most_epochs), ("hours", found.hours, found.most_hours))
    for unit, spent, most in limits:
        if most is not None:
            screen.print(f"{spent:.4g} of {most:g} {unit} are spent")
    if found.left:
        screen.print(found.left)
    if found.added:
        screen.print(f"{found.added} trials were added by another program; they count nowhere")
    if found.over and found.done < found.slots:
        screen.print(f"it takes no new trial: {found.over}")
    for said in filter(None, (found.unpruned, *found.parallel)):
        screen.print(said, soft_wrap=True)
    screen.print(_best_of(found))


def _best_of(found: "Status") -> str:
    if found.best:
        return f"best {found.metric} {found.best.score:.6g} (trial {found.best.number})"
    return f"no completed trial{' within the limits' if found.broken else ''} yet"


def _within(ledger: "Ledger") -> str:
    return " within its limits" if ledger.definition.settings.limits else ""


@click.command(epilog=examples("tuner best digits", "tuner best digits --export best.yaml"))
@click.argument("name")
@click.option(
    "--export",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write its configuration, which plain LightningCLI trains: fit --config FILE.",
)
@storage_option
@json_option
def best(name: str, path: Path | None, storage: str | None, as_json: bool) -> None:
    """Show the best trial of a study.

    NAME is a study of the database. The configuration is shown as a difference from the defaults. Where the
    best trials were confirmed, it is the best of them on fresh seeds.
    """
    from studies.report.tested import test_scores
    from studies.running.confirmation import chosen
    from tuner.commands.confirm import describe_candidate
    from tuner.errors import Refused
    from tuner.results.export import complete, export
    from tuner.results.summary import print_best
    from tuner.terminal.screen import open_screen
    from tuner.workers.code.here import elsewhere

    ledger = open_study(storage, name)
    choice = chosen(ledger)
    if choice is None:
        raise Refused(
            f"The study {name!r} has no completed trial{_within(ledger)} yet; "
            f"`tuner status {name}` shows how far it is."
        )
    if path is not None:
        try:
            export(choice.ledger, choice.trial, path)
        except OSError as error:
            raise Refused(
                f"--export: {path} cannot be written: {error.strerror}; name another file."
            ) from error
    tested, candidate = test_scores(choice), choice.candidate
    if as_json:
        is_elsewhere = elsewhere(ledger.definition) is not None
        echo_json(
            {
                **describe_trial(choice.original),
                "confirmed": None if candidate is None else describe_candidate(candidate),
                "test": dict(tested.scores),
                "baseline": tested.baseline,
                "configuration": None if is_elsewhere else complete(choice.ledger, choice.trial),
            }
        )
        return
    screen = open_screen()
    print_best(screen, choice, tested)
    if path is not None:
        screen.print(f"Written: {path}", soft_wrap=True)
