"""`tuner validate`: resolve a study file, list what varies, and train a few steps of every branch."""

import re
import shlex
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import echo_json, examples, json_option, set_option

if TYPE_CHECKING:
    from studies.definition.settings import StudySettings
    from studies.definition.study_file import StudyFile


@click.command(
    epilog=examples("tuner validate digits", "tuner validate my_study.yaml --set study.trials=100")
)
@click.argument("study")
@set_option
@json_option
def validate(study: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check a study file: train a few steps of every branch.

    STUDY is a YAML file, else a shipped study. Every parameter is listed, each branch and each value of a
    choice is trained for a few steps beside the defaults of the rest, and nothing is written. The exit code
    is 1 if one of them does not train, and 2 if the file is wrong.
    """
    from rich.progress import track

    from search_spaces.space.describe import describe
    from studies.analysis.shares.enough_trials import need_of
    from studies.definition.repetition import Repetition
    from studies.shipped.catalogue import find_study_file
    from tuner.preparation.first_look import look_at
    from tuner.workers.processes.fork_server import modules_of, warm_up

    look_at(study, overrides, None, stored=False)
    from tuner.preparation.apart import prepare_apart
    from tuner.preparation.describing import described
    from tuner.preparation.rehearsing import branches, rehearse, rehearse_branches
    from tuner.terminal.screen import busy, open_screen, print_parameters
    from tuner.training.resuming.exactness import announced, reasons_of_configuration
    from tuner.workers.processes.quiet import silence

    silence()
    screen = open_screen()
    file = find_study_file(study, overrides)
    if file is None:
        raise AssertionError("it has just been looked at")
    warm_up(modules_of(file.data))
    with busy("loading the module, training a few steps"):
        definition = prepare_apart(file)
        seen = rehearse(file, definition)
    rows, total = describe(definition.space), len(list(branches(definition.space)))
    table = described(definition.fixed.get("data"), file.source)
    lines, warning = ([], "") if table is None else (table.in_words(), table.warning)
    if not as_json:
        screen.print("".join(f"{line}\n" for line in lines), end="", soft_wrap=True)
        print_parameters(screen, rows)
    rehearsals = list(
        track(
            rehearse_branches(definition),
            "a few steps of every branch",
            total=total,
            console=screen,
            transient=True,
            disable=as_json or not screen.is_terminal,
        )
    )
    remarks = [warning, seen.remark if seen else "", *(rehearsal.remark for rehearsal in rehearsals)]
    for remark in dict.fromkeys(filter(None, remarks)):
        click.echo(remark, err=True)
    found = [seen.inexact if seen else (), *(rehearsal.inexact for rehearsal in rehearsals)]
    inexact = list(dict.fromkeys(chain(reasons_of_configuration(definition.fixed), *found)))
    failed = [rehearsal for rehearsal in rehearsals if rehearsal.cause]
    need = need_of(definition.space)
    if as_json:
        echo_json(
            {
                "name": definition.settings.name,
                "metric": definition.settings.metric,
                "parameters": [asdict(row) for row in rows],
                "branches": [asdict(rehearsal) for rehearsal in rehearsals],
                "inexact": inexact,
                "data": table and table.to_data(),
                "trials": definition.settings.trials,
                "trainings": definition.settings.trials * Repetition.of(definition.settings.repeats).count,
                "trials_needed": need.trials,
            }
        )
        return 1 if failed else 0
    for rehearsal in failed:
        screen.print(
            f"{rehearsal.choice} = {rehearsal.branch} does not train: {rehearsal.cause}", style="red"
        )
    if failed:
        return 1
    settings = definition.settings
    screen.print(
        f"{settings.name} is fine: {len(rows)} parameters, {total} choices tried, {_trainings(settings)}, "
        f"which {settings.direction} {settings.metric}."
    )
    if missing := need.in_words(definition.settings.trials):
        screen.print(f"That may be too few to say what mattered: {missing}")
    for reason in inexact:
        screen.print(announced(reason))
    screen.print(
        f"Next: {shlex.join(['tuner', 'run', *_asked(study, overrides, file)])}", soft_wrap=True, markup=False
    )
    return 0


def _trainings(settings: "StudySettings") -> str:
    """Say how many trials a study has, and how many trainings they are."""
    from studies.definition.repetition import Repetition

    count, trials = Repetition.of(settings.repeats).count, settings.trials
    said = "1 trial" if trials == 1 else f"{trials} trials"
    return said if count == 1 else f"{said} of up to {count} trainings, {trials * count} in all"


def _asked(study: str, overrides: tuple[str, ...], file: "StudyFile") -> list[str]:
    """Give the words that ask for what was checked; a table's study is called after its file."""
    from tuner.preparation.target import is_shipped_table

    called = []
    if is_shipped_table(file) and not file.is_changed("study.name"):
        stem = Path(str(file.data["data"]["init_args"]["path"])).name.partition(".")[0]
        called = ["--name", re.sub(r"[^\w-]+", "-", stem).strip("-") or "mine"]
    return [study, *called, *(part for override in overrides for part in ("--set", override))]
