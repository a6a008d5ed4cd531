"""What a running study shows: one calm live view in a terminal, one line a trial elsewhere, nothing if quiet."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search_spaces.describe import show_value
from studies.ledger import Ledger
from studies.outcomes import Outcome
from studies.trials import RunningTrial
from tuner.worker import View

REFRESH = 4.0  # times a second
_STYLES = {Outcome.COMPLETED: "", Outcome.PRUNED: "dim", Outcome.DIVERGED: "yellow", Outcome.FAILED: "red"}


@contextmanager
def view_for(ledger: Ledger, *, quiet: bool) -> Iterator[View]:
    """Give the view that suits where the output goes."""
    console = Console()
    if quiet:
        yield QuietView()
    elif console.is_terminal:
        view = LiveView(ledger)
        with Live(get_renderable=view.render, console=console, refresh_per_second=REFRESH):
            yield view
    else:
        yield LineView(ledger, console)


class QuietView:
    """Shows nothing."""

    def started(self, running: RunningTrial) -> None:
        """Show nothing."""

    def scored(self, running: RunningTrial, step: int, score: float) -> None:
        """Show nothing."""

    def ended(self, running: RunningTrial, outcome: Outcome, score: float | None) -> None:
        """Show nothing."""

    def waiting(self) -> None:
        """Show nothing."""


class LineView(QuietView):
    """Prints a line for each trial that ended."""

    def __init__(self, ledger: Ledger, console: Console) -> None:
        """Print to `console`."""
        self._ledger = ledger
        self._console = console
        self._waiting = False

    def ended(self, running: RunningTrial, outcome: Outcome, score: float | None) -> None:
        """Print the trial's line."""
        self._waiting = False
        budget, best = self._ledger.slots.budget(), self._ledger.best()
        shown = "-" if score is None else f"{score:.5g}"
        leader = f"best {best.value:.5g} (trial {best.number})" if best else "no best yet"
        seconds = time.monotonic() - running.started
        self._console.print(
            f"[{budget.done}/{budget.total}] trial {running.number} {outcome.value} {shown} in {seconds:.1f} s, {leader}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip

    def waiting(self) -> None:
        """Say once that other workers hold the last slots."""
        if not self._waiting:
            self._console.print("waiting for slots that other workers hold", highlight=False)
        self._waiting = True


class LiveView(QuietView):
    """Shows the budget, the running trial against the best, counts of outcomes and the time left."""

    def __init__(self, ledger: Ledger) -> None:
        """Show `ledger`."""
        self._ledger = ledger
        self._began = time.monotonic()
        self._epochs = (ledger.definition.fixed.get("trainer") or {}).get("max_epochs")
        self._running: RunningTrial | None = None
        self._step, self._score = 0, None
        self._last: tuple[str, Outcome] | None = None
        self._is_waiting = False
        self._refresh_counts()
        self._done_before = self._budget.done

    def _refresh_counts(self) -> None:
        self._budget, self._best = self._ledger.slots.budget(), self._ledger.best()
        self._counts = self._ledger.status()["trials"]

    def started(self, running: RunningTrial) -> None:
        """Show the trial that has begun."""
        self._running, self._step, self._score, self._is_waiting = running, 0, None, False

    def scored(self, running: RunningTrial, step: int, score: float) -> None:
        """Show the running trial's newest score."""
        self._step, self._score = step, score

    def ended(self, running: RunningTrial, outcome: Outcome, score: float | None) -> None:
        """Show how the trial ended."""
        shown = "" if score is None else f" with {score:.5g}"
        self._last = f"trial {running.number} {outcome.value}{shown}", outcome
        self._running = None
        self._refresh_counts()

    def waiting(self) -> None:
        """Show that other workers hold the last slots."""
        self._is_waiting = True

    def render(self) -> RenderableType:
        """Draw the view; it only reads what the events left, never the database."""
        budget, settings = self._budget, self._ledger.definition.settings
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(self._ledger.name, style="bold"),
            ProgressBar(total=budget.total, completed=budget.done, width=30),
            f"{budget.done}/{budget.total} slots",
            self._time(),
        )
        best = "none yet" if self._best is None else f"{self._best.value:.5g} (trial {self._best.number})"
        lines: list[RenderableType] = [head, Text(f"best {settings.metric}  {best}", style="green")]
        if self._running is not None:
            lines.append(self._running_line(self._running))
        elif self._is_waiting:
            lines.append(Text("waiting for slots that other workers hold", style="dim"))
        counts = "   ".join(f"{name} {self._counts[name]}" for name in ("complete", "pruned", "diverged", "failed"))
        lines.append(Text(counts, style="dim"))
        if self._last is not None:
            lines.append(Text(self._last[0], style=_STYLES.get(self._last[1], "")))
        return Group(*lines)

    def _running_line(self, running: RunningTrial) -> Text:
        of = f"/{self._epochs}" if isinstance(self._epochs, int) and self._epochs > 0 else ""
        score = "" if self._score is None else f"  {self._ledger.definition.settings.metric} {self._score:.5g}"
        choices = ", ".join(show_value(value) for value in running.values.values() if isinstance(value, str))
        return Text(f"trial {running.number}  validation {self._step}{of}{score}  {choices}", overflow="ellipsis", no_wrap=True)

    def _time(self) -> str:
        elapsed = time.monotonic() - self._began
        done = self._budget.done - self._done_before
        left = f", about {_clock(elapsed / done * (self._budget.total - self._budget.done))} left" if done else ""
        return f"{_clock(elapsed)}{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
