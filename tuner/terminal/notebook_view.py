"""What a running study shows in a notebook: the view of a terminal, drawn anew in the output of its cell."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from studies.ledger.ledger import Ledger
from tuner.terminal.live_view import LiveView
from tuner.terminal.markup import as_html
from tuner.workers.events import Event, TrialScored, View

EVERY = 0.5  # seconds between two drawings, where only a score is new


def in_notebook() -> bool:
    """Say whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def notebook_view(ledger: Ledger, stop: threading.Event, workers: int) -> Iterator[View]:
    """Give a view that draws in the output of the cell that runs, and leaves the last drawing there."""
    page: Any = import_module("IPython.display")  # it is there: the notebook's kernel is made of it

    drawn: Any = LiveView(ledger, workers, stop)
    shown: Any = page.display(page.HTML(as_html(drawn.render())), display_id=True)
    at = time.monotonic()

    def hear(event: Event) -> None:
        nonlocal at
        drawn(event)
        if not isinstance(event, TrialScored) or time.monotonic() - at >= EVERY:
            shown.update(page.HTML(as_html(drawn.render())))
            at = time.monotonic()

    try:
        yield hear
    finally:
        shown.update(page.HTML(as_html(drawn.render())))
