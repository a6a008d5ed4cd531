"""A worker that serves every open study of a database, those of higher priority first."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from search_spaces.errors import TunerError, first_line
from studies.database.failures import is_of_database
from studies.database.identity import ledgers, names
from studies.database.open import Database
from studies.database.retry import is_passing, was_waited_for
from studies.database.schema import create_tables
from studies.errors import UnknownStudy
from studies.ledger.control import waiting
from studies.ledger.fleet.workers import Workers, worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.running.abandoned import settle_abandoned, with_running_trials
from tuner.errors import DatabaseAway, NotAllowed, StudyStopped
from tuner.training.configuration.permit import Permit
from tuner.workers.code.here import elsewhere
from tuner.workers.code.imports import deadly
from tuner.workers.code.judgement import refused_class
from tuner.workers.code.named import changed_code, not_allowed
from tuner.workers.worker import Heart, Worker, warm_up_for

POLL = 2.0  # seconds between two looks for work
SETTLING = 60.0  # seconds between two looks for trials that were left long ago, in any study
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
    `say` hears lines about studies, which may hold whatever a study is called. `is_over` says that `stop` was
    meant for the whole worker and not for the study that was preempted. To the database it is one worker,
    whatever study it works on.
    """

    database: Database
    stop: threading.Event
    is_over: Callable[[], bool]
    permit: Permit
    any_code: bool
    make: Callable[[Ledger], Worker]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _heart: list[Heart] = field(default_factory=list)  # the one that beats, once there is one
    _workers: dict[str, Worker | None] = field(default_factory=dict)  # by ledger; None is passed over
    _rests: dict[str, Rest] = field(default_factory=dict)  # by ledger

    def serve(self, *, wait: bool = True) -> int:
        """Work until `stop` is set; without `wait`, until no study has a free slot; count the trials."""
        create_tables(self.database.engine)
        answered, settled = 0, -math.inf
        while not self.stop.is_set():
            try:
                if self.clock() - settled >= SETTLING:
                    settled = self.clock()
                    self._settle()
                worked = self._work_once()
            except Exception as error:
                if not is_passing(error) or was_waited_for(error):
                    raise
                self.stop.wait(POLL)  # then it is asked again
                continue
            answered += worked
            if self.stop.is_set() and not self.is_over():
                self.stop.clear()  # one study was preempted; the others go on
            if not worked:
                if not wait:
                    break
                self._beating().beat()
                self.stop.wait(POLL)
        self._workers.clear()
        self._beating().leave()
        return answered

    def _beating(self) -> Heart:
        if not self._heart:
            workers = Workers(self.database.engine)
            self._heart.append(Heart(workers, worker_name(os.getpid()), self.stop))
        return self._heart[0]

    def _settle(self) -> None:
        """Tell how trials ended that no database could be told, and only then end those that were left."""
        running = with_running_trials(self.database.engine)
        for ledger, study in self._waiting():
            if study in running:
                self._attempt(ledger, study, Worker.tell_kept)
        settle_abandoned(self.database)

    def _work_once(self) -> bool:
        """Answer one trial of the first study that has a free slot; False where none has."""
        for ledger, study in self._waiting():
            if self._attempt(ledger, study, Worker.work_once):
                self._rests.pop(ledger, None)
                return True
        return False

    def _waiting(self) -> Iterator[tuple[str, int]]:
        """Go through the studies that have a free slot, but for those that have just given trouble."""
        owners = ledgers(self.database.engine)
        for ledger in waiting(self.database.engine):
            rest = self._rests.get(ledger)
            if ledger in owners and (rest is None or self.clock() >= rest.until):  # else it is being deleted
                yield ledger, owners[ledger]

    def _attempt(self, ledger: str, study: int, act: Callable[[Worker], bool | None]) -> bool:
        """Let the worker of a study act; False where it did nothing, or met trouble, which is said."""
        try:
            worker = self._worker(ledger, study)
            return worker is not None and bool(act(replace(worker, identifier=self._beating().identifier)))
        except UnknownStudy as error:
            self._drop(ledger)
            self.say(str(error))
        except NotAllowed as error:
            self._drop(ledger)
            self._workers[ledger] = None
            self.say(f"{names(self.database.engine).get(study)} is passed over: {error}.")
        except StudyStopped as error:
            self._drop(ledger)
            for line in (*error.traceback.splitlines(), str(error)):
                self.say(line)
        except DatabaseAway:
            raise
        # Whatever a study makes its sampler, its space or its trials do, the others are served.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            if is_of_database(error):
                self._make_sure_that_it_answers(error)
            self._pass_over(ledger, study, error)
        return False

    def _make_sure_that_it_answers(self, error: BaseException) -> None:
        """Raise an error of the database, unless the database takes writes and the study is at fault."""
        if is_passing(error) and not was_waited_for(error):
            raise error
        workers, name = Workers(self.database.engine), worker_name(os.getpid())
        workers.renew(name, patience=0.0)
        workers.leave(name)

    def _drop(self, ledger: str) -> None:
        """Give up the worker of a study, with what it holds.

        From then on this process is another worker to the database: were the same one to go on, and the
        database away just now, the slot would be held for good.
        """
        if self._workers.pop(ledger, None) is not None:
            self._beating().leave()
            self._heart.clear()

    def _pass_over(self, ledger: str, study: int, error: BaseException) -> None:
        """Leave a study alone for some time, and say why, once for the same reason."""
        self._drop(ledger)
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
            reason = refusal(found, self.permit, self.stop, any_code=self.any_code)
            self.say(f"{found.name} is passed over: {reason}." if reason else f"serving {found.name}")
            self._workers[ledger] = None if reason else self.make(found)
        return self._workers[ledger]


def refusal(ledger: Ledger, permit: Permit | None, stop: threading.Event, *, any_code: bool) -> str | None:
    """Say why a study is not worked on here, or None where it may be.

    Args:
        ledger: the study.
        permit: what it may name; None allows all.
        stop: is set to end at once.
        any_code: whether its modules may be others than where it was made.
    """
    if (reason := elsewhere(ledger.definition)) is not None:
        return reason
    # First its names, then whether an import ends its process, and only then is anything imported here.
    refused = None if permit is None else not_allowed(ledger.definition, permit, imports=False)
    refused = refused or deadly(ledger.definition, stop, lambda: warm_up_for(ledger.definition, permit))
    if refused is None and permit is not None:
        refused = not_allowed(ledger.definition, permit)
    if refused is not None:
        return refused
    changed = [] if any_code else changed_code(ledger)
    if changed:
        return (
            f"{', '.join(changed)} is not here what it was where the study was made, so scores would not "
            f"compare; bring the same code, or say --any-code"
        )
    return None if permit is None else refused_class(ledger.definition, permit, stop)
