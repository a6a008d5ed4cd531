"""Workers on an engine: started there, followed through the database, and gone when their study is over."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from studies.ledger.control import FAILING
from studies.ledger.fleet.launches import Launch, forget, keep
from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tuner.errors import StudyStopped
from tuner.workers.engines.engine import (
    ENDED,
    RUNNING,
    WAITING,
    Engine,
    EngineAway,
    PrintsElsewhere,
    WorkerState,
    is_alive,
    log_of,
)
from tuner.workers.events import Places, View
from tuner.workers.launchers.following import Follower
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site, ordered, refuse_impossible

TICK = 1.0  # seconds between two looks at the database
SHARE = 5.0  # how many times as long as a look took is waited before the next, since a study may be large
ASKING = 3.0  # seconds between two questions to the engine, which may serve thousands
AWAY = 300.0  # seconds for which an engine may not answer before the view ends
LEAVING = 45.0  # seconds beyond the grace period that workers of a study that is over have to leave
_LAST_WORDS = 4000  # bytes of a log's end in which its last line is looked for


@dataclass(frozen=True)
class EngineLauncher:
    """Starts workers on an engine.

    Attributes:
        site: where, and what each worker needs.
        engine: the engine of the site.
        ledger: the study.
    """

    site: Site
    engine: Engine
    ledger: Ledger

    def launch(self, job: Job, workers: int, stop: threading.Event) -> "Placed":
        """Start them; see `Launcher`."""
        order = ordered(job, workers, self.site)
        refuse_impossible(self.engine, order, self.ledger.definition)
        given = self.engine.submit(order)
        options = {key: value for key, value in self.site.options.items() if key in self.engine.KEPT}
        record = Launch(
            order.launch,
            self.site.engine,
            given,
            workers,
            str(order.folder),
            socket.gethostname(),
            job.grace,
            options,
        )
        try:
            keep(self.ledger, record)
        except BaseException:  # nobody would find them again
            self.engine.cancel(given, 0.0)
            raise
        return Placed(self.ledger, [(self.engine, record)], stop)


class Placed:
    """Workers that have been started on engines, by this process or others."""

    def __init__(
        self, ledger: Ledger, parts: Sequence[tuple[Engine, Launch]], stop: threading.Event | None = None
    ) -> None:
        """Take launches of a study, each with its engine; the workers leave when `stop` is set."""
        self._ledger, self._parts, self._stop = ledger, list(parts), stop or threading.Event()
        self._ends_at: float | None = None  # by the monotonic clock: when those that have not left are ended

    @property
    def records(self) -> list[Launch]:
        """The launches as the database keeps them."""
        return [record for _, record in self._parts]

    def where_printed(self) -> list[str]:
        """Say of each launch where what its workers print stands: a folder, or a command that shows it."""
        return [
            engine.where_printed(record.job) if isinstance(engine, PrintsElsewhere) else record.folder
            for engine, record in self._parts
        ]

    def states(self) -> Sequence[WorkerState]:
        """Say how each worker is; errors as `Engine.states`'s."""
        return [state for engine, record in self._parts for state in engine.states(record.job)]

    def alive(self) -> "Placed":
        """Give those launches of which a worker runs or waits; the others are forgotten.

        Raises:
            EngineAway: an engine does not answer.
        """
        there = []
        for engine, record in self._parts:
            with self._named():
                is_there = is_alive(engine.states(record.job))
            if is_there:
                there.append((engine, record))
            else:
                forget(self._ledger, record)
        return Placed(self._ledger, there, self._stop)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say what can be done about an engine that does not answer."""
        try:
            yield
        except EngineAway as error:
            raise EngineAway(
                f"{error} If what was started there is surely gone: "
                f"tuner launch {self._ledger.name} --cancel --forget"
            ) from None

    def beside(self, other: "Placed") -> "Placed":
        """Give the launches of both."""
        return Placed(self._ledger, [*self._parts, *other._parts], self._stop)  # noqa: SLF001 - of this class

    def watch(self, view: View) -> None:
        """Show what the workers do; see `Launched`."""
        self.follow(view, self._stop)
        if self._stop.is_set():
            self.cancel()

    def follow(self, view: View, until: threading.Event) -> None:
        """Show what the workers do until the study is over and they have left, or `until` is set.

        Raises:
            StudyStopped: its trials kept ending with an error, or all workers have ended before it was over.
            EngineAway: an engine has not answered for minutes.
        """
        follower = Follower(self._ledger, view)
        asked, shown, pause = -ASKING, None, 0.0
        answered = time.monotonic()
        while not until.wait(pause):
            began = time.monotonic()
            follower.look()
            pause = max(TICK, SHARE * (time.monotonic() - began))
            is_over = self._ledger.over() is not None
            if time.monotonic() - asked < ASKING:
                continue
            asked = time.monotonic()
            try:
                states = self.states()
            except EngineAway:
                if self._is_late(is_over=is_over) or time.monotonic() - answered > AWAY:
                    raise  # nobody can say whether its workers are gone
                continue
            answered = time.monotonic()
            if (places := _counted(states)) != shown:
                shown = places
                view(places)
            if not is_alive(states):
                follower.look()
                self._has_ended(states)
                return
            # Where none runs, all wait for a place, and have nothing to do there.
            is_idle = is_over and not any(each.state == RUNNING for each in states)
            if self._is_late(is_over=is_over) or is_idle:
                self.cancel(now=True)
                self._has_ended(())
                return

    def _is_late(self, *, is_over: bool) -> bool:
        """Say whether the study is over for so long that every worker should have left."""
        if not is_over:
            self._ends_at = None
            return False
        if self._ends_at is None:
            grace = max((record.grace for record in self.records), default=0.0)
            self._ends_at = time.monotonic() + grace + LEAVING
        return time.monotonic() > self._ends_at

    def _has_ended(self, states: Sequence[WorkerState]) -> None:
        """Forget the launches; raise where the study was not over."""
        for record in self.records:
            forget(self._ledger, record)
        name, over = self._ledger.name, self._ledger.over()
        if self._ledger.slots.control.stopped() == FAILING:
            raise StudyStopped(_failing(self._ledger), _traceback(self._ledger))
        if over is None:
            raise StudyStopped(
                f"All workers of {name!r} have ended before it was over{self._last_words(states)}; give the "
                f"same command again.",
                "",
            )

    def _last_words(self, states: Sequence[WorkerState]) -> str:
        """Say why a worker ended: the last line that one has printed, else what the engine knows."""
        for record in self.records:
            for index in range(record.workers):
                log = log_of(Path(record.folder), index)
                if line := _last_line(log):
                    return f": {line.removeprefix('Error: ').rstrip('.')} ({log})"
        why = next((each.why for each in states if each.why), "")
        return f": {why}" if why else ""

    def cancel(self, *, now: bool = False, forgets: bool = False) -> None:
        """End what is still there: asked to leave, and killed after the grace period, or `now`.

        Args:
            now: whether no grace is given.
            forgets: whether a launch whose engine does not answer is forgotten all the same.

        Raises:
            EngineAway: an engine does not answer.
        """
        for engine, record in self._parts:
            with suppress(EngineAway) if forgets else self._named():
                engine.cancel(record.job, 0.0 if now else record.grace)
            forget(self._ledger, record)


def _counted(states: Sequence[WorkerState]) -> Places:
    waiting = [each for each in states if each.state == WAITING]
    why = next((each.why for each in waiting if each.why), "")
    ended = sum(each.state == ENDED for each in states)
    return Places(sum(each.state == RUNNING for each in states), len(waiting), ended, why)


def _failed(ledger: Ledger) -> TrialRecord | None:
    failed = [record for record in ledger.records() if record.outcome is Outcome.FAILED]
    return failed[-1] if failed else None


def _failing(ledger: Ledger) -> str:
    last = _failed(ledger)
    shown = "" if last is None else f"; `tuner trial {ledger.name} {last.number}` shows the last"
    return f"The study {ledger.name!r} was stopped, since its trials kept ending with the same error{shown}."


def _traceback(ledger: Ledger) -> str:
    last = _failed(ledger)
    found = "" if last is None else ledger.trial(last.number).user_attrs.get("traceback", "")
    return found if isinstance(found, str) else ""


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LAST_WORDS))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
