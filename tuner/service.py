"""A worker that serves every open study of a database, those of higher priority first."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from search_spaces.errors import TunerError, first_line
from studies.errors import UnknownStudy
from studies.identity import ledgers, names
from studies.ledger import Ledger, open_ledger
from studies.retries import persistently
from studies.steering import waiting
from studies.storage import Database
from studies.tables import create_tables
from tuner.code import changed_code, not_allowed
from tuner.errors import StudyStopped
from tuner.training.permit import Permit
from tuner.worker import Worker

POLL = 2.0  # seconds between two looks for work
FIRST_REST = 60.0  # seconds for which a study that gave trouble is passed over; doubled each time
LONGEST_REST = 3600.0  # seconds


@dataclass(frozen=True)
class Rest:
    """A study that gave trouble is passed over for so many seconds, until a time of this machine's clock."""

    seconds: float
    until: float


@dataclass(frozen=True)
class Service:
    """One process that answers trials of whatever study has a free slot.

    `permit` is what studies may name; one that names anything else is passed over, and so is one whose
    modules are other here than where it was made, unless `any_code`. `make` gives the worker of a study.
    `say` hears sentences about studies. `is_over` says that `stop` was meant for the whole worker and not for
    the study that was preempted.
    """

    database: Database
    stop: threading.Event
    is_over: Callable[[], bool]
    permit: Permit
    any_code: bool
    make: Callable[[Ledger], Worker]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _workers: dict[str, Worker | None] = field(default_factory=dict)  # by ledger; None is passed over
    _rests: dict[str, Rest] = field(default_factory=dict)  # by ledger

    def serve(self, *, wait: bool = True) -> int:
        """Work until `stop` is set; without `wait`, until no study has a free slot; count the trials."""
        create_tables(self.database.engine)
        answered = 0
        while not self.stop.is_set():
            worked = persistently(self._work_once)
            answered += worked
            if self.stop.is_set() and not self.is_over():
                self.stop.clear()  # one study was preempted; the others go on
            if not worked:
                if not wait:
                    break
                self.stop.wait(POLL)
        return answered

    def _work_once(self) -> bool:
        """Answer one trial of the first study that has a free slot; False where none has."""
        owners = ledgers(self.database.engine)
        for ledger in waiting(self.database.engine):
            rest = self._rests.get(ledger)
            if ledger not in owners or (rest is not None and self.clock() < rest.until):
                continue  # its study has been deleted by other means, or has just given trouble
            try:
                worker = self._worker(ledger, owners[ledger])
                if worker is not None and worker.work_once():
                    self._rests.pop(ledger, None)
                    return True
            except UnknownStudy as error:
                self._workers.pop(ledger, None)
                self.say(str(error))
            except StudyStopped as error:
                self._workers.pop(ledger, None)
                self.say(f"{error.traceback}\n{error}")
            # Whatever a study makes its sampler, its space or its trials do, the others are served. Should it
            # be the database that fails, the next look for work fails too.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                self._pass_over(ledger, owners[ledger], error)
        return False

    def _pass_over(self, ledger: str, study: int, error: BaseException) -> None:
        """Leave a study alone for some time, and say why, once for the same reason."""
        self._workers.pop(ledger, None)
        before = self._rests.get(ledger)
        seconds = FIRST_REST if before is None else min(LONGEST_REST, 2 * before.seconds)
        self._rests[ledger] = Rest(seconds, self.clock() + seconds)
        name = names(self.database.engine).get(study, f"number {study}")
        is_told = isinstance(error, TunerError)
        reason = str(error) if is_told else f"{type(error).__name__}: {first_line(error)}"
        self.say(f"{name} is passed over for {seconds:.0f} s: {reason}")

    def _worker(self, ledger: str, study: int) -> Worker | None:
        if ledger not in self._workers:
            found = open_ledger(self.database, self.database.storage.get_study_name_from_id(study))
            reason = refusal(found, self.permit, any_code=self.any_code)
            self.say(f"{found.name} is passed over: {reason}." if reason else f"serving {found.name}")
            self._workers[ledger] = None if reason else self.make(found)
        return self._workers[ledger]


def refusal(ledger: Ledger, permit: Permit | None, *, any_code: bool) -> str | None:
    """Say why a study is not worked on here, or None where it may be.

    Args:
        ledger: the study.
        permit: what it may name; None allows all.
        any_code: whether its modules may be others than where it was made.
    """
    refused = None if permit is None else not_allowed(ledger.definition, permit)
    if refused is not None:
        return refused
    changed = [] if any_code else changed_code(ledger)
    if changed:
        return (
            f"{', '.join(changed)} is not here what it was where the study was made, so scores would not "
            f"compare; bring the same code, or say --any-code"
        )
    return None
