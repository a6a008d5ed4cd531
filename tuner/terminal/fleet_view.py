"""The workers of a database in a terminal: a table, a view that follows them, a line for each change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from studies.database.open import Database
from studies.database.retry import Hurry, hurried
from studies.ledger.absent import in_words
from studies.ledger.fleet.at_work import Fleet, FleetWorker, Held, fleet_of
from studies.ledger.ledger import Ledger
from tuner.terminal.live_view import REFRESH
from tuner.terminal.printable import one_line
from tuner.terminal.screen import table_of

EVERY = 2.0  # seconds between two looks
NOBODY = "No worker is known to this database; `tuner worker` starts one."
_HEADS = (
    "host",
    "process",
    "state",
    "trains",
    "for",
    "epochs/s",
    "known for",
    "last heartbeat",
    "started by",
)
_AWAY = "the database does not answer; it is asked again"


def print_fleet(screen: Console, fleet: Fleet) -> None:
    """Print the workers, a row each."""
    if fleet.workers:
        screen.print(fleet_table(fleet))
    screen.print(fleet.in_words if fleet.workers else NOBODY)


def fleet_table(fleet: Fleet) -> RenderableType:
    """Draw the workers as a table, a row each."""
    return table_of(_HEADS, map(_row, fleet.workers))


def _row(row: FleetWorker) -> Sequence[str]:
    worker, held = row.worker, row.held
    times = [in_words(one.seconds) for one in held if one.seconds is not None]
    return (
        worker.host,
        str(worker.process),
        row.loss or row.state,
        ", ".join(map(_trained, held)) or "-",
        ", ".join(times) or "-",
        "-" if worker.rate is None else f"{worker.rate:.3g}",
        in_words(worker.started),
        f"{in_words(worker.silent)} ago",
        "-" if row.engine is None else " ".join(row.engine),
    )


def _trained(held: Held) -> str:
    trial = "" if held.trial is None else f"trial {held.trial}, "
    return f"{trial}slot {held.slot} of {held.study}"


@dataclass
class FleetWatch:
    """Shows the workers until `stop` is set, those of one study where there is a `ledger`."""

    database: Database
    ledger: Ledger | None
    stop: Event
    is_away: bool = False
    _fleet: Fleet = field(default_factory=lambda: Fleet(()))
    _told: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    _said_nobody: bool = False

    def show(self, screen: Console) -> None:
        """Show a view that is kept up to date in a terminal, elsewhere a line for each change."""
        if not screen.is_terminal:
            self._look()
            self._tell(screen)
            while not self.stop.wait(EVERY):
                self._look()
                self._tell(screen)
            return
        with Live(get_renderable=self.render, console=screen, refresh_per_second=REFRESH) as shown:
            self._look()
            shown.refresh()
            while not self.stop.wait(EVERY):
                self._look()

    def render(self) -> RenderableType:
        """Draw the view by the last look."""
        fleet = self._fleet
        said = _AWAY if self.is_away else fleet.in_words if fleet.workers else NOBODY
        return Group(*([fleet_table(fleet)] if fleet.workers else ()), Text(said, style="dim"))

    def _look(self) -> None:
        def tell() -> None:
            self.is_away = True

        with hurried(Hurry(self.stop, 0.0, first=tell)):
            found = fleet_of(self.database, None if self.ledger is None else self.ledger.slots.ledger)
        self.is_away, self._fleet = False, found

    def _tell(self, screen: Console) -> None:
        """Print a line for each worker that does something else than at the last look."""
        told: dict[str, tuple[str, str]] = {}
        for row in self._fleet.workers:
            what = row.state if row.is_gone or not row.held else _row(row)[3]
            mine = told[row.worker.identifier] = f"{row.worker.host} {row.worker.process}", what
            if self._told.get(row.worker.identifier) != mine:
                screen.print(one_line(f"{mine[0]}: {row.loss or what}"), soft_wrap=True)
        for identifier in self._told.keys() - told.keys():
            screen.print(one_line(f"{self._told[identifier][0]}: left"), soft_wrap=True)
        if not told and not self._said_nobody:
            screen.print(NOBODY)
        self._said_nobody = not told
        self._told = told
