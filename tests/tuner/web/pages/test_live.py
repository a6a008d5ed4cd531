"""How often pages hear of changes: by what it costs to make them."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from studies.ledger.ledger import Ledger
from tests.studies.lives import answer, begun
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known
from tuner.web.pages.live import COSTS, LONGEST, PAUSE, Versions, events_of


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def versions(url: str, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Versions]:
    """Give the versions of the studies of a database, each look at which is fresh."""
    monkeypatch.setattr("tuner.web.known.studies.FRESH", -1.0)
    analyses = Analyses(url)
    yield Versions(Known(ledger.database), analyses, clock)
    analyses.close()


def test_an_expensive_page_changes_as_much_more_rarely(
    versions: Versions, ledger: Ledger, clock: Clock
) -> None:
    """After pages that took a second, the next version comes `COSTS` seconds later, and is then there."""
    first = versions.of(ledger.name)
    versions.took(ledger.name, 0.5)
    versions.took(ledger.name, 0.5)
    begun(ledger)
    clock.now += COSTS - 0.1
    assert versions.of(ledger.name) == first
    clock.now += 0.2
    assert versions.of(ledger.name) != first


def test_a_cheap_page_changes_after_a_pause(versions: Versions, ledger: Ledger, clock: Clock) -> None:
    """Nobody waits longer than a pause for what costs next to nothing, and never longer than `LONGEST`."""
    first = versions.of(ledger.name)
    versions.took(ledger.name, 0.01)
    begun(ledger)
    clock.now += PAUSE
    second = versions.of(ledger.name)
    assert second != first
    versions.took(ledger.name, 1000.0)
    answer(ledger, [0.1])
    clock.now += LONGEST
    assert versions.of(ledger.name) != second


def test_what_a_still_study_has_cost_delays_no_later_change(
    versions: Versions, ledger: Ledger, clock: Clock
) -> None:
    """Who looks at many pages of a study in which nothing happens hears at once when something does."""
    first = versions.of(ledger.name)
    versions.took(ledger.name, 100.0)
    clock.now += 2 * LONGEST
    assert versions.of(ledger.name) == first
    begun(ledger)
    clock.now += PAUSE
    assert versions.of(ledger.name) != first


def test_whether_changes_can_be_heard_is_answered_at_once(versions: Versions) -> None:
    """HEAD has the headers of the stream, and ends, whatever the server does with a body."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(60.0)  # nobody hangs up
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def asked() -> None:
        scope = {"type": "http", "method": "HEAD", "path": "/events", "query_string": b"", "headers": []}
        await asyncio.wait_for(events_of(versions).handle(scope, receive, send), timeout=30.0)

    asyncio.run(asked())
    assert sent[0]["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in sent[0]["headers"]
    assert [message.get("body") for message in sent[1:]] == [b""]
