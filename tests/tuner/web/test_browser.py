"""The dashboard in a real browser: logging in, and optuna-dashboard's own pages behind our headers."""

from playwright.sync_api import expect

from studies.ledger.ledger import Ledger
from tests.tuner.web.browser import opened
from tests.tuner.web.served import served
from tuner.web.access.rules import Access
from tuner.web.access.tokens import Token

SECRET = "correct-horse-battery"  # noqa: S105 - of this test
PAGES = ("", "/analytics", "/trials", "/trialTable", "/note")


def test_a_person_logs_in_and_reaches_the_page_that_was_asked_for(url: str, ledger: Ledger) -> None:
    """A wrong token is told, the right one opens the page; no script sees the cookie, no URL the token."""
    with served(url, access=Access(token=Token(SECRET))) as server, opened() as (page, complaints):
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(f"{server.address}/dashboard/studies/1")
        assert "/interplay/login?next=/dashboard/studies/1" in page.url
        page.get_by_label("Token").fill("not-the-right-one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the token of this dashboard.")
        page.get_by_label("Token").fill(SECRET)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{server.address}/dashboard/studies/1")
        expect(page.get_by_text(ledger.name).first).to_be_visible()
        (cookie,) = page.context.cookies()
        assert cookie["httpOnly"]
        assert SECRET not in cookie["value"]
        assert page.evaluate("document.cookie") == ""
        assert not any(SECRET in address for address in addresses)
    assert complaints == []


def test_the_pages_of_optuna_dashboard_work_behind_our_headers(url: str, ledger: Ledger) -> None:
    """Each is drawn without a complaint, and a note of ours is shown."""
    with served(url) as server, opened() as (page, complaints):
        for path in PAGES:
            page.goto(f"{server.address}/dashboard/studies/1{path}")
            expect(page.get_by_text(ledger.name).first).to_be_visible()
            page.wait_for_load_state("networkidle")
        expect(page.get_by_text("slots are spent").first).to_be_visible(timeout=60_000)
    assert complaints == []
