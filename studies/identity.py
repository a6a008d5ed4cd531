"""What makes a study of the database ours: attributes that are put on it all at once, by exactly one process.

Optuna sets attributes one by one, and of two processes that make the same study the later would overwrite
what the earlier already works with. So the whole set goes in by one INSERT, which the unique key of
Optuna's table lets happen once.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

DEFINITION, SOURCE, SPACE, LEDGER, VERSION = (
    f"tuner:{part}" for part in ("definition", "source", "space", "ledger", "version")
)
CODE = "tuner:code"  # what the user's modules were when the study was made

# Optuna's table of study attributes, by the columns that its schema has had since its first migration.
_attributes = sa.table(
    "study_user_attributes",
    sa.column("study_id", sa.Integer),
    sa.column("key", sa.String),
    sa.column("value_json", sa.Text),
)


def adopt(engine: sa.Engine, study: int, attributes: Mapping[str, Any]) -> bool:
    """Put attributes on a study; False, and nothing is changed, where it carries one of them already.

    Args:
        engine: the database.
        study: the study's number in Optuna's tables.
        attributes: plain data by name.
    """
    rows = [
        {"study_id": study, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()
    ]
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(_attributes), rows)
    except IntegrityError:
        return False
    return True


def carries(study: int, ledger: str) -> sa.ColumnElement[bool]:
    """Give the condition that a study exists and is the one that carries this ledger."""
    return sa.exists().where(
        _attributes.c.study_id == study,
        _attributes.c.key == LEDGER,
        _attributes.c.value_json == json.dumps(ledger),
    )


def ledgers(engine: sa.Engine) -> dict[str, int]:
    """List the ledgers of a database, each with its study's number in Optuna's tables."""
    carrying = sa.select(_attributes.c.value_json, _attributes.c.study_id).where(_attributes.c.key == LEDGER)
    with engine.connect() as connection:
        return {json.loads(text): study for text, study in connection.execute(carrying)}
