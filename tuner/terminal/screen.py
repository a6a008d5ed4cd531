"""What is printed: whole lines where the output is piped, nothing cut where a terminal is narrow."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.padding import Padding
from rich.progress import Progress
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from search_spaces.space.describe import Row
from tuner.terminal.printable import one_line, printable

_EVERY = 10.0  # seconds between two lines of progress where the output is no terminal
_UNWRAPPED = 100_000  # columns: whoever pipes a listing wants one line a row


def open_screen() -> Console:
    """Open standard output."""
    screen = Console(highlight=False, markup=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, markup=False, width=_UNWRAPPED)
    screen.push_render_hook(_Printable())
    return screen


class _Printable(RenderHook):
    """Shows what a terminal would obey: names, causes and logs come from a database and from modules."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap everything that is printed."""
        return [_Shown(renderable) for renderable in renderables]


class _Shown:
    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


@contextmanager
def busy(what: str, *, shown: bool = True) -> Iterator[None]:
    """Say on a terminal what is being done for as long as it takes, and leave no trace of it."""
    screen = Console(stderr=True)
    if not shown or not screen.is_terminal:
        yield
        return
    with screen.status(Text(what)):
        yield


@contextmanager
def progress_of(what: str, *, shown: bool = True) -> Iterator[Callable[[float], None]]:
    """Show how far something is, on standard error: a bar in a terminal, elsewhere a line now and then.

    Args:
        what: is being done.
        shown: whether anything is.

    Yields: What is called with the share that is done, from 0 to 1.
    """
    screen = Console(stderr=True, highlight=False, markup=False)
    if screen.is_terminal or not shown:
        with Progress(transient=True, disable=not shown, console=screen) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda done: bar.update(task, completed=done)
        return
    told = time.monotonic()

    def tell(done: float) -> None:
        nonlocal told
        if time.monotonic() - told >= _EVERY:
            told = time.monotonic()
            screen.print(f"{what}: {done:.0%} done", soft_wrap=True)

    yield tell


def print_table(screen: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table without rules; a cell that is too long for the terminal is folded, not cut."""
    screen.print(table_of(heads, rows))


def table_of(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Draw such a table."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def print_parameters(screen: Console, rows: Sequence[Row], *, reasons: bool = False) -> None:
    """Print parameters, a line each, and below it when it exists and, with `reasons`, why it is searched."""
    lines = [(row.name, row.range + (f" ({row.unit})" if row.unit else ""), row.default) for row in rows]
    heads = ("parameter", "range", "default")
    widths = [max(len(cell) for cell in column) for column in zip(heads, *lines, strict=True)]
    fits = len(_columns(heads, widths)) <= screen.width
    if fits:
        screen.print(_columns(heads, widths), style="dim")
    for row, (name, values, default) in zip(rows, lines, strict=True):
        screen.print(_columns((name, values, default), widths) if fits else name)
        details = [] if fits else [f"{values}, default {default}"]
        if row.when != "always":
            details.append(f"if {row.when}")
        if reasons and row.why:
            details.append(row.why + (f" ({row.source})" if row.source else ""))
        for detail in details:
            screen.print(Padding(Text(detail, style="dim"), (0, 0, 0, 4), expand=False))


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
