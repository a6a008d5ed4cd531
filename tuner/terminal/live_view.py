"""What a running study shows: a calm live view in a terminal, a line a trial elsewhere, nothing if quiet."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search_spaces.space.describe import show_value
from studies.ledger.ledger import Ledger
from studies.ledger.status import status_of
from studies.trials.outcomes import EFFECTS, Outcome, ended_in_words, in_words
from studies.trials.trained import planned_validations
from tuner.terminal.printable import one_line
from tuner.terminal.screen import open_screen
from tuner.workers.events import (
    Event,
    Places,
    ShownTrial,
    TrialEnded,
    TrialScored,
    TrialStarted,
    View,
    Waiting,
    unseen,
)

REFRESH = 4.0  # times a second
MOST_LINES = 16  # running trials that are shown by a line each
_LEAVING = "leaving when the epoch ends; Ctrl-C again ends at once"


@contextmanager
def view_for(ledger: Ledger, stop: threading.Event, *, quiet: bool, workers: int = 1) -> Iterator[View]:
    """Give the view of so many workers, who leave when `stop` is set, that suits where the output goes."""
    screen = open_screen()
    if quiet:
        yield unseen
    elif screen.is_terminal:
        view = LiveView(ledger, workers, stop)
        # It leaves no trace: the results that follow say the same of a study that has ended.
        shown = Live(get_renderable=view.render, console=screen, refresh_per_second=REFRESH, transient=True)
        with shown:
            shown.refresh()  # at once, since a trial may end before the first tick
            yield view
    else:
        yield LineView(ledger, screen)


class LineView:
    """Prints a line for each trial that ended."""

    def __init__(self, ledger: Ledger, console: Console) -> None:
        """Print to `console`."""
        self._ledger = ledger
        self._console = console
        self._waiting = False
        self._of = planned_validations(ledger.definition)
        self._last: dict[int, tuple[int, float]] = {}  # by trial: its last validation, and the score there

    def __call__(self, event: Event) -> None:
        """Print a line where a trial has ended, and once where other workers hold the last slots."""
        match event:
            case TrialScored(running, step, score):
                self._last[running.number] = step, score
            case TrialEnded(running, outcome, score):
                self._ended(running, outcome, score)
            case Waiting():
                if not self._waiting:
                    self._console.print("waiting for slots that other workers hold")
                self._waiting = True
            case Places():
                self._console.print(_in_words(event))

    def _ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        self._waiting = False
        budget, best = self._ledger.slots.budget(), self._ledger.best()
        step, last = self._last.pop(running.number, (0, None))
        shown = ended_in_words(outcome, score, last=last, after=step, of=running.validations or self._of)
        leader = f"best {best.score:.5g} (trial {best.number})" if best else "no best yet"
        seconds = time.monotonic() - running.started
        self._console.print(
            f"[{budget.done}/{budget.total}] trial {running.number} {shown} in {seconds:.1f} s, {leader}"
        )


class LiveView:
    """Shows the budget, the running trial against the best, counts of outcomes and the time left."""

    def __init__(self, ledger: Ledger, workers: int = 1, stop: threading.Event | None = None) -> None:
        """Show `ledger`, and so many workers, who leave when `stop` is set."""
        self._ledger = ledger
        self._stop = stop or threading.Event()
        self._workers = workers
        self._began = time.monotonic()
        self._of = planned_validations(ledger.definition)
        self._running: dict[int, tuple[ShownTrial, int, float | None]] = {}
        self._last: tuple[str, Outcome | None] = ("", None)
        self._is_waiting = False
        self._places: Places | None = None  # of an engine's workers
        self._refresh_counts()
        self._done_before = self._budget.done

    def _refresh_counts(self) -> None:
        self._budget, self._best = self._ledger.slots.budget(), self._ledger.best()
        self._counts = status_of(self._ledger).trials

    def __call__(self, event: Event) -> None:
        """Take up what has happened."""
        match event:
            case TrialStarted(running):
                self._running[running.number], self._is_waiting = (running, 0, None), False
            case TrialScored(running, step, score):
                self._running[running.number] = (running, step, score)
            case TrialEnded(running, outcome, score):
                _, step, last = self._running.pop(running.number, (running, 0, None))
                of = running.validations or self._of
                shown = ended_in_words(outcome, score, last=last, after=step, of=of)
                self._last = f"trial {running.number} {shown}", outcome
                self._refresh_counts()
            case Waiting():
                self._is_waiting = True
            case Places(running):
                self._workers, self._places = running, event

    def render(self) -> RenderableType:
        """Draw the view; it only reads what the events left, never the database."""
        budget, settings = self._budget, self._ledger.definition.settings
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(one_line(self._ledger.name), style="bold"),
            ProgressBar(total=budget.total, completed=budget.done, width=30),
            f"{budget.done}/{budget.total} slots",
            self._time(),
        )
        best = "none yet" if self._best is None else f"{self._best.score:.5g} (trial {self._best.number})"
        counts = in_words(self._counts, usual=True)
        last, outcome = (_LEAVING, None) if self._stop.is_set() else self._last
        return Group(
            head,
            Text(f"best {settings.metric} {best}", style="green"),
            *self._now(),
            Text(counts, style="dim", overflow="ellipsis", no_wrap=True),
            Text(last, style="" if outcome is None else EFFECTS[outcome].style),
        )

    def _now(self) -> list[Text]:
        """Write a line for each worker: always as many, so that those below stay where they are."""
        lines = [self._line(*shown) for _, shown in sorted(self._running.items())]
        what = "waiting for slots that other workers hold" if self._is_waiting else "choosing the next trial"
        lines += [Text(what, style="dim")] * (self._workers - len(lines))
        if more := lines[MOST_LINES:]:
            lines = [*lines[:MOST_LINES], Text(f"and {len(more)} more", style="dim")]
        return lines if self._places is None else [*lines, Text(_in_words(self._places), style="dim")]

    def _line(self, running: ShownTrial, step: int, score: float | None) -> Text:
        of = f"/{count}" if (count := running.validations or self._of) else ""
        metric = self._ledger.definition.settings.metric
        shown = "" if score is None else f"  {metric} {score:.5g}"
        # What a branch holds would say little without its name, and there is no room for both.
        choices = [
            f"{name}={show_value(value)}"
            for name, value in running.values.items()
            if isinstance(value, str) and "." not in name
        ]
        line = f"trial {running.number}  validation {step}{of}{shown}  {' '.join(choices)}"
        return Text(line, overflow="ellipsis", no_wrap=True)

    def _time(self) -> str:
        elapsed = time.monotonic() - self._began
        done, missing = self._budget.done - self._done_before, self._budget.total - self._budget.done
        left = f", about {_clock(elapsed / done * missing)} left" if done and missing else ""
        return f"{_clock(elapsed)}{left}"


def _in_words(places: Places) -> str:
    """Say how many workers an engine runs, and what of the others."""
    parts = [f"{places.running} workers run" if places.running != 1 else "1 worker runs"]
    if places.waiting:
        parts.append(f"{places.waiting} wait for a place{f' ({one_line(places.why)})' if places.why else ''}")
    if places.ended:
        parts.append(f"{places.ended} have ended" if places.ended != 1 else "1 has ended")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
