"""Whether the database has room for the texts of a study, which is asked before anything of it is made.

MySQL keeps 65,535 bytes in the columns that Optuna makes. Where a study needs more, these columns are
widened, once for the whole database; Optuna and its dashboard read them as before.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from studies.database.dialects import dialect_of
from studies.database.retry import is_passing, persistently
from studies.errors import StorageError

_SHARE = 0.5  # of the room that a study's longest text may take: what its trials keep is a little longer


def make_room(engine: sa.Engine, attributes: Mapping[str, Any]) -> None:
    """See to it that the database can keep some attributes of a study, and what its trials keep of them.

    Args:
        engine: the database.
        attributes: plain data by name.

    Raises:
        StorageError: they are too long.
    """
    # Optuna writes what is not ASCII as up to twelve characters that are.
    lengths = {name: len(json.dumps(value)) for name, value in attributes.items()}
    name, length = max(lengths.items(), key=lambda item: item[1])
    dialect = dialect_of(engine)

    def room() -> int | None:
        with engine.begin() as connection:
            return dialect.longest_text(connection)

    def widen() -> None:
        with engine.begin() as connection:
            dialect.widen_texts(connection)

    longest = persistently(room)
    if longest is not None and length > _SHARE * longest:
        reason = ""
        try:
            persistently(widen)
        except DBAPIError as error:
            if is_passing(error):
                raise
            reason = f", and its tables cannot be widened: {error.orig}"
        longest = persistently(room) or 0
        if length > _SHARE * longest:
            raise StorageError(
                f"The study is too long for the database: {name.rpartition(':')[2]} has {length:,} bytes, of "
                f"which at most {int(_SHARE * longest):,} can be kept here{reason}; shorten the study file, "
                f"such as by a file that it names instead of a long list, or use another database."
            )
