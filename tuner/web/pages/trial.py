"""The page of a trial, and of several beside one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.artifacts.exceptions import ArtifactNotFound
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from search_spaces.space.nodes import Value
from search_spaces.space.parameters import default_values
from studies.definition.yaml_text import yaml_text
from studies.ledger.following import Lines
from studies.trials.diagnosis import Finding, diagnose
from studies.trials.difference import Difference, differences
from studies.trials.record import TrialRecord
from studies.trials.trained import planned_validations
from tuner.web.beside.artifacts import RunArtifacts, artifacts_of_trial
from tuner.web.known.studies import Known, KnownStudy, Seen
from tuner.web.pages.drawing.figures import curves_together
from tuner.web.pages.reading.asked import MOST_PAGES, compared, whole
from tuner.web.pages.reading.columns import branches_of
from tuner.web.pages.reading.log import log_of
from tuner.web.pages.shown import page
from tuner.web.site import Site

_PIECE = 1 << 16  # bytes that are sent at once


@dataclass(frozen=True)
class Compared:
    """A parameter in several trials; `values` are None where it does not exist."""

    name: str
    default: Value | None
    values: Sequence[Value | None]

    @property
    def differs(self) -> bool:
        """Whether the trials differ in it."""
        return any(value != self.values[0] for value in self.values[1:])


def show_trial(site: Site, known: Known, request: Request) -> Response:
    """Show a trial.

    Raises:
        UnknownStudy, UnknownTrial: there is none.
    """
    study, lines, seen = _asked_for(known, request)
    record = seen.record
    candidates = known.candidates(study, lines)
    candidate = next((each for each in candidates if each.trial.number == record.number), None)
    others = [line for line in lines.all if record.slot is not None and line.slot == record.slot]
    return page(
        site,
        request,
        "trial.html",
        study=study,
        seen=seen,
        trial=record,
        lost=study.left(lines).get(record.number),
        changed=_changed(study, record),
        findings=_findings(study, record),
        curve=curves_together([record], study.metric, minimizes=study.minimizes) if record.curve else "",
        planned=None if study.ledger is None else planned_validations(study.ledger.definition, record),
        configuration=None if record.configuration is None else yaml_text(dict(record.configuration)),
        candidate=candidate,
        attempts=others if len(others) > 1 else [],
        before=record.number - 1 if record.number else None,
        after=record.number + 1 if lines.unread or record.number + 1 in lines.by_number else None,
        files=artifacts_of_trial(study.number, study.name, seen.trial, site.files),
        log=log_of(site.files, study.name, record.number),
    )


def send_file(site: Site, known: Known, artifacts: RunArtifacts, request: Request) -> Response:
    """Send a file of a trial: a text to be read, weights to be saved.

    Raises:
        HTTPException: with status 404, where there is none of that name.
    """
    study, _, seen = _asked_for(known, request)
    name = request.path_params["file"]
    files = artifacts_of_trial(study.number, study.name, seen.trial, site.files)
    try:
        opened = artifacts.open_reader(files[name])
    except (KeyError, ArtifactNotFound):
        raise HTTPException(
            404, f"Trial {seen.record.number} has no such file here; its page lists those that it has."
        ) from None
    is_text = name.endswith((".log", ".yaml"))
    how = "inline" if is_text else "attachment"
    return StreamingResponse(
        iter(lambda: opened.read(_PIECE), b""),
        media_type="text/plain; charset=utf-8" if is_text else "application/octet-stream",
        headers={"content-disposition": f'{how}; filename="{name}"'},
        background=BackgroundTask(opened.close),
    )


def compare(site: Site, known: Known, request: Request) -> Response:
    """Show two to ten trials beside one another.

    Raises:
        UnknownStudy, UnknownTrial: there is none.
        HTTPException: with status 400, where the query names no two to ten trials.
    """
    study = known.study(request.path_params["name"])
    numbers = compared(request.query_params)
    lines = study.lines()
    trials = [study.trial(lines, number) for number in numbers]
    rows = _rows(study, [seen.record for seen in trials])
    return page(
        site,
        request,
        "compare.html",
        study=study,
        trials=trials,
        left=study.left(lines),
        rows=[row for row in rows if row.differs],
        alike=[row for row in rows if not row.differs],
        curve=curves_together(
            [seen.record for seen in trials], study.metric, minimizes=study.minimizes, width=760
        )
        if any(seen.record.curve for seen in trials)
        else "",
        facts=_facts(trials),
    )


def _asked_for(known: Known, request: Request) -> tuple[KnownStudy, Lines, Seen]:
    study = known.study(request.path_params["name"])
    lines = study.lines()
    number = whole("The trial", request.path_params["number"], MOST_PAGES * 1000, least=0, status=404)
    return study, lines, study.trial(lines, number or 0)


def _changed(study: KnownStudy, record: TrialRecord) -> Sequence[Difference] | None:
    """Give what sets the values apart from the defaults; None where these are not known."""
    if study.ledger is None:
        return None
    definition = study.ledger.definition
    try:
        return differences(definition.space_of(record.space_version), record.values)
    except IndexError:  # anyone may have written the version
        return differences(definition.space, record.values)


def _findings(study: KnownStudy, record: TrialRecord) -> Sequence[Finding]:
    return diagnose(
        record.facts or {}, list(record.curve.values()), metric=study.metric, minimizes=study.minimizes
    )


def _rows(study: KnownStudy, trials: Sequence[TrialRecord]) -> list[Compared]:
    defaults: Mapping[str, Value] = {} if study.space is None else default_values(study.space)
    values = [trial.values for trial in trials]
    named = [column.name for branch in branches_of(study.space, values) for column in branch.columns]
    names = dict.fromkeys([*named, *(name for trial in trials for name in trial.values)])
    return [
        Compared(name, defaults.get(name), [trial.values.get(name) for trial in trials])
        for name in names
        if any(name in trial.values for trial in trials)
    ]


def _facts(trials: Sequence[Seen]) -> list[tuple[str, list[Any]]]:
    names = dict.fromkeys(name for seen in trials for name in seen.record.facts or {})
    return [
        (name.replace("_", " "), [(seen.record.facts or {}).get(name) for seen in trials]) for name in names
    ]
