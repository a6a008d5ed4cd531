"""Every trial of a study, kept, of which only what is new is read.

Optuna keeps the trials that have ended, and reads those that run anew at each look, whole: with a thousand
workers that is eighty thousand rows. Here one statement says which trials are new, have ended, or have
changed while they run, and only those are read.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import reduce
from typing import Any

import sqlalchemy as sa
from optuna.trial import FrozenTrial, TrialState

from studies.database.dialects import dialect_named
from studies.database.optuna_columns import attributes, curves, params, studies, system_attributes, trials
from studies.database.trial_rows import TrialRow, read_whole_within

_RUNS = [state for state in TrialState if not state.is_finished()]

# What may change of a running trial, and is looked at by a digest; its values are set once, and counted.
_CHANGES: tuple[tuple[sa.TableClause, Sequence[str]], ...] = (
    (curves, ("step", "intermediate_value", "intermediate_value_type")),
    (attributes, ("key", "value_json")),
    (system_attributes, ("key", "value_json")),
)


def _marks(engine: sa.Engine) -> list[sa.ColumnElement[Any]]:
    """Give the columns that tell two states of a running trial apart."""
    dialect = dialect_named(engine.dialect.name)
    assert dialect is not None  # no other database is opened
    told = [(params, sa.func.count())] + [
        (table, dialect.digest(_text(table.c[name] for name in names))) for table, names in _CHANGES
    ]
    return [sa.cast(trials.c.state, sa.String(16))] + [
        sa.select(mark).where(table.c.trial_id == trials.c.trial_id).scalar_subquery() for table, mark in told
    ]


def _text(columns: Iterable[sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
    """Write columns as one text, in which an absent value is seen."""
    texts = [sa.func.coalesce(sa.cast(column, sa.Text), "-") for column in columns]
    return reduce(lambda first, second: first + ":" + second, texts)


class DamagedTrial(ValueError):
    """What the database holds of a trial cannot be read."""


@dataclass(eq=False)
class _Kept:
    """The trials of one study by their keys, and of those that run what tells two states apart."""

    found: dict[int, FrozenTrial] = field(default_factory=dict)
    marks: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # by key, of those that have not ended
    last: int = -1  # the largest key that was read
    first: tuple[int, Any] | None = None  # the smallest key, and when its trial began

    def take(self, rows: Sequence[TrialRow], looked: Mapping[int, tuple[Any, ...]]) -> None:
        """Keep what was read; what was looked at is no newer, so a change in between is read once more."""
        for row in rows:
            if row.broken:
                raise DamagedTrial(row.broken[0])
        began = {row.key: row.trial.datetime_start for row in rows}
        read = {row.key: _as_optuna(row.trial) for row in rows}
        for key in [key for key in self.marks if key not in looked and key not in read]:
            self.found.pop(key, None)  # it was deleted
        self.marks = {key: marks for key, marks in looked.items() if marks}
        self.found |= read
        self.last = max(self.last, *read, -1)
        if self.first is None and began:
            self.first = min(began), began[min(began)]


class AllTrials:
    """The trials of the studies of a database, for any number of threads."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take a database."""
        self._engine, self._marks = engine, _marks(engine)
        self._lock = threading.Lock()
        self._studies: dict[int, _Kept] = {}

    def read(self, study: int) -> list[FrozenTrial]:
        """Give the trials of a study by number; they are kept, so nobody may change them.

        Raises:
            KeyError: there is no such study.
            DamagedTrial: one of them cannot be read.
        """
        with self._lock, self._engine.connect() as connection:
            kept = self._studies.setdefault(study, _Kept())
            if not _is_there(connection, study, kept):
                kept = self._studies[study] = _Kept()
            looked = _look(connection, study, kept, self._marks)
            if looked is None:
                del self._studies[study]
                raise KeyError(study)
            ended = kept.marks.keys() - looked.keys()
            changed = {key for key, marks in looked.items() if not marks or kept.marks.get(key) != marks}
            kept.take(read_whole_within(connection, sorted(ended | changed)), looked)
            return sorted(kept.found.values(), key=lambda trial: trial.number)


def _is_there(connection: sa.Connection, study: int, kept: _Kept) -> bool:
    """Say whether the first trial is still the study's: the numbers of a deleted study may be given again."""
    if kept.first is None:
        return True
    key, began = kept.first
    query = sa.select(trials).where(trials.c.trial_id == key, trials.c.study_id == study)
    row = connection.execute(query).one_or_none()
    return row is not None and (row.datetime_start and row.datetime_start.replace(tzinfo=UTC)) == began


def _look(
    connection: sa.Connection, study: int, kept: _Kept, marks: Sequence[sa.ColumnElement[Any]]
) -> dict[int, tuple[Any, ...]] | None:
    """Give, of the trials that run or are new, what tells their states apart; None without the study.

    That of a new one that has ended is empty.
    """
    there = sa.select(studies.c.study_id).where(studies.c.study_id == study)
    if connection.scalar(there) is None:
        return None
    first = min(kept.marks, default=kept.last + 1)
    is_asked = sa.or_(trials.c.trial_id > kept.last, trials.c.state.in_(_RUNS))
    query = sa.select(trials.c.trial_id, trials.c.state, *marks).where(
        trials.c.study_id == study, trials.c.trial_id >= first, is_asked
    )
    return {row[0]: () if row[1].is_finished() else tuple(row[1:]) for row in connection.execute(query)}


def _as_optuna(trial: FrozenTrial) -> FrozenTrial:
    """Give a trial as Optuna's own storage does, whose times are this machine's and do not say so."""
    for name in ("datetime_start", "datetime_complete"):
        at = getattr(trial, name)
        if at is not None:
            setattr(trial, name, at.astimezone().replace(tzinfo=None))
    return trial
