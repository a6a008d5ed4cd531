"""Trials of a study read a page at a time: few columns of many, or all that the database holds of a few.

Optuna reads every trial of a study with all its values, attributes and scores, which takes minutes for
50,000 trials. What is damaged in one trial is named here, and hides nothing else.
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial

from studies.database.optuna_columns import (
    HIGHEST,
    LOWEST,
    NAN,
    attributes,
    curves,
    params,
    system_attributes,
    trials,
    values,
)
from studies.database.retry import persistently

_MOST_IN_LIST = 400  # values of an IN: SQLite takes 32,766 in a statement, and none needs more at once
_SPECIAL = {HIGHEST: math.inf, LOWEST: -math.inf, NAN: math.nan}
CONSTRAINTS = "constraints:"  # before the name of a constraint, as `Trial.set_constraint` keeps it


@dataclass(frozen=True, eq=False)
class TrialRow:
    """A trial as far as it was read.

    `key` is its number in Optuna's tables. `broken` says in a sentence each what of it cannot be read.
    """

    key: int
    trial: FrozenTrial
    broken: tuple[str, ...] = ()


def read_few_columns(
    engine: sa.Engine, study: int, names: Collection[str], *, after: int, also: Collection[int], limit: int
) -> list[TrialRow]:
    """Read trials in the order in which they were made, without their parameters and curves.

    Args:
        engine: the database.
        study: the study's number in Optuna's tables.
        names: the attributes that are read, and constraints, each behind `CONSTRAINTS`. A trial that has
            ended and lacks the first has its system attributes and its last score, which tell how it ended.
        after: only trials whose key is larger, or that are among `also`.
        also: keys of trials that are read again.
        limit: how many at most, those among `also` not counted.
    """

    def read() -> list[TrialRow]:
        with engine.connect() as connection:
            mine = sa.select(trials).where(trials.c.study_id == study)
            rows = list(
                connection.execute(
                    mine.where(trials.c.trial_id > after).order_by(trials.c.trial_id).limit(limit)
                )
            )
            for part in _parts(also):
                rows += connection.execute(mine.where(trials.c.trial_id.in_(part)))
            return _few_columns(connection, rows, names)

    return persistently(read)


def read_whole(engine: sa.Engine, keys: Sequence[int]) -> list[TrialRow]:
    """Read all that the database holds of some trials, in the order of `keys`; some may be gone."""

    def read() -> list[TrialRow]:
        with engine.connect() as connection:
            return read_whole_within(connection, keys)

    return persistently(read)


def read_whole_within(connection: sa.Connection, keys: Sequence[int]) -> list[TrialRow]:
    """Do as `read_whole` on a connection of the caller's."""
    found = {row.key: row for part in _parts(keys) for row in _whole(connection, part)}
    return [found[key] for key in keys if key in found]


def read_values_of(engine: sa.Engine, study: int, name: str, *, after: int) -> dict[int, Any]:
    """Give the value of one parameter in every trial that has it, by the trial's key, those after a key."""
    query = (
        sa.select(params.c.trial_id, params.c.param_value, params.c.distribution_json)
        .select_from(params.join(trials, trials.c.trial_id == params.c.trial_id))
        .where(trials.c.study_id == study, params.c.param_name == name, trials.c.trial_id > after)
    )

    def read() -> dict[int, Any]:
        found = {}
        with engine.connect() as connection:
            for key, number, text in connection.execute(query):
                if (value := _value(text, number)) is not None:
                    found[key] = value[0]
        return found

    return persistently(read)


def read_lengths(engine: sa.Engine, keys: Collection[int]) -> dict[int, int]:
    """Give how many scores each of some trials has reported, by its key."""

    def read() -> dict[int, int]:
        found: dict[int, int] = {}
        with engine.connect() as connection:
            for part in _parts(keys):
                counting = sa.select(curves.c.trial_id, sa.func.count()).where(curves.c.trial_id.in_(part))
                found |= {row[0]: row[1] for row in connection.execute(counting.group_by(curves.c.trial_id))}
        return found

    return persistently(read)


def _few_columns(connection: sa.Connection, rows: Sequence[Any], names: Collection[str]) -> list[TrialRow]:
    keys = [row.trial_id for row in rows]
    own = _attributes_of(connection, attributes, keys, names)
    first = next(iter(names))
    odd = [row.trial_id for row in rows if row.state.is_finished() and first not in own.get(row.trial_id, {})]
    limits = [name for name in names if name.startswith(CONSTRAINTS)]
    system = _attributes_of(connection, system_attributes, keys, limits) if limits else {}
    system |= _attributes_of(connection, system_attributes, odd, None)
    scores, last = _scores(connection, keys), _last_scores(connection, odd)
    return [
        TrialRow(
            row.trial_id,
            _frozen(
                row,
                own={key: value for key, (value, _) in own.get(row.trial_id, {}).items()},
                system={key: value for key, (value, _) in system.get(row.trial_id, {}).items()},
                score=scores.get(row.trial_id),
                curve=last.get(row.trial_id, {}),
            ),
        )
        for row in rows
    ]


