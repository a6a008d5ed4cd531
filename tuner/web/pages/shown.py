"""How values look on a page: numbers, times, outcomes, and links that keep what a proxy put before them."""

from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from search_spaces.space.describe import show_value
from studies.ledger.absent import in_words
from studies.report.page import as_address
from studies.trials.outcomes import Outcome
from tuner.terminal.printable import one_line, printable
from tuner.web.pages.drawing.figures import outcome_class
from tuner.web.pages.reading import addresses
from tuner.web.site import PREFIX, Site

ABSENT = "–"  # noqa: RUF001 - a dash as wide as a digit, where there is nothing


def prepare(environment: Environment) -> None:
    """Give templates what all of them use."""
    environment.filters.update(
        {
            "line": one_line,
            "text": printable,
            "score": score,
            "value": value,
            "count": count,
            "ago": ago,
            "span": span,
            "when": when,
            "address": as_address,
        }
    )
    environment.globals.update(
        {
            "study_path": addresses.study_path,
            "trial_path": addresses.trial_path,
            "compare_path": addresses.compare_path,
            "with_query": addresses.with_query,
            "outcome_class": outcome_class,
            "outcome_name": lambda outcome: "running" if outcome is None else outcome.value,
            "Outcome": Outcome,
            "kind": lambda part: type(part).__name__,
            "ABSENT": ABSENT,
        }
    )
    for name in environment.list_templates():  # so that nobody's first page waits for it
        environment.get_template(name)


def page(site: Site, request: Request, template: str, **given: Any) -> Response:
    """Make a page of a template, which knows how addresses begin."""
    outside = str(request.scope.get("app_root_path", request.scope.get("root_path", "")))
    own = {"base": f"{outside}{PREFIX}", "outside": outside, "version": request.state.version}
    return site.templates.TemplateResponse(request, template, {**own, **given})


def score(number: float | None) -> str:
    """Write a score."""
    if number is None:
        return ABSENT
    return f"{number:.5g}"


def value(given: Any) -> str:
    """Write the value of a parameter; nothing for one that does not exist."""
    return "" if given is None else one_line(show_value(given))


def count(number: float) -> str:
    """Write a count with a thin space between thousands."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def ago(moment: datetime | None) -> str:
    """Say how long ago a moment was."""
    if moment is None:
        return ABSENT
    return f"{in_words(max(0.0, (datetime.now(UTC) - moment).total_seconds()))} ago"


def span(seconds: float | None) -> str:
    """Write how long something took, or has taken."""
    if seconds is None:
        return ABSENT
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.3g} s"
    return in_words(seconds)


def when(moment: datetime | None) -> str:
    """Write a moment as ISO 8601, for whoever asks for it by pointing at its age."""
    return "" if moment is None else moment.isoformat(timespec="seconds")
