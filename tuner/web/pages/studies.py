"""The list of studies: how each ended or goes on, its best with its spread, its age, who works."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from search_spaces.errors import first_line
from studies.database.failures import is_of_database
from studies.ledger.fleet.at_work import AT_WORK, WAITING
from tuner.web.known.studies import Known, KnownStudy
from tuner.web.pages.reading.asked import MOST_PAGES, whole
from tuner.web.pages.reading.summary import Summary, summary_of
from tuner.web.pages.shown import page
from tuner.web.site import Site

ROWS = 25


@dataclass(frozen=True)
class Row:
    """A study of the list; `trouble` says why there is no more to show."""

    study: KnownStudy
    summary: Summary | None
    workers: int
    trouble: str | None


def list_studies(site: Site, known: Known, request: Request) -> Response:
    """Show the studies of the database, the newest first."""
    number = whole("page", request.query_params.get("page"), MOST_PAGES) or 1
    there = known.all()
    pages = max(1, -(-len(there) // ROWS))
    number = min(number, pages)
    held: dict[str, set[str]] = {}
    fleet = known.fleet()
    for row in fleet.workers:
        for one in row.held if not row.is_gone else ():
            held.setdefault(one.ledger, set()).add(row.worker.identifier)
    shown = there[(number - 1) * ROWS : number * ROWS]
    rows = [_row(known, study, len(held.get(study.following.ledger or "", ()))) for study in shown]
    return page(
        site,
        request,
        "studies.html",
        rows=rows,
        count=len(there),
        number=number,
        pages=pages,
        unread=sum(row.summary.lines.unread for row in rows if row.summary),
        alive=fleet.count(AT_WORK) + fleet.count(WAITING),
        lost=sum(row.is_gone and bool(row.held) for row in fleet.workers),
    )


def _row(known: Known, study: KnownStudy, workers: int) -> Row:
    """Give the row of a study; one that cannot be read says so, and hides no other."""
    try:
        return Row(study, summary_of(known, study), workers, study.trouble)
    except Exception as error:
        if is_of_database(error):
            raise
        return Row(study, None, workers, f"It cannot be read: {type(error).__name__}: {first_line(error)}.")
