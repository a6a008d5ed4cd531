"""The studies of a database: each is followed, and opened anew when it is another."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial

from search_spaces.errors import TunerError, first_line
from search_spaces.space.nodes import Group
from studies.database.failures import is_of_database
from studies.database.identity import LEDGER, names
from studies.database.open import Database
from studies.database.trial_rows import TrialRow, read_whole
from studies.errors import UnknownStudy, UnknownTrial
from studies.ledger.absent import sentence
from studies.ledger.fleet.at_work import Fleet, fleet_of
from studies.ledger.following import SPENDS, Following, Lines, TrialLine, line_of
from studies.ledger.ledger import Ledger
from studies.ledger.opening import find_study, ledger_of
from studies.ledger.reading import attributes_of
from studies.ledger.status import Status, left_of_lines, status_of_lines
from studies.running.confirmation import CONFIRMING, SUFFIX, Candidate, confirmed_by
from studies.trials.record import TrialRecord
from tuner.web.known.reading_on import FIRST, ReadingOn

FRESH = 1.0  # seconds for which what was read is shown to others as well
KEPT = 30.0  # seconds after which the definition of a study is read again
ENDED = 400  # trials of a study that have ended and are kept whole
WARM = 0.5  # seconds after which no other study is looked at before the first page


@dataclass(frozen=True, eq=False)
class Seen:
    """A trial as a page shows it: as read, as a record, and what of it cannot be read, in sentences."""

    line: TrialLine
    trial: FrozenTrial
    record: TrialRecord
    broken: tuple[str, ...]


@dataclass(eq=False)
class KnownStudy:
    """A study of the database.

    `ledger` is None for one that plain Optuna made, or where `trouble` says in a sentence why it cannot be
    read as one of ours.
    """

    name: str
    number: int
    database: Database
    following: Following
    ledger: Ledger | None
    trouble: str | None
    metric: str
    minimizes: bool
    opened: float
    reading_on: ReadingOn
    _status: tuple[float, Lines, Status] | None = None
    _ended: dict[int, Seen] = field(default_factory=dict)  # by key: those that were read last

    @property
    def key(self) -> object:
        """What tells it from any other study that had or will have its name."""
        return self.number, self.name, self.following.ledger, self.following.since

    @property
    def space(self) -> Group | None:
        """The space that it searches, where it says so."""
        return None if self.ledger is None else self.ledger.definition.space

    def lines(self, patience: float | None = FIRST) -> Lines:
        """Give its trials, as they were a moment ago at most; all of them where there is no patience."""
        lines = self.following.look(patience=patience, age=FRESH)
        if lines.unread:
            self.reading_on.begin(self.following)
        return lines

    def status(self, lines: Lines) -> Status | None:
        """Say how far it is; None for a study without slots."""
        if self.ledger is None:
            return None
        kept = self._status
        if kept is None or kept[1] is not lines or time.monotonic() - kept[0] > FRESH:
            kept = (time.monotonic(), lines, status_of_lines(self.ledger, lines))
            self._status = kept
        return kept[2]

    def left(self, lines: Lines) -> dict[int, str]:
        """Give the trials that their workers left, by their numbers, each with a sentence that says so."""
        if self.ledger is None or not lines.running:
            return {}
        return {each.trial.number: sentence([each]) for each in left_of_lines(self.ledger, lines)}

    def trials(self, lines: list[TrialLine]) -> list[Seen]:
        """Read some of its trials whole."""
        unread = {line.key: line for line in lines if self._ended.get(line.key) is None}
        read = {
            row.key: _seen(unread[row.key], row) for row in read_whole(self.database.engine, list(unread))
        }
        found = [seen for line in lines if (seen := self._ended.get(line.key) or read.get(line.key))]
        self._ended.update((key, seen) for key, seen in read.items() if seen.record.outcome is not None)
        while len(self._ended) > ENDED:
            self._ended.pop(next(iter(self._ended)), None)
        return found

    def trial(self, lines: Lines, number: int) -> Seen:
        """Read one of its trials whole.

        Raises:
            UnknownTrial: there is none of that number.
        """
        line = lines.by_number.get(number)
        found = self._found(number) if line is None else self.trials([line])
        if not found:
            count = len(lines.all)
            there = f"it has {count} trials" if count else "it has none yet"
            raise UnknownTrial(f"The study {self.name!r} has no trial {number}; {there}.")
        return found[0]

    def _found(self, number: int) -> list[Seen]:
        """Find a trial that is not among the lines: not read yet, or added by another program."""
        try:
            key = self.database.storage.get_trial_id_from_study_id_trial_number(self.number, number)
        except KeyError:
            return []
        return [_seen(line_of(row), row) for row in read_whole(self.database.engine, [key])]


@dataclass(eq=False)
class Known:
    """The studies of a database, kept as long as the server runs."""

    database: Database
    reading_on: ReadingOn = field(default_factory=ReadingOn)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _studies: dict[int, KnownStudy] = field(default_factory=dict)
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _fleet: tuple[float, Fleet] | None = None

    def all(self) -> list[KnownStudy]:
        """Give every study, whoever made it, the newest first."""
        return [self._of(number, name) for number, name in reversed(names(self.database.engine).items())]

    def study(self, name: str) -> KnownStudy:
        """Give a study by its name.

        Raises:
            UnknownStudy: there is none.
        """
        for number, there in names(self.database.engine).items():
            if there == name:
                return self._of(number, name)
        find_study(self.database, name)  # raises with the nearest name
        raise UnknownStudy(f"The database holds no study {name!r}.")

    def fleet(self) -> Fleet:
        """Give the workers, as they were a moment ago at most."""
        with self._looking:
            if self._fleet is None or time.monotonic() - self._fleet[0] > FRESH:
                self._fleet = (time.monotonic(), fleet_of(self.database))
            return self._fleet[1]

    def holds(self, name: str) -> bool:
        """Say whether there is a study of that name."""
        return name in names(self.database.engine).values()

    def candidates(self, study: KnownStudy, lines: Lines) -> Sequence[Candidate]:
        """Give the best trials of a study on fresh seeds, as `confirmed` does of a ledger."""
        ledger = study.ledger
        if ledger is None or not self.holds(study.name + SUFFIX):
            return ()
        repeating = CONFIRMING.find(study.database, study.name)
        if repeating is None:
            return ()
        best = study.trials(list(lines.ranked(minimizes=study.minimizes)[: repeating.definition.turn]))
        again = self.study(repeating.name)
        ended = [line for line in again.lines(patience=None).all if line.state in SPENDS]
        repeats = [each.record for each in again.trials(ended)]
        return confirmed_by(ledger, [each.record for each in best], repeating, repeats)

    def warm(self) -> None:
        """Look once at what the list of studies shows, so that nobody's first page waits for it."""
        there = self.all()
        self.fleet()
        began = time.monotonic()
        for study in there:
            study.status(study.lines())
            if time.monotonic() - began > WARM:
                return

    def close(self) -> None:
        """Read no further."""
        self.reading_on.close()

    def _of(self, number: int, name: str) -> KnownStudy:
        with self._lock:
            kept = self._studies.get(number)
            now = time.monotonic()
            if kept is not None and kept.name == name and kept.following.since < kept.opened > now - KEPT:
                return kept
            made = _open(self, number, name, now)
            if kept is not None and kept.name == name and kept.following.ledger == made.following.ledger:
                made = replace(made, following=kept.following)
            self._studies[number] = made
            return made


