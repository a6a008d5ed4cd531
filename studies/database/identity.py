"""What makes a study of the database ours: attributes that are put on it all at once, by exactly one process.

Optuna sets attributes one by one, and of two processes that make the same study the later would overwrite
what the earlier already works with. So the whole set goes in by one INSERT, which the unique key of
Optuna's table lets happen once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from studies.database.retry import persistently

DEFINITION, SOURCE, SPACE, LEDGER, VERSION = (
    f"tuner:{part}" for part in ("definition", "source", "space", "ledger", "version")
)
CODE = "tuner:code"  # what the user's modules were when the study was made
OWNER = "tuner:study"  # the study's own number in Optuna's tables: a copy of the study carries another's

# Optuna's tables, by the columns that its schema has had since its first migration.
_studies = sa.table("studies", sa.column("study_id", sa.Integer), sa.column("study_name", sa.String))
_trials = sa.table("trials", sa.column("trial_id", sa.Integer), sa.column("study_id", sa.Integer))
_attributes = sa.table(
    "study_user_attributes",
    sa.column("study_id", sa.Integer),
    sa.column("key", sa.String),
    sa.column("value_json", sa.Text),
)


def adopt(
    engine: sa.Engine, study: int, attributes: Mapping[str, Any], also: Callable[[sa.Connection], None]
) -> bool:
    """Put attributes on a study; False, and nothing is changed, where it carries one of them already.

    Args:
        engine: the database.
        study: the study's number in Optuna's tables.
        attributes: plain data by name.
        also: writes what else a study needs, in the same transaction, so that no half of a study is left.
    """
    rows = [
        {"study_id": study, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()
    ]

    def write() -> bool:
        try:
            with engine.begin() as connection:
                connection.execute(sa.insert(_attributes), rows)
                also(connection)
        except IntegrityError:
            return False
        return True

    return persistently(write)


def carries(study: int, ledger: str) -> sa.ColumnElement[bool]:
    """Give the condition that a study exists and is the one that carries this ledger."""
    return sa.exists().where(
        _attributes.c.study_id == study,
        _attributes.c.key == LEDGER,
        _attributes.c.value_json == json.dumps(ledger),
    )


def names(engine: sa.Engine) -> dict[int, str]:
    """List the studies of a database, whoever made them, by their numbers.

    Optuna's own listing reads every attribute of every study, so one that is damaged would hide all.
    """
    query = sa.select(_studies.c.study_id, _studies.c.study_name).order_by(_studies.c.study_id)

    def read() -> dict[int, str]:
        with engine.connect() as connection:
            return {row.study_id: row.study_name for row in connection.execute(query)}

    return persistently(read)


def count_trials(engine: sa.Engine, study: int) -> int:
    """Count the trials of a study without reading them."""
    counting = sa.select(sa.func.count()).select_from(_trials).where(_trials.c.study_id == study)

    def read() -> int:
        with engine.connect() as connection:
            return connection.scalar(counting) or 0

    return persistently(read)


def ledgers(engine: sa.Engine) -> dict[str, int]:
    """List the ledgers of a database, each with the number of the study that it was made for.

    `optuna.copy_study` copies the attributes of a study, and with them the name of its ledger. A copy has
    no ledger.
    """
    query = sa.select(_attributes).where(_attributes.c.key.in_((LEDGER, OWNER)))

    def read() -> Sequence[sa.Row[Any]]:
        with engine.connect() as connection:
            return connection.execute(query.order_by(_attributes.c.study_id)).all()

    rows = persistently(read)
    owners = {row.study_id: _read(row.value_json) for row in rows if row.key == OWNER}
    found: dict[str, int] = {}
    for row in rows:
        ledger = _read(row.value_json) if row.key == LEDGER else None
        if isinstance(ledger, str) and owners.get(row.study_id, row.study_id) == row.study_id:
            found.setdefault(ledger, row.study_id)  # without an owner's number, the earliest is no copy
    return found


def _read(text: str) -> Any:
    """Read an attribute; None where it is damaged."""
    try:
        return json.loads(text)
    except ValueError:
        return None
