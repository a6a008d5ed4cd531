"""`tuner importance`, `interactions`: what mattered, what depends on what, and how sure that is."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.analysis.held import check_pairs, held_values, parts_of_space
from tuner.commands.options import echo_json, examples, json_option, open_database, storage_option

if TYPE_CHECKING:
    from optuna.study import Study

    from studies.analysis.findings.fixing import Cost
    from studies.analysis.findings.tied import NearBest
    from studies.analysis.observations.of_study import StudyAnalysis
    from studies.analysis.shares.importance import Contribution
    from studies.analysis.shares.intervals import Estimate
    from studies.analysis.views import PairView

objective_option = click.option(
    "--objective",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which objective, of a study that has several.",
)
where_option = click.option(
    "--where",
    multiple=True,
    metavar="PARAMETER=PART",
    help="Keep to a part of the space, such as norm=none or optimizer.adamw.lr=0.003..0.1; may be repeated.",
)
pair_option = click.option(
    "--pair",
    "asked",
    nargs=2,
    multiple=True,
    metavar="A B",
    help="Look at two parameters, whether the trials show that they interact or not; may be repeated.",
)
fix_option = click.option(
    "--fix",
    "fixed",
    multiple=True,
    metavar="PARAMETER=VALUE",
    help="Say what fixing a parameter loses, such as dropout=none; several are fixed together.",
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
    choice stands above the parameters of its branches. A second table keeps to the best tenth of the space.
    """
    _show(name, objective, where, (), storage, as_json=as_json, pairs=False)


@click.command(
    epilog=examples(
        "tuner interactions digits --json",
        "tuner interactions digits --fix norm=none",
        "tuner interactions digits --pair norm optimizer --where 'optimizer.adamw.lr=0.003..0.1'",
    )
)
@click.argument("name")
@objective_option
@where_option
@pair_option
@fix_option
@storage_option
@json_option
def interactions(
    name: str,
    objective: int | None,
    where: tuple[str, ...],
    asked: tuple[tuple[str, str], ...],
    fixed: tuple[str, ...],
    storage: str | None,
    as_json: bool,
) -> None:
    """Show which parameters depend on one another.

    NAME is a study of the database, which may be one that plain Optuna made. Shares have 90 % intervals. With
    --fix the best expected score with the parameters fixed stands beside the best without; a parameter of a
    branch is fixed where it exists. With --pair two parameters are looked at, and with --where all keeps to a
    part of the space, in which every parameter that is named exists.
    """
    _show(name, objective, where, fixed, storage, asked=asked, as_json=as_json, pairs=True)


def _show(
    name: str,
    objective: int | None,
    where: tuple[str, ...],
    fixed: tuple[str, ...],
    storage: str | None,
    *,
    asked: tuple[tuple[str, str], ...] = (),
    as_json: bool,
    pairs: bool,
) -> None:
    from studies.analysis.findings.fixing import cost_of_fixing
    from studies.analysis.findings.tied import near_the_best
    from studies.analysis.observations.of_study import analyse, space_of
    from studies.analysis.views import pair_of, pair_view
    from studies.analysis.words import what_is_missing, without_failed_in_words
    from tuner.terminal.pairs import pair_data
    from tuner.terminal.screen import open_screen, progress_of

    study = _open(storage, name)
    held, part = held_values(study, fixed), parts_of_space(study, where)
    check_pairs(space_of(study), asked, part)
    with progress_of("analysis", shown=not as_json) as progress:
        found = analyse(
            study,
            objective=objective,
            where=part,
            compare=as_json or not pairs,
            progress=progress,
        )
        near = None if pairs else near_the_best(found)
        cost = cost_of_fixing(found, held) if held else None
        seen = [pair_view(found, pair_of(found, *names)) for names in asked]
    if as_json:
        told = {"fixed": cost and cost.to_data(), "asked": [pair_data(view) for view in seen]}
        beside = told if pairs else {"near_best": near and near.to_data()}
        echo_json({**found.to_data(), **beside})
        return
    screen = open_screen()
    if cost is not None or seen:
        _print_answers(screen, found, seen, cost)
        return
    _print_evidence(screen.print, found)
    if not found.importance.evidence.has_structure:
        screen.print(what_is_missing(found))
        return
    for sentence in without_failed_in_words(found):
        screen.print(f"  {sentence}")
    if pairs:
        _print_pairs(screen, found)
    else:
        _print_parameters(screen, found)
        if near is not None:
            _print_near_best(screen, found, near)


def _print_answers(
    screen: Any, found: "StudyAnalysis", seen: "Sequence[PairView]", cost: "Cost | None"
) -> None:
    """Print what was asked for: pairs, and what fixing parameters loses."""
    from studies.analysis.observations.region import in_words
    from tuner.terminal.pairs import print_pair

    if found.where:
        screen.print(f"Where {in_words(found.where)}:")
    for view in seen:
        print_pair(screen, view)
    if cost is not None:
        screen.print(cost.in_words())
    if found.importance.evidence.confidence != "good":
        screen.print("Read this with care: the confidence is low, as `tuner importance` says.")


def _print_near_best(screen: Any, found: "StudyAnalysis", near: "NearBest") -> None:
    from studies.report.sections.decisions.near_best import rows_of
    from tuner.terminal.screen import print_table

    if near.unclear:
        screen.print(near.unclear)
    elif rows := rows_of(found, near)[:SHOWN]:
        screen.print(f"Near the best: in the tenth of the space whose {found.metric} is best")
        head = ("parameter", "with interactions there", "alone there", "over the whole space", "alone")
        print_table(screen, head, rows)
    for each in near.tied:
        screen.print(each.in_words())


def _print_parameters(screen: Any, found: "StudyAnalysis") -> None:
    from studies.analysis.shares.tree import show_when, tree_of
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
    from studies.analysis.shares.tree import show_when
    from studies.analysis.words import no_interaction
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


def _share_cells(share: "Contribution | Estimate | None") -> list[str]:
    if share is None or share.share is None or share.low is None or share.high is None:
        return ["-", "-"]
    return [f"{share.share:.2f}", f"{share.low:.2f} .. {share.high:.2f}"]


def _print_evidence(show: Callable[[str], Any], found: "StudyAnalysis") -> None:
    from studies.analysis.observations.region import in_words
    from tuner.terminal.printable import one_line

    evidence = found.importance.evidence
    show(f"{one_line(found.name)}: {found.importance.verdict}; shares of the variance of {found.what}")
    if found.where:
        show(f"  where {in_words(found.where)}")
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