def _open(known: Known, number: int, name: str, now: float) -> KnownStudy:
    database = known.database
    ledger, trouble, metric, minimizes = None, None, "score", True
    try:
        study = optuna.load_study(study_name=name, storage=database.storage)
        metric, minimizes = _objective_of(study)
        if LEDGER in attributes_of(study):
            ledger = ledger_of(database, study)
            metric, minimizes = ledger.definition.settings.metric, ledger.minimizes
    except KeyError as error:
        if is_of_database(error):
            raise
        trouble = f"The study {name!r} has just been deleted."
    except TunerError as error:
        trouble = str(error)
    except Exception as error:
        if is_of_database(error):
            raise
        trouble = f"The study {name!r} cannot be read: {type(error).__name__}: {first_line(error)}."
    slots = None if ledger is None else ledger.slots.ledger
    limits = () if ledger is None else tuple(ledger.definition.settings.limits or ())
    marks = ledger is None or ledger.marks
    following = Following(database.engine, number, slots, marks, limits)
    return KnownStudy(
        name, number, database, following, ledger, trouble, metric, minimizes, now, known.reading_on
    )


def _objective_of(study: Study) -> tuple[str, bool]:
    """Give the first objective of a study of Optuna: its name, and whether it is minimized."""
    named: Any = study.metric_names
    direction = study.directions[0]
    return (str(named[0]) if named else "score"), direction is not optuna.study.StudyDirection.MAXIMIZE


def _seen(line: TrialLine, row: TrialRow) -> Seen:
    return Seen(line, row.trial, TrialRecord.of(row.trial), row.broken)
