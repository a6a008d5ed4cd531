"""`tuner importance`, `interactions`, `report`: what mattered, what depends on what, and how sure that is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.options import echo_json, examples, json_option, open_database, storage_option

if TYPE_CHECKING:
    from optuna.study import Study

    from search_spaces.space.nodes import Value
    from studies.analysis.observations.of_study import StudyAnalysis
    from studies.analysis.shares.importance import Effect
    from studies.analysis.shares.intervals import Estimate

objective_option = click.option(
    "--objective",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which objective, of a study that has several.",
)
where_option = click.option(
    "--where",
    multiple=True,
    metavar="CHOICE=OPTION",
    help="Keep to a part of the space, such as norm=none; may be repeated.",
)
SHOWN = 15  # rows of a table
LEAST_SHARE = 0.005  # of a row: what would be shown as 0.00 is left out


@click.command(
    epilog=examples("tuner importance digits", "tuner importance theirs --storage sqlite:///optuna.db")
)
@click.argument("name")
@objective_option
@where_option
@storage_option
@json_option
def importance(
    name: str, objective: int | None, where: tuple[str, ...], storage: str | None, as_json: bool
) -> None:
    """Show what each parameter explains of the score.

    NAME is a study of the database, which may be one that plain Optuna made. Shares have 90 % intervals. A
    choice stands above the parameters of its branches.
    """
    _show(name, objective, where, storage, as_json=as_json, pairs=False)


@click.command(epilog=examples("tuner interactions digits", "tuner interactions digits --json"))
@click.argument("name")
@objective_option
@where_option
@storage_option
@json_option
def interactions(
    name: str, objective: int | None, where: tuple[str, ...], storage: str | None, as_json: bool
) -> None:
    """Show which parameters depend on one another.

    NAME is a study of the database, which may be one that plain Optuna made. Shares have 90 % intervals.
    """
    _show(name, objective, where, storage, as_json=as_json, pairs=True)


def _show(
    name: str,
    objective: int | None,
    where: tuple[str, ...],
    storage: str | None,
    *,
    as_json: bool,
    pairs: bool,
) -> None:
    from studies.analysis.observations.of_study import analyse
    from studies.analysis.words import without_failed_in_words
    from tuner.terminal.screen import open_screen, progress_of

    study = _open(storage, name)
    with progress_of("analysis", shown=not as_json) as progress:
        found = analyse(
            study,
            objective=objective,
            where=_options(study, where),
            compare=as_json or not pairs,
            progress=progress,
        )
    if as_json:
        echo_json(found.to_data())
        return
    screen = open_screen()
    _print_evidence(screen.print, found)
    if not found.importance.evidence.has_structure:
        return
    for sentence in without_failed_in_words(found):
        screen.print(f"  {sentence}")
    if pairs:
        _print_pairs(screen, found)
    else:
        _print_parameters(screen, found)


def _print_parameters(screen: Any, found: "StudyAnalysis") -> None:
    from studies.analysis.shares.tree import tree_of
    from studies.analysis.words import show_when
    from tuner.terminal.screen import print_table

    shown = tree_of(found.importance, LEAST_SHARE)[:SHOWN]
    rows = []
    for row in shown:
        (name,), total = row.effect.names, row.effect.total
        beside = [f"{values[name]:.2f}" if name in values else "-" for values in found.elsewhere.values()]
        rows.append(
            [
                "  " * row.depth + name,
                *_share_cells(total),
                *_share_cells(row.own),
                str(row.effect.trials),
                show_when(row.effect.when) or "always",
                *beside,
            ]
        )
    head = (
        "parameter",
        "with interactions",
        "90 % interval",
        "alone",
        "90 % interval",
        "trials",
        "exists when",
    )
    print_table(screen, (*head, *found.elsewhere), rows)
    _print_left_out(screen, len(found.importance.main) - len(shown))


def _print_pairs(screen: Any, found: "StudyAnalysis") -> None:
    from studies.analysis.words import no_interaction, show_when
    from tuner.terminal.screen import print_table

    if (nothing := no_interaction(found.importance)) is not None:
        screen.print(nothing)
    effects = found.importance.pairs
    shown = [effect for effect in effects[:SHOWN] if (effect.share or 0.0) >= LEAST_SHARE]
    if shown:
        rows = [
            [
                " x ".join(effect.names),
                *_share_cells(effect),
                str(effect.trials),
                show_when(effect.when) or "always",
            ]
            for effect in shown
        ]
        print_table(screen, ("pair", "share", "90 % interval", "trials", "exists when"), rows)
    _print_left_out(screen, len(effects) - len(shown))


def _print_left_out(screen: Any, count: int) -> None:
    if count:
        said = "1 smaller one is" if count == 1 else f"{count} smaller ones are"
        screen.print(f"{said} left out; --json has all.")


def _options(study: "Study", where: tuple[str, ...]) -> "dict[str, Value]":
    """Read `--where`, whose options are named as tables show them."""
    from search_spaces.space.describe import show_value
    from search_spaces.space.parameters import find, options
    from studies.analysis.observations.of_study import space_of
    from tuner.errors import Refused

    chosen = {}
    for text in where:
        name, _, option = text.partition("=")
        possible = {show_value(value): value for value in options(find(space_of(study), name).node)}
        if option not in possible:
            known = ", ".join(f"{name}={each}" for each in possible)
            raise Refused(
                f"--where {text}: it must name a choice and one of its options"
                + (f"; for {name} write {known}." if known else f", and {name} is a range.")
            )
        chosen[name] = possible[option]
    return chosen


def _share_cells(share: "Effect | Estimate | None") -> list[str]:
    if share is None or share.share is None or share.low is None or share.high is None:
        return ["-", "-"]
    return [f"{share.share:.2f}", f"{share.low:.2f} .. {share.high:.2f}"]


def _print_evidence(show: Callable[[str], Any], found: "StudyAnalysis") -> None:
    from tuner.terminal.printable import one_line

    evidence = found.importance.evidence
    show(f"{one_line(found.name)}: {found.importance.verdict}; shares of the variance of {found.what}")
    if found.where:
        show("  where " + " and ".join(f"{name} is {value}" for name, value in found.where.items()))
    basis = f"{evidence.trials} trials, {evidence.exploration:.0%} of them quasi-random"
    show(f"  {basis}; R2 on trials that the surrogate has not seen {evidence.cv_r2:.2f}")
    for warning in evidence.warnings:
        show(f"  {warning}")


def _open(storage: str | None, name: str) -> "Study":
    from studies.ledger.opening import find_study

    return readable(find_study(open_database(storage, reading=True), name))


def readable(study: "Study") -> "Study":
    """Give a study that can be read as a whole, or refuse it in a sentence."""
    from studies.database.identity import DEFINITION
    from studies.ledger.reading import attributes_of, definition_in, trials_of

    attributes = attributes_of(study)
    if DEFINITION in attributes:
        definition_in(study.study_name, attributes)
    trials_of(study)
    return study


@click.command(epilog=examples("tuner report digits", "tuner report digits --output reports/digits.html"))
@click.argument("name")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to write it; else NAME.html here.")  # fmt: skip
@objective_option
@storage_option
@json_option
def report(name: str, output: Path | None, objective: int | None, storage: str | None, as_json: bool) -> None:
    """Write the report of a study as one HTML file.

    NAME is a study of the database, which may be one that plain Optuna made. The file needs nothing else, and
    works offline.
    """
    from studies.errors import CopiedStudy, ForeignStudy
    from studies.ledger.opening import find_study, open_ledger
    from studies.report.page import write_report
    from studies.report.subject import subject_of_ledger, subject_of_study
    from tuner.errors import Refused
    from tuner.terminal.screen import progress_of
    from tuner.workers.places import folder_name

    path = output or Path(f"{folder_name(name)}.html")
    database = open_database(storage, reading=True)
    study = readable(find_study(database, name))
    try:
        subject = subject_of_ledger(open_ledger(database, name))
    except (ForeignStudy, CopiedStudy):
        subject = subject_of_study(study, objective)
    try:
        with progress_of("analysis", shown=not as_json) as progress:
            proposal = write_report(subject, path, progress=progress)
    except OSError as error:
        raise Refused(f"--output: {path} cannot be written: {error.strerror}; name another file.") from error
    if as_json:
        echo_json(
            {
                "report": str(path),
                "next_study": None
                if proposal is None
                else {"yaml": proposal.text, "changes": proposal.changes, "notes": proposal.notes},
            }
        )
        return
    click.echo(f"Written: {path}")
