"""The page of a study: how far it is, its curves, its trials by the tree of parameters, its analysis."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from search_spaces.space.parameters import options
from studies.report.subject import level_in_words
from studies.trials.outcomes import Outcome
from studies.trials.provenance import provenance_of
from studies.trials.trained import planned_validations
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known, KnownStudy, Seen
from tuner.web.pages.drawing.figures import curves, outcome_bar, outcome_class, progress
from tuner.web.pages.drawing.parallel import Line, Panel, panels
from tuner.web.pages.reading.asked import ORDERS, RUNNING, SCALES, Asked, branching
from tuner.web.pages.reading.columns import branches_of
from tuner.web.pages.reading.selection import Selection, as_record, ranked, select
from tuner.web.pages.reading.summary import Summary, summary_of
from tuner.web.pages.shown import page, score
from tuner.web.site import Site

LINES = 100  # trials that the parallel coordinates show, unless `top` says how many
CURVES = 24  # of the best and of the newest trials each
RECENT = 50  # of the newest trials, whose origins say what the search is doing


@dataclass(frozen=True)
class Figures:
    """The figures of the page."""

    progress: str
    note: str
    curves: str
    panels: Sequence[Panel]
    lines: int


def show_study(site: Site, known: Known, analyses: Analyses, request: Request) -> Response:
    """Show a study.

    Raises:
        UnknownStudy: there is none of that name.
        HTTPException: with status 400, where the query asks for what there is not.
    """
    study = known.study(request.path_params["name"])
    asked = Asked.of(request.query_params, study.space)
    summary = summary_of(known, study)
    lines = summary.lines
    chosen = select(study, lines, asked)
    trials = study.trials(list(chosen.page))
    left = study.left(lines)
    running = study.trials([line for line in lines.running if line.number not in left][-RECENT:])
    analysis, is_made = analyses.of(study, lines.told, summary.candidates)
    return page(
        site,
        request,
        "study.html",
        study=study,
        summary=summary,
        asked=asked,
        chosen=chosen,
        trials=trials,
        running=running,
        left=left,
        branches=branches_of(study.space, [each.record.values for each in trials]),
        figures=_figures(study, summary, asked, chosen, running),
        bar=outcome_bar([(outcome_class(outcome), count) for outcome, count in summary.counts]),
        analysis=analysis,
        is_made=is_made,
        level=level_in_words(summary.candidates),
        origins=_origins(study, summary),
        planned=None if study.ledger is None else planned_validations(study.ledger.definition),
        choices=[
            (each.name, [str(option) for option in options(each.node)])
            for each in branching(study.space)
            # The choices within branches are asked for by the address; a form with all of them would be long.
            if not each.conditions or each.name in dict(asked.branches)
        ],
        outcomes=[RUNNING, *(outcome.value for outcome in Outcome)],
        orders=ORDERS,
        scales=SCALES,
    )


def _figures(
    study: KnownStudy, summary: Summary, asked: Asked, chosen: Selection, running: Sequence[Seen]
) -> Figures:
    lines, metric = summary.lines, study.metric
    shown = sorted(chosen.all, key=lambda line: line.number)
    drawn, note = progress(
        [as_record(line) for line in shown], metric, minimizes=study.minimizes, scale=asked.scale
    )
    by_rank = ranked(lines, minimizes=study.minimizes)
    first = [line for line in by_rank if line.outcome is Outcome.COMPLETED][:CURVES]
    wanted = {line.key: line for line in (*first, *lines.all[-CURVES:])}
    if asked.is_filtered:
        meant = {line.key for line in chosen.all}
        few = chosen.all[: 2 * CURVES]
        wanted = {key: line for key, line in wanted.items() if key in meant} | {
            line.key: line for line in few
        }
    records = [each.record for each in study.trials(list(wanted.values()))]
    there = {record.number for record in records}
    records += [each.record for each in running if each.record.number not in there and not asked.is_filtered]
    number = summary.candidates[0].trial.number if summary.candidates else first[0].number if first else None
    best = next((record for record in records if record.number == number), None)
    drawn_lines = _lines(study, chosen, asked)
    space = branches_of(study.space, [line.values for line in drawn_lines])
    return Figures(
        drawn,
        note,
        curves(records, metric, best, minimizes=study.minimizes),
        panels(space, drawn_lines, metric, asked.scale or "linear"),
        len(drawn_lines),
    )


def _lines(study: KnownStudy, chosen: Selection, asked: Asked) -> list[Line]:
    """Give the completed trials among those that are meant as lines, the best ones where there are many."""
    sign = 1.0 if study.minimizes else -1.0
    completed = [line for line in chosen.all if line.outcome is Outcome.COMPLETED and line.score is not None]
    best = sorted(completed, key=lambda line: sign * (line.score or 0.0))[: asked.top or LINES]
    found = []
    for place, seen in enumerate(study.trials(best)):
        record = seen.record
        if record.score is None:
            continue
        quality = 1.0 - place / max(len(best) - 1, 1)
        said = f"trial {record.number}: {score(record.score)}"
        found.append(Line(record.number, record.values, record.score, quality, said))
    return found


def _origins(study: KnownStudy, summary: Summary) -> Sequence[tuple[str, int]]:
    """Count how the values of the newest trials were proposed."""
    newest = study.trials(list(summary.lines.all[-RECENT:]))
    counted = Counter(seen.record.origin for seen in newest if seen.record.origin)
    return counted.most_common()


def show_analysis(site: Site, known: Known, analyses: Analyses, request: Request) -> Response:
    """Show what the trials of a study say: the sections of its report, made in the background."""
    study = known.study(request.path_params["name"])
    lines = study.lines()
    analysis, is_made = analyses.of(study, lines.told, known.candidates(study, lines))
    origin = None
    if study.ledger is not None:
        origin = provenance_of(study.ledger.study.user_attrs, []).rows()
    return page(
        site,
        request,
        "analysis.html",
        study=study,
        told=lines.told,
        analysis=analysis,
        is_made=is_made,
        origin=origin or [],
    )
