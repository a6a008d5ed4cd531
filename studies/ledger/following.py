"""The trials of a study as lines, which whoever looks again and again keeps and only adds to.

Of a line that has ended nothing changes any more, so a look reads the trials that ran at the last look, and
those that were made since.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import isnan
from typing import Any

import sqlalchemy as sa
from optuna.trial import TrialState

from studies.database.identity import count_trials
from studies.database.optuna_columns import trials
from studies.database.retry import persistently
from studies.database.trial_rows import CONSTRAINTS, TrialRow, read_few_columns, read_values_of
from studies.trials.attributes import ATTEMPT, LEDGER, OUTCOME, SLOT, UNPRUNED, WORKER, is_count
from studies.trials.outcomes import LIMIT, Outcome, broken_limits, outcome_of

PAGE = 4000  # trials that are read at once
FIRST_PAGE = 500  # the first of them where a look has to end soon; each of the next is twice as large
NAMES = (OUTCOME, LEDGER, SLOT, ATTEMPT, WORKER, UNPRUNED)
SPENDS = frozenset({TrialState.COMPLETE, TrialState.PRUNED})


@dataclass(frozen=True, slots=True)
class TrialLine:
    """A trial in a few values.

    `key` is its number in Optuna's tables, `outcome` None while it runs. `score` is what the database keeps
    as its value: of a completed trial the score, of a pruned one the last it had. Times are UTC. `broken`
    names the metrics whose limits it breaks.
    """

    key: int
    number: int
    state: TrialState
    outcome: Outcome | None
    slot: int | None
    attempt: int | None
    score: float | None
    worker: str | None
    began: datetime | None
    ended: datetime | None
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lines:
    """The trials of a study at one moment, by their numbers.

    `all` are those that count: the attempts at its slots, or every trial of a study of plain Optuna. `added`
    is how many another program has put beside them, `unread` how many are not read yet. `unpruned` is what
    the newest trial says of why the default pruner could not stop it.
    """

    all: Sequence[TrialLine]
    added: int
    unread: int
    unpruned: str | None = None

    @cached_property
    def counts(self) -> Counter[Outcome | None]:
        """Count the outcomes; a paused trial that went on counts as what became of it."""
        last: dict[int | None, int] = {}
        if any(line.outcome is Outcome.PAUSED for line in self.all):
            for line in self.all:
                last[line.slot] = max(line.attempt or 0, last.get(line.slot, 0))
        return Counter(
            line.outcome
            for line in self.all
            if line.outcome is not Outcome.PAUSED or line.attempt is None or line.attempt == last[line.slot]
        )

    @cached_property
    def running(self) -> Sequence[TrialLine]:
        """The trials that run for the database."""
        return [line for line in self.all if line.outcome is None]

    @cached_property
    def told(self) -> int:
        """How many trials have ended."""
        return len(self.all) - len(self.running)

    def ranked(self, *, minimizes: bool) -> Sequence[TrialLine]:
        """Give the completed trials that break no limit, the best score first, the earlier of equals."""
        return self._rising if minimizes else self._falling

    @cached_property
    def _rising(self) -> Sequence[TrialLine]:
        return sorted(self._completed, key=lambda line: line.score or 0.0)

    @cached_property
    def _falling(self) -> Sequence[TrialLine]:
        return sorted(self._completed, key=lambda line: -(line.score or 0.0))

    @cached_property
    def broken(self) -> int:
        """How many completed trials break a limit."""
        return sum(line.outcome is Outcome.COMPLETED and bool(line.broken) for line in self.all)

    @cached_property
    def _completed(self) -> Sequence[TrialLine]:
        return [
            line
            for line in self.all
            if line.outcome is Outcome.COMPLETED
            and not line.broken
            and line.score is not None
            and not isnan(line.score)
        ]

    @cached_property
    def by_number(self) -> Mapping[int, TrialLine]:
        """Give each trial by its number."""
        return {line.number: line for line in self.all}


@dataclass(eq=False)
class Following:
    """A study whose trials are looked at again and again, by several threads.

    Attributes:
        engine: the database.
        study: the study's number in Optuna's tables.
        ledger: of its slots; None for a study that plain Optuna made.
        marks: whether its trials name the ledger.
        limits: the metrics that the study sets a limit on.
        since: when another study was last found to have its number, by the monotonic clock.
    """

    engine: sa.Engine
    study: int
    ledger: str | None = None
    marks: bool = True
    limits: Sequence[str] = ()
    since: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _found: dict[int, tuple[TrialLine, bool]] = field(default_factory=dict)  # by key: counts it?
    _open: set[int] = field(default_factory=set)  # keys of those that ran at the last look
    _last: int = -1  # the largest key that was read
    _unpruned: tuple[int, str | None] = (-1, None)
    _lines: Lines | None = None
    _at: float = -1e9
    _columns: dict[str, tuple[int, dict[int, Any]]] = field(default_factory=dict)

    def look(self, *, patience: float | None = None, age: float = 0.0) -> Lines:
        """Read what is new.

        Args:
            patience: seconds after which it ends, with what it has read by then; None reads all.
            age: seconds for which an earlier look is good enough.
        """
        with self._lock:
            is_enough = self._lines is not None and (patience is not None or not self._lines.unread)
            if self._lines is not None and is_enough and time.monotonic() - self._at < age:
                return self._lines
            began, count = time.monotonic(), count_trials(self.engine, self.study)
            if count < len(self._found) or self._is_another():  # the keys may belong to others now
                self._forget()
                self.since = began
            changed, again = self._lines is None, set(self._open)
            names = (*NAMES, *(f"{CONSTRAINTS}{LIMIT}{name}" for name in self.limits))
            size = PAGE if patience is None else FIRST_PAGE
            while True:
                rows = read_few_columns(
                    self.engine, self.study, names, after=self._last, also=again, limit=size
                )
                changed |= self._take(rows)
                new = sum(row.key not in again for row in rows)
                again = set()
                if new < size or (patience is not None and time.monotonic() - began > patience):
                    break
                size = min(2 * size, PAGE)
            if changed or self._lines is None:
                self._lines = self._made(max(count - len(self._found), 0))
            self._at = time.monotonic()
            return self._lines

    def values_of(self, name: str) -> Mapping[int, Any]:
        """Give the value of one parameter in every trial that has it, by the trial's key."""
        with self._lock:
            horizon, found = self._columns.get(name, (-1, {}))
            upto = min(self._open, default=self._last + 1) - 1
            found |= read_values_of(self.engine, self.study, name, after=horizon)
            self._columns[name] = (max(horizon, upto), found)
            return dict(found)

    def _is_another(self) -> bool:
        """Say whether the study was deleted and one made that has its number, which SQLite gives again."""
        known = ((line.key, line.began) for line, _ in self._found.values() if line.began is not None)
        if (first := next(known, None)) is None:
            return False
        key, began = first
        asking = sa.select(trials.c.datetime_start).where(
            trials.c.trial_id == key, trials.c.study_id == self.study
        )

        def read() -> datetime | None:
            with self.engine.connect() as connection:
                return connection.scalar(asking)

        return persistently(read) != began.replace(tzinfo=None)

    def _forget(self) -> None:
        self._found, self._open, self._last, self._lines, self._columns = {}, set(), -1, None, {}
        self._unpruned = (-1, None)

    def _take(self, rows: Sequence[TrialRow]) -> bool:
        """Keep what was read; say whether any of it is new."""
        changed = False
        for row in rows:
            line, told = line_of(row), row.trial.user_attrs
            mark = told.get(LEDGER, None if self.marks else self.ledger)
            mine = line.slot is not None and line.attempt is not None and mark == self.ledger
            kept = (line, self.ledger is None or mine)
            changed |= self._found.get(row.key) != kept
            self._found[row.key] = kept
            self._last = max(self._last, row.key)
            (self._open.add if line.outcome is None else self._open.discard)(row.key)
            if isinstance(why := told.get(UNPRUNED), str) and line.number > self._unpruned[0]:
                self._unpruned = (line.number, why)
        return changed

    def _made(self, unread: int) -> Lines:
        own: list[TrialLine] = []
        scored: set[tuple[int | None, int | None]] = set()
        for line, counts in sorted(self._found.values(), key=lambda pair: pair[0].number):
            if not counts:
                continue
            if self.ledger is not None and line.state in SPENDS:
                # As `attempts` has it: one of two with the same slot and attempt is a copy.
                if (line.slot, line.attempt) in scored:
                    continue
                scored.add((line.slot, line.attempt))
            own.append(line)
        return Lines(tuple(own), len(self._found) - len(own), unread, self._unpruned[1])


def line_of(row: TrialRow) -> TrialLine:
    """Give a trial that was read as a line."""
    trial, told = row.trial, row.trial.user_attrs
    slot, attempt, worker = told.get(SLOT), told.get(ATTEMPT), told.get(WORKER)
    return TrialLine(
        row.key,
        trial.number,
        trial.state,
        outcome_of(trial),
        slot if is_count(slot) else None,
        attempt if is_count(attempt) else None,
        trial.value,
        worker if isinstance(worker, str) else None,
        trial.datetime_start,
        trial.datetime_complete,
        broken_limits(trial),
    )
