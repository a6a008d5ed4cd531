"""What the pages know of the studies of a database: each is followed, and opened anew when it is another."""

import threading
import time
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
from studies.ledger.following import Following, Lines, TrialLine
from studies.ledger.ledger import Ledger
from studies.ledger.opening import find_study, ledger_of
from studies.ledger.reading import attributes_of
from studies.ledger.status import Status, left_of_lines, status_of_lines
from studies.trials.record import TrialRecord

FRESH = 1.0  # seconds for which what was read is shown to others as well
KEPT = 30.0  # seconds after which the definition of a study is read again
FIRST = 0.08  # seconds that the first look at the trials of a large study may take


@dataclass(frozen=True, eq=False)
class Seen:
    """A trial as a page shows it: as read, as a record, and what of it cannot be read, in sentences."""

    line: TrialLine
    trial: FrozenTrial
    record: TrialRecord
    broken: tuple[str, ...]


@dataclass(frozen=True, eq=False)
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
    _status: dict[int, tuple[float, Status]] = field(default_factory=dict)

    @property
    def space(self) -> Group | None:
        """The space that it searches, where it says so."""
        return None if self.ledger is None else self.ledger.definition.space

    def lines(self, patience: float | None = FIRST) -> Lines:
        """Give its trials, as they were a moment ago at most; all of them where there is no patience."""
        return self.following.look(patience=patience, age=FRESH)

    def status(self, lines: Lines) -> Status | None:
        """Say how far it is; None for a study without slots."""
        if self.ledger is None:
            return None
        kept = self._status.get(0)
        if kept is None or time.monotonic() - kept[0] > FRESH:
            kept = (time.monotonic(), status_of_lines(self.ledger, lines))
            self._status[0] = kept
        return kept[1]

    def left(self, lines: Lines) -> dict[int, str]:
        """Say of each trial that was left by its worker so, by its number."""
        if self.ledger is None:
            return {}
        return {each.trial.number: sentence([each]) for each in left_of_lines(self.ledger, lines)}

    def trials(self, lines: list[TrialLine]) -> list[Seen]:
        """Read some of its trials whole."""
        by_key = {line.key: line for line in lines}
        rows = read_whole(self.database.engine, list(by_key))
        return [_seen(by_key[row.key], row) for row in rows]

    def trial(self, lines: Lines, number: int) -> Seen:
        """Read one of its trials whole.

        Raises:
            UnknownTrial: there is none of that number.
        """
        line = lines.by_number.get(number)
        found = [] if line is None else self.trials([line])
        if not found:
            count = len(lines.all)
            there = f"it has {count} trials" if count else "it has none yet"
            raise UnknownTrial(f"The study {self.name!r} has no trial {number}; {there}.")
        return found[0]


@dataclass(eq=False)
class Known:
    """The studies of a database, kept as long as the server runs."""

    database: Database
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _studies: dict[int, KnownStudy] = field(default_factory=dict)

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

    def holds(self, name: str) -> bool:
        """Say whether there is a study of that name."""
        return name in names(self.database.engine).values()

    def _of(self, number: int, name: str) -> KnownStudy:
        with self._lock:
            kept = self._studies.get(number)
            now = time.monotonic()
            if kept is not None and kept.name == name and now - kept.opened < KEPT:
                return kept
            made = _open(self.database, number, name, now)
            if kept is not None and kept.name == name and kept.following.ledger == made.following.ledger:
                made = replace(made, following=kept.following)
            self._studies[number] = made
            return made


def key_of(study: KnownStudy) -> object:
    """Give what tells a study from any other that had or will have its name."""
    return study.number, study.name, study.following.ledger


def _open(database: Database, number: int, name: str, now: float) -> KnownStudy:
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
    following = Following(database.engine, number, slots, marks=ledger is None or ledger.marks)
    return KnownStudy(name, number, database, following, ledger, trouble, metric, minimizes, now)


def _objective_of(study: Study) -> tuple[str, bool]:
    """Give the first objective of a study of Optuna: its name, and whether it is minimized."""
    named: Any = study.metric_names
    direction = study.directions[0]
    return (str(named[0]) if named else "score"), direction is not optuna.study.StudyDirection.MAXIMIZE


def _seen(line: TrialLine, row: TrialRow) -> Seen:
    return Seen(line, row.trial, TrialRecord.of(row.trial), row.broken)
