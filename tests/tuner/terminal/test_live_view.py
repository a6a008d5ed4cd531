"""What a running study shows, drawn at the widths of real terminals."""

import re
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from search_spaces.space.describe import describe
from search_spaces.space.nodes import Group
from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.studies.samples import SPACE, sample_definition
from tuner.terminal.live_view import LineView, LiveView
from tuner.terminal.screen import print_parameters
from tuner.workers.events import ShownTrial, TrialEnded, TrialScored, TrialStarted, Waiting

WIDTHS = (60, 80, 120)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A study of four slots, nothing spent."""
    return create(open_database(f"sqlite:///{tmp_path}/tuner.db"), sample_definition(name="small"), "")


def drawn(view: LiveView, width: int) -> list[str]:
    """Draw a live view in a terminal of some width."""
    console = Console(file=StringIO(), width=width, force_terminal=True, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(view.render())
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_view_stays_where_it_is(ledger: Ledger, width: int) -> None:
    """From the first moment to the last the view has the same five lines, none wider than the terminal."""
    stop = threading.Event()
    view = LiveView(ledger, stop=stop)
    seen = [drawn(view, width)]
    for score in (0.5, 0.25, 0.75):
        running = begun(ledger)
        view(TrialStarted(ShownTrial.of(running)))
        seen.append(drawn(view, width))
        running.trial.report(score, 1)
        view(TrialScored(ShownTrial.of(running), 1, score))
        seen.append(drawn(view, width))
        assert tell(ledger, running, Outcome.COMPLETED, score, {})
        view(TrialEnded(ShownTrial.of(running), Outcome.COMPLETED, score))
        seen.append(drawn(view, width))
    view(Waiting())
    seen.append(drawn(view, width))
    stop.set()
    seen.append(drawn(view, width))
    assert seen[-1][-1] == "leaving when the epoch ends; Ctrl-C again ends at once"
    assert {len(lines) for lines in seen} == {5}
    assert max(len(line) for lines in seen for line in lines) <= width


def test_the_live_view_tells_what_matters(ledger: Ledger) -> None:
    """Budget, best, the running trial with its score and choices, and how the last one ended are shown."""
    view = LiveView(ledger)
    assert drawn(view, 80)[1:3] == ["best val_loss none yet", "choosing the next trial"]
    first = begun(ledger)
    view(TrialStarted(ShownTrial.of(first)))
    view(TrialScored(ShownTrial.of(first), 3, 0.5))
    optimizer = first.values["optimizer"]
    assert drawn(view, 80)[2] == f"trial 0  validation 3/9  val_loss 0.5  optimizer={optimizer}"
    assert tell(ledger, first, Outcome.COMPLETED, 0.5, {})
    view(TrialEnded(ShownTrial.of(first), Outcome.COMPLETED, 0.5))
    lines = drawn(view, 80)
    assert lines[0].startswith("small  ")
    assert "1/4 slots" in lines[0]
    assert "left" in lines[0]
    assert lines[1:] == [
        "best val_loss 0.5 (trial 0)",
        "choosing the next trial",
        "1 complete, 0 pruned, 0 diverged, 0 failed",
        "trial 0 completed 0.5",
    ]


def test_a_line_a_trial(ledger: Ledger) -> None:
    """Where nobody watches, each trial leaves one line with how far it came; waiting is said once."""
    console = Console(file=StringIO(), width=80)
    view = LineView(ledger, console)
    running, pruned = begun(ledger), begun(ledger)
    with console.capture() as capture:
        assert tell(ledger, running, Outcome.DIVERGED, None, {})
        view(TrialEnded(ShownTrial.of(running), Outcome.DIVERGED, None))
        view(Waiting())
        view(Waiting())
        for step, score in ((1, 0.5), (2, 0.44)):
            view(TrialScored(ShownTrial.of(pruned), step, score))
        assert tell(ledger, pruned, Outcome.PRUNED, None, {})
        view(TrialEnded(ShownTrial.of(pruned), Outcome.PRUNED, None))
    first, second, third = capture.get().splitlines()
    assert re.fullmatch(r"\[1/4\] trial 0 diverged in \d+\.\d s, no best yet", first)
    assert third.startswith("[2/4] trial 1 pruned at 0.44 after 2 of 9 in ")
    assert second == "waiting for slots that other workers hold"


@pytest.mark.parametrize("width", [30, *WIDTHS])
def test_a_listing_of_parameters_cuts_nothing(width: int) -> None:
    """Every name, range, default and condition is there, whatever the width, and no line is too long."""
    console = Console(file=StringIO(), width=width)
    rows = describe(Group({**SPACE.children}))
    with console.capture() as capture:
        print_parameters(console, rows)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(" ".join(lines).split())
    for row in rows:
        assert row.name in words
        assert row.range in words
        assert row.default in words
        assert row.when == "always" or f"if {row.when}" in words
