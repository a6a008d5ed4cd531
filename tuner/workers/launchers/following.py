"""What workers elsewhere do, read from the database and told as the events that workers here would send."""

import time
from datetime import UTC, datetime

import sqlalchemy as sa

from studies.database.clock import now
from studies.database.trial_rows import read_whole
from studies.ledger.following import Following, TrialLine
from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tuner.workers.events import ShownTrial, TrialEnded, TrialScored, TrialStarted, View

MOST = 40  # running trials whose scores are read at each look; of those beyond only begin and end are told


class Follower:
    """Tells a view what the trials of a study do, whoever works on them."""

    def __init__(self, ledger: Ledger, view: View) -> None:
        """Follow a study from now on: what has ended before is not told."""
        self._engine, self._view = ledger.database.engine, view
        marked = ledger.slots.ledger
        self._following = Following(self._engine, ledger.identifier, marked, marks=ledger.marks)
        self._running: dict[int, tuple[ShownTrial, int]] = {}  # by key: the trial, and its last validation
        self._ended = {line.key for line in self._following.look().all if line.outcome is not None}
        with self._engine.connect() as connection:
            self._clock = float(connection.scalar(sa.select(now())) or 0.0) - time.monotonic()

    def look(self) -> None:
        """Tell what has happened since the last look."""
        lines = [line for line in self._following.look().all if line.key not in self._ended]
        fresh = [line for line in lines if line.key not in self._running]
        self._start(fresh)
        running = [line.key for line in lines if line.outcome is None]
        ended = [line for line in lines if line.outcome is not None]
        self._scores([*running[:MOST], *(line.key for line in ended)])
        for line in ended:
            self._end(line)

    def _start(self, fresh: list[TrialLine]) -> None:
        values = {
            row.key: TrialRecord.of(row.trial).values
            for row in read_whole(self._engine, [line.key for line in fresh])
        }
        for line in fresh:
            began = _seconds(line.began)
            started = time.monotonic() if began is None else began - self._clock
            shown = ShownTrial(line.number, dict(values.get(line.key, {})), started)
            self._running[line.key] = shown, 0
            self._view(TrialStarted(shown))

    def _scores(self, keys: list[int]) -> None:
        for row in read_whole(self._engine, keys):
            shown, last = self._running[row.key]
            curve = row.trial.intermediate_values
            for step in sorted(curve):
                if step > last:
                    self._view(TrialScored(shown, step, curve[step]))
                    self._running[row.key] = shown, step

    def _end(self, line: TrialLine) -> None:
        shown, _ = self._running.pop(line.key)
        self._ended.add(line.key)
        outcome = line.outcome or Outcome.LOST
        self._view(TrialEnded(shown, outcome, line.score if outcome is Outcome.COMPLETED else None))


def _seconds(when: datetime | None) -> float | None:
    """Give a time of Optuna's tables, which is UTC and does not say so, in seconds since the epoch."""
    return None if when is None else when.replace(tzinfo=UTC).timestamp()
