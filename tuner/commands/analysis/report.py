"""`tuner report` and `tuner gain`: the report of a study as a file, and what tuning gained."""

import errno
import os
from pathlib import Path

import click

from tuner.commands.analysis.analyse import objective_option, pair_option, readable, where_option
from tuner.commands.analysis.held import check_pairs, parts_of_space
from tuner.commands.options import (
    echo_json,
    examples,
    json_option,
    open_database,
    open_study,
    storage_option,
)


@click.command(
    epilog=examples(
        "tuner report digits",
        "tuner report digits --figures figures",
        "tuner report digits --where norm=none --pair optimizer dropout",
    )
)
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it; else NAME.html here.",
)
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write each figure there too, as SVG, and its numbers as CSV.",
)
@objective_option
@where_option
@pair_option
@storage_option
@json_option
def report(
    name: str,
    output: Path | None,
    figures: Path | None,
    objective: int | None,
    where: tuple[str, ...],
    asked: tuple[tuple[str, str], ...],
    storage: str | None,
    as_json: bool,
) -> None:
    """Write the report of a study as one HTML file.

    NAME is a study of the database, which may be one that plain Optuna made. The file needs nothing else, and
    works offline.
    """
    from studies.analysis.observations.region import to_data as part_data
    from studies.errors import CopiedStudy, ForeignStudy
    from studies.ledger.opening import find_study, open_ledger
    from studies.report.investigation import investigate
    from studies.report.page import write_report
    from studies.report.sections.decisions.early_stopping import early_stopping_of
    from studies.report.sections.decisions.searched import searched
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
    part = parts_of_space(study, where)
    check_pairs(subject.space, asked, part)
    subject = subject.within(part)
    _refuse_places(path, figures)
    try:
        with progress_of("analysis", shown=not as_json) as progress:
            found = investigate(subject, progress=progress, asked=asked)
            proposal = write_report(subject, path, found=found, figures=figures)
    except OSError as error:
        is_figure = figures is not None and str(error.filename).startswith(str(figures))
        option = "--figures" if is_figure else "--output"
        raise Refused(
            f"{option}: {error.filename or path} cannot be written: {error.strerror}; name another place."
        ) from error
    if as_json:
        worth = None if found.views is None else found.views.worth
        replay, search = early_stopping_of(subject), searched(subject)
        echo_json(
            {
                "report": str(path),
                "where": part_data(part) or None,
                "verdict": list(found.verdict),
                "gain": worth and worth.to_data(),
                "test": dict(subject.tested.scores),
                "baseline": subject.tested.baseline,
                "early_stopping": replay and replay.to_data(),
                "search": search and search.to_data(),
                "sharpness": [
                    {"number": contender.original.number, **measured.to_data()}
                    for contender, measured in subject.sharpness
                ],
                **({} if figures is None else {"figures": str(figures)}),
                "next_study": None
                if proposal is None
                else {"yaml": proposal.text, "changes": proposal.changes, "notes": proposal.notes},
            }
        )
        return
    click.echo(f"Written: {path}")
    if figures is not None:
        click.echo(f"Figures: {figures}")


def _refuse_places(path: Path, figures: Path | None) -> None:
    """Refuse a place below what is no folder, or in one that cannot be written to, before the analysis."""
    from tuner.errors import Refused

    for option, folder in (
        ("--output", path.absolute().parent),
        ("--figures", figures and figures.absolute()),
    ):
        if folder is None:
            continue
        there = next(each for each in (folder, *folder.parents) if each.exists())
        number = errno.ENOTDIR if not there.is_dir() else 0 if os.access(there, os.W_OK) else errno.EACCES
        if number:
            raise Refused(f"{option}: {there} cannot be written: {os.strerror(number)}; name another place.")


@click.command(epilog=examples("tuner gain digits", "tuner gain digits --json"))
@click.argument("name")
@storage_option
@json_option
def gain(name: str, storage: str | None, as_json: bool) -> None:
    """Show what tuning gained, and by which parameters.

    NAME is a study of the database that a study file describes, whose space so has defaults. Gains lead from
    the defaults to the best, in the unit of the metric, with 90 % intervals; beside them stand what was
    measured, the test score, and what the best constant answer scores.
    """
    from studies.analysis.errors import NothingToAnalyse
    from studies.analysis.findings.gains.worth import worth_of
    from studies.analysis.observations.of_study import analyse
    from studies.report.sections.decisions.gained import parts_of
    from studies.report.subject import subject_of_ledger
    from tuner.errors import Refused
    from tuner.terminal.parts import print_parts
    from tuner.terminal.screen import open_screen, progress_of

    subject = subject_of_ledger(open_study(storage, name))
    if subject.best is None:
        raise Refused(f"The study {name!r} has no completed trial yet, so nothing is known of a gain.")
    found, worth, reason = None, None, ""
    try:
        with progress_of("analysis", shown=not as_json) as progress:
            found = analyse(subject.study, compare=False, progress=progress)
            worth = worth_of(found, subject.best.values)
    except NothingToAnalyse as error:  # what was measured and tested is known all the same
        reason = str(error)
    if found is not None and worth is None:
        reason = (
            "The best configuration is the default one, so tuning gained nothing."
            if found.importance.evidence.has_structure
            else f"The {found.importance.evidence.trials} trials show no structure, so no gain is told."
        )
    if as_json:
        echo_json(
            {
                "name": name,
                "metric": subject.metric,
                "trials": {"best": subject.best.number},
                "gain": worth and worth.to_data(),
                "reason": reason or None,
                "test": dict(subject.tested.scores),
                "baseline": subject.tested.baseline,
            }
        )
        return
    screen = open_screen()
    if reason:
        screen.print(reason, soft_wrap=True)
    print_parts(screen, parts_of(subject, worth))
    if found is not None and worth is not None and found.importance.evidence.confidence != "good":
        screen.print("Read this with care: the confidence is low, as `tuner importance` says.")
