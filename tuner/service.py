"""A worker that serves every open study of a database, those of higher priority first."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from studies.errors import UnknownStudy
from studies.identity import ledgers
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
    _workers: dict[str, Worker | None] = field(default_factory=dict)  # by ledger; None is passed over

    def serve(self, *, wait: bool = True) -> None:
        """Work until `stop` is set; without `wait`, until no study has a free slot."""
        create_tables(self.database.engine)
        while not self.stop.is_set():
            worked = persistently(self._work_once)
            if self.stop.is_set() and not self.is_over():
                self.stop.clear()  # one study was preempted; the others go on
            if not worked:
                if not wait:
                    return
                self.stop.wait(POLL)

    def _work_once(self) -> bool:
        """Answer one trial of the first study that has a free slot; False where none has."""
        names = ledgers(self.database.engine)
        for ledger in waiting(self.database.engine):
            if ledger not in names:
                continue  # its study has been deleted by other means
            try:
                worker = self._worker(ledger, names[ledger])
                if worker is not None and worker.work_once():
                    return True
            except UnknownStudy as error:
                self._workers.pop(ledger, None)
                self.say(str(error))
            except StudyStopped as error:
                self._workers.pop(ledger, None)
                self.say(f"{error.traceback}\n{error}")
        return False

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
