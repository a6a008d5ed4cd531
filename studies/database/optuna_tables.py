"""What is written to a trial all at once: its beginning, its values, its next scores, its end with its slot.

Optuna writes each value and each attribute in a transaction of its own. A worker killed between two of them
leaves half a trial, and thirty validations cost more than the rest of a trial's records together. So these
are written to Optuna's tables directly, by the columns that they have had since its third release; the
contract tests read them back through Optuna.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.database.clock import now
from studies.database.dialects import dialect_of
from studies.database.optuna_columns import FINITE as _FINITE
from studies.database.optuna_columns import HIGHEST as _HIGHEST
from studies.database.optuna_columns import LOWEST as _LOWEST
from studies.database.optuna_columns import NAN as _NAN
from studies.database.optuna_columns import attributes as _attributes
from studies.database.optuna_columns import curves as _curves
from studies.database.optuna_columns import params as _params
from studies.database.optuna_columns import studies as _studies
from studies.database.optuna_columns import system_attributes as _system_attributes
from studies.database.optuna_columns import trials as _trials
from studies.database.optuna_columns import values as _values

# How Optuna's SuccessiveHalvingPruner begins the names of the attributes by which a trial competes at a rung.
# It has no public name for that; a contract test fails if it changes.
RUNG = "completed_rung_"


def hold(connection: sa.Connection, trial: int) -> None:
    """Lock a trial that runs until the transaction ends.

    Args:
        connection: in a transaction.
        trial: the trial's number in Optuna's tables.

    Raises:
        KeyError: there is no such trial: its study has been deleted.
        UpdateFinishedTrialError: it has ended.
    """
    state = connection.scalar(sa.select(_trials.c.state).where(_trials.c.trial_id == trial).with_for_update())
    if state is None:
        raise KeyError(trial)
    if state.is_finished():
        raise UpdateFinishedTrialError(f"Trial {trial} has ended.")


def store_curve(connection: sa.Connection, trial: int, curve: Mapping[int, float]) -> None:
    """Store scores of a trial that is held by their steps; a step that is there takes the new score."""
    rows = [
        {"trial_id": trial, "step": step, "intermediate_value": value, "intermediate_value_type": kind}
        for step, (value, kind) in ((step, _split(score)) for step, score in curve.items())
    ]
    upsert(connection, _curves, ("trial_id", "step"), rows)


def store_attributes(
    connection: sa.Connection, trial: int, own: Mapping[str, Any], system: Mapping[str, Any]
) -> None:
    """Store attributes of a trial that is held: the user's, as Optuna calls them, and the system's."""
    for table, attributes in ((_attributes, own), (_system_attributes, system)):
        rows = [
            {"trial_id": trial, "key": key, "value_json": json.dumps(value)}
            for key, value in attributes.items()
        ]
        upsert(connection, table, ("trial_id", "key"), rows)


def end(connection: sa.Connection, trial: int, state: TrialState, score: float | None) -> None:
    """End a trial that is held.

    One that is pruned takes its last score that is a number as its value, as `optuna.Study.tell` has it. One
    that fails, whose slot is tried again, competes no longer at the rungs of successive halving: its next
    attempt, which reports the same scores, would otherwise meet itself there.
    """
    if state is TrialState.FAIL:
        mine = _system_attributes.c.trial_id == trial
        is_rung = _system_attributes.c.key.startswith(RUNG, autoescape=True)
        connection.execute(sa.delete(_system_attributes).where(mine, is_rung))
    if score is None and state is TrialState.PRUNED:
        score = _last(connection, trial)
    if score is not None:
        value, kind = _split(score)
        row = {"trial_id": trial, "objective": 0, "value": value, "value_type": kind}
        upsert(connection, _values, ("trial_id", "objective"), [row])
    times = {"datetime_complete": _now(connection)}
    connection.execute(sa.update(_trials).where(_trials.c.trial_id == trial).values(state=state, **times))


def make(connection: sa.Connection, study: int, own: Mapping[str, Any]) -> FrozenTrial:
    """Make a trial that runs, as Optuna makes it: its number is taken while the study is held.

    It begins by the clock of the database, where Optuna takes the time of day that this machine has.

    Args:
        connection: in a transaction.
        study: the study's number in Optuna's tables.
        own: the trial's attributes.

    Raises:
        KeyError: the study has been deleted.
    """
    held = sa.select(_studies.c.study_id, now()).where(_studies.c.study_id == study).with_for_update()
    there = connection.execute(held).one_or_none()
    if there is None:
        raise KeyError(study)
    begun = _as_optuna(float(there[1]))
    count = sa.select(sa.func.count()).select_from(_trials).where(_trials.c.study_id == study)
    number = int(connection.scalar(count) or 0)
    row = {"number": number, "study_id": study, "state": TrialState.RUNNING, "datetime_start": begun}
    key = connection.execute(sa.insert(_trials).values(**row)).inserted_primary_key
    identifier = int(key[0]) if key else 0
    store_attributes(connection, identifier, own, {})
    trial = create_trial(state=TrialState.RUNNING, user_attrs=dict(own))
    trial.number = number
    trial._trial_id = identifier  # noqa: SLF001 - Optuna's samplers and pruners read it there
    return trial


def store_values(
    connection: sa.Connection, trial: int, values: Mapping[str, tuple[float, BaseDistribution]]
) -> None:
    """Store the values of a trial that is held, each as Optuna writes it, with what it was chosen from."""
    rows = [
        {
            "trial_id": trial,
            "param_name": name,
            "param_value": value,
            "distribution_json": distribution_to_json(distribution),
        }
        for name, (value, distribution) in values.items()
    ]
    upsert(connection, _params, ("trial_id", "param_name"), rows)


def _now(connection: sa.Connection) -> datetime:
    """Give the time by the database's clock, in UTC and without saying so, as Optuna's columns have it.

    The order of endings counts, and the clocks and time zones of workers differ.
    """
    return _as_optuna(float(connection.scalar(sa.select(now())) or 0.0))


def _as_optuna(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def trial_of(connection: sa.Connection, study: int, claim: Mapping[str, Any]) -> int | None:
    """Find the trial of a study that carries some attributes, by its number in Optuna's tables."""
    carrying = [
        sa.exists().where(
            _attributes.c.trial_id == _trials.c.trial_id,
            _attributes.c.key == key,
            _attributes.c.value_json == json.dumps(value),
        )
        for key, value in claim.items()
    ]
    found = connection.scalar(sa.select(_trials.c.trial_id).where(_trials.c.study_id == study, *carrying))
    return None if found is None else int(found)


