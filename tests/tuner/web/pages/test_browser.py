"""Our pages in a browser, on a study that goes on meanwhile: one session of Chromium for each database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import Status, status_of
from studies.running.reporting import STORE_EVERY
from studies.running.telling import tell
from studies.running.trial import RunningTrial, report
from studies.trials.outcomes import Outcome, count_name
from tests.contracts.servers import postgresql
from tests.studies.lives import begun
from tests.studies.samples import sample_definition
from tests.tuner.web.browser import launched
from tests.tuner.web.served import Served, served
from tuner.web.pages.reading.addresses import study_path

WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a database of a kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/tuner.db"
    else:
        with postgresql() as url:
            yield url


@dataclass
class Session:
    """A browser that looks at a served study, and all that it complained of."""

    browser: Browser
    server: Served
    ledger: Ledger
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def looking(self, path: str, *, size: dict[str, int] = WIDE, scheme: str = "light") -> Iterator[Page]:
        """Open a page."""
        context = self.browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        page.goto(f"{self.server.address}/interplay{path}")
        try:
            yield page
        finally:
            context.close()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    @property
    def pages(self) -> dict[str, str]:
        """Every page of ours, by what it shows."""
        here = study_path(self.ledger.name)
        return {
            "studies": "/",
            "workers": "/workers",
            "study": here,
            "filtered": f"{here}?branch={quote('optimizer=sgd')}&top=3&scale=log",
            "trial": f"{here}/trials/0",
            "running": f"{here}/trials/5",
            "compared": f"{here}/compare?trials=0,1,2",
            "analysis": f"{here}/analysis",
        }


def trained(ledger: Ledger, outcome: Outcome, score: float) -> RunningTrial:
    """Train a trial for some validations, and end it."""
    running = begun(ledger)
    for step in range(1, 5):
        report(running, step, score + 1 / step)
    assert tell(ledger, running, outcome, score if outcome is Outcome.COMPLETED else None, {"cause": "why"})
    return running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Look at a conditional study in which five trials have ended and one runs."""
    folder = tmp_path_factory.mktemp("pages")
    with database(request.param, folder) as url:
        opened = open_database(url)
        ledger = create(opened, sample_definition(trials=12, retry=False, trainer={"max_epochs": 4}), "")
        for place, outcome in enumerate((*3 * [Outcome.COMPLETED], Outcome.PRUNED, Outcome.DIVERGED)):
            trained(ledger, outcome, 0.5 - 0.1 * place)
        begun(ledger)
        with served(url, output=folder) as server, launched() as browser:
            yield Session(browser, server, ledger)
        opened.engine.dispose()


def shown_counts(page: Page) -> dict[str, int]:
    """Read the counts of the outcomes off the head of a study's page."""
    told = page.locator("#head .counts .outcome").all_inner_texts()
    pairs = [text.split(" ", 1) for text in told]
    return {outcome: int(count) for count, outcome in pairs}


def counts(status: Status) -> dict[str, int]:
    """Give the same of a status."""
    named = {"running": status.trials["running"]}
    named |= {outcome.value: status.trials[count_name(outcome)] for outcome in Outcome}
    return {name: count for name, count in named.items() if count}


def test_a_page_shows_what_the_status_says_and_follows_it(session: Session) -> None:
    """Counts, slots and best are those of `Status`; a trial that ends or is made appears without a reload."""
    ledger = session.ledger
    with session.looking(session.pages["study"]) as page:
        status = status_of(ledger)
        assert status.best is not None
        assert shown_counts(page) == counts(status)
        assert page.locator(".tiles dd b").first.inner_text() == f"{status.best.score:.5g}"
        assert page.locator(".tiles progress").get_attribute("aria-label") == "5 of 12 slots are spent"
        page.locator("#t0").check()
        page.locator("#outcome").focus()
        made = trained(ledger, Outcome.COMPLETED, 0.05)
        page.wait_for_selector(f"#t{made.number}")
        assert shown_counts(page) == counts(status_of(ledger))
        assert page.locator(".tiles dd b").first.inner_text() == "0.05"
        # What a reader has ticked and where the keyboard is stays.
        assert page.locator("#t0").is_checked()
        assert page.evaluate("document.activeElement.id") == "outcome"
        running = begun(ledger)
        later = running.reports.clock() + 2 * STORE_EVERY
        running.reports.clock = lambda: later  # so what it reports is stored at once
        report(running, 1, 0.625)
        page.wait_for_selector("#running >> text=0.625")
        assert tell(ledger, running, Outcome.PREEMPTED, None, {})
    with session.looking(session.pages["studies"]) as page:
        row = page.locator(f"tr:has-text('{ledger.name}')")
        assert f"{status_of(ledger).done} of 12" in row.inner_text()
        assert "0.05" in row.inner_text()
    assert session.complaints == []


def test_every_page_can_be_read_and_used_by_everyone(session: Session) -> None:
    """Light and dark, wide and narrow: axe finds nothing serious, and nothing scrolls sideways."""
    axe = Axe()
    # What a page looks like hangs on no database, so one of them is looked at from both sides.
    is_first = session.ledger.database.engine.dialect.name == "sqlite"
    looks = ((WIDE, "light"), (NARROW, "dark")) if is_first else ((WIDE, "light"),)
    for name, path in session.pages.items():
        for size, scheme in looks:
            with session.looking(path, size=size, scheme=scheme) as page:
                page.wait_for_selector("[data-status][data-state=on]")
                found = axe.run(page).response["violations"]
                told = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS]
                assert told == [], (name, scheme)
                wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert page.evaluate(wider) == 0, name
    assert session.complaints == []


def test_the_keyboard_alone_filters_and_compares(session: Session) -> None:
    """The first Tab offers to skip to the content; a filter and a comparison take no mouse."""
    with session.looking(session.pages["study"]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.locator("#outcome").focus()
        page.keyboard.type("completed")
        page.keyboard.press("Tab")
        page.locator("#top").focus()
        page.keyboard.type("2")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert "outcome=completed" in page.url
        assert "top=2" in page.url
        boxes = page.locator("table.trials input[type=checkbox]")
        assert boxes.count() == 2
        for place in range(2):
            boxes.nth(place).focus()
            page.keyboard.press("Space")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("h1").inner_text() == "2 trials compared"
    assert session.complaints == []


def test_a_page_is_complete_without_scripts(session: Session) -> None:
    """Without JavaScript each page has its content, and filters are a form."""
    context = session.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in session.pages.values():
        page.goto(f"{session.server.address}/interplay{path}")
        assert page.locator("h1").count() == 1
    page.goto(f"{session.server.address}/interplay{session.pages['study']}")
    page.select_option("#outcome", "diverged")
    with page.expect_navigation():
        page.click("form.filters button")
    assert page.locator("table.trials tbody tr").count() == 1
    context.close()