def _whole(connection: sa.Connection, keys: Sequence[int]) -> Iterator[TrialRow]:
    rows = connection.execute(sa.select(trials).where(trials.c.trial_id.in_(keys))).all()
    own = _attributes_of(connection, attributes, keys, None)
    system = _attributes_of(connection, system_attributes, keys, None)
    scores = _scores(connection, keys)
    curve: dict[int, dict[int, float]] = {}
    for row in connection.execute(sa.select(curves).where(curves.c.trial_id.in_(keys))):
        number = _number(row.intermediate_value, row.intermediate_value_type)
        curve.setdefault(row.trial_id, {})[row.step] = number
    chosen: dict[int, dict[str, tuple[Any, BaseDistribution]]] = {}
    broken: dict[int, list[str]] = {}
    order = params.c.param_id
    for row in connection.execute(sa.select(params).where(params.c.trial_id.in_(keys)).order_by(order)):
        value = _value(row.distribution_json, row.param_value)
        if value is None:
            said = f"The value of the parameter {row.param_name} cannot be read."
            broken.setdefault(row.trial_id, []).append(said)
        else:
            chosen.setdefault(row.trial_id, {})[row.param_name] = value
    for row in rows:
        key = row.trial_id
        lost = [
            f"The attribute {name} is no JSON, so it is left out."
            for kept in (own, system)
            for name, (_, is_whole) in kept.get(key, {}).items()
            if not is_whole
        ]
        trial = _frozen(
            row,
            own={name: value for name, (value, is_whole) in own.get(key, {}).items() if is_whole},
            system={name: value for name, (value, is_whole) in system.get(key, {}).items() if is_whole},
            score=scores.get(key),
            curve=curve.get(key, {}),
            chosen=chosen.get(key, {}),
        )
        yield TrialRow(key, trial, (*broken.get(key, ()), *lost))


def _frozen(
    row: Any,
    *,
    own: dict[str, Any],
    system: dict[str, Any],
    score: float | None,
    curve: dict[int, float],
    chosen: dict[str, tuple[Any, BaseDistribution]] | None = None,
) -> FrozenTrial:
    given = chosen or {}
    return FrozenTrial(
        number=row.number,
        state=row.state,
        value=score,
        datetime_start=_time(row.datetime_start),
        datetime_complete=_time(row.datetime_complete),
        params={name: value for name, (value, _) in given.items()},
        distributions={name: known for name, (_, known) in given.items()},
        user_attrs=own,
        system_attrs=system,
        intermediate_values=curve,
        trial_id=row.trial_id,
    )


def _attributes_of(
    connection: sa.Connection, table: sa.TableClause, keys: Sequence[int], names: Collection[str] | None
) -> dict[int, dict[str, tuple[Any, bool]]]:
    """Give the attributes of trials, each with whether it could be read."""
    found: dict[int, dict[str, tuple[Any, bool]]] = {}
    for query in _of(table, keys):
        chosen = query if names is None else query.where(table.c.key.in_(tuple(names)))
        for key, name, text in connection.execute(chosen):
            found.setdefault(key, {})[name] = _json(text)
    return found


def _scores(connection: sa.Connection, keys: Sequence[int]) -> dict[int, float]:
    return {
        key: _number(value, kind)
        for query in _of(values, keys)
        for key, objective, value, kind in connection.execute(query)
        if objective == 0
    }


def _last_scores(connection: sa.Connection, keys: Sequence[int]) -> dict[int, dict[int, float]]:
    found = {}
    for part in _parts(keys):
        last = (
            sa.select(curves.c.trial_id, sa.func.max(curves.c.step).label("step"))
            .where(curves.c.trial_id.in_(part))
            .group_by(curves.c.trial_id)
            .subquery()
        )
        is_last = sa.and_(curves.c.trial_id == last.c.trial_id, curves.c.step == last.c.step)
        for row in connection.execute(sa.select(curves).select_from(curves.join(last, is_last))):
            number = _number(row.intermediate_value, row.intermediate_value_type)
            found[row.trial_id] = {row.step: number}
    return found


def _of(table: sa.TableClause, keys: Sequence[int]) -> Iterator[sa.Select[Any]]:
    """Ask for the rows of trials: by a range where they are many and stand close together."""
    if not keys:
        return
    least, most = min(keys), max(keys)
    if len(keys) > _MOST_IN_LIST and most - least < 4 * len(keys):
        yield sa.select(table).where(table.c.trial_id.between(least, most))
        return
    for part in _parts(keys):
        yield sa.select(table).where(table.c.trial_id.in_(part))


def _parts(keys: Iterable[int]) -> Iterator[list[int]]:
    listed = list(keys)
    for first in range(0, len(listed), _MOST_IN_LIST):
        yield listed[first : first + _MOST_IN_LIST]


def _json(text: str) -> tuple[Any, bool]:
    try:
        return json.loads(text), True
    except (ValueError, TypeError, RecursionError):
        return None, False


def _number(value: float | None, kind: str) -> float:
    return _SPECIAL.get(kind, math.nan if value is None else value)


def _value(text: str, number: float) -> tuple[Any, BaseDistribution] | None:
    """Read a value and what it was chosen from; None where they are damaged."""
    known = _distribution(text)
    try:
        return None if known is None else (known.to_external_repr(number), known)
    except (ValueError, TypeError, IndexError):
        return None


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution | None:
    try:
        return json_to_distribution(text)
    except Exception:  # noqa: BLE001 - whatever stands there, it is no distribution of Optuna's
        return None


def _time(given: datetime | None) -> datetime | None:
    """Say of a time of Optuna's columns that it is UTC."""
    return None if given is None else given.replace(tzinfo=UTC)