def _last(connection: sa.Connection, trial: int) -> float | None:
    last = connection.execute(
        sa.select(_curves.c.intermediate_value, _curves.c.intermediate_value_type)
        .where(_curves.c.trial_id == trial)
        .order_by(_curves.c.step.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.intermediate_value_type == _NAN:
        return None
    infinite = {_HIGHEST: math.inf, _LOWEST: -math.inf}
    return float(infinite.get(last.intermediate_value_type, last.intermediate_value))


def _split(score: float) -> tuple[float | None, str]:
    """Write a score as Optuna does: what no database holds alike is said in a column beside it."""
    if math.isnan(score):
        return None, _NAN
    if math.isinf(score):
        return None, _HIGHEST if score > 0 else _LOWEST
    return score, _FINITE


def upsert(
    connection: sa.Connection,
    table: sa.TableClause | sa.Table,
    key: Sequence[str],
    rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    changed: Sequence[str] | None = None,
) -> None:
    """Insert rows; where one of the same `key` is there, give it the new values of its other columns.

    Args:
        connection: in a transaction.
        table: where to.
        key: the columns of a unique key.
        rows: several rows of plain values, or one, which may hold SQL expressions.
        changed: the columns that a row that is there takes from the new one, all but the key by default.
    """
    if not rows:
        return
    single = rows if isinstance(rows, Mapping) else None
    names = rows if isinstance(rows, Mapping) else rows[0]
    taken = [name for name in names if name not in key] if changed is None else changed
    statement = dialect_of(connection).upsert(table, single, key, taken)
    if single is None:
        connection.execute(statement, rows)
    else:
        connection.execute(statement)
