"""Which free slot a worker tries to claim, while many others do the same."""

import random
from collections.abc import Iterator

import sqlalchemy as sa

from studies.database import schema

_PAGE = 64  # free slots that are looked at together
_IN_ORDER = 2  # of those, so many are tried in their order
_slots = schema.slots


def candidates(engine: sa.Engine, is_free: sa.ColumnElement[bool]) -> Iterator[int]:
    """Give the number of the first free slot, then of others, until the caller has claimed one.

    Where the first ones are lost to other workers, many are claiming at once, so each then takes any of
    those that are left.
    """
    tried: list[int] = []
    free = sa.select(_slots.c.slot).where(is_free).order_by(_slots.c.slot).limit(_PAGE)
    while True:
        with engine.connect() as connection:
            page = list(connection.scalars(free.where(_slots.c.slot.not_in(tried)) if tried else free))
        if not page:
            return
        tried.append(page[0] if len(tried) < _IN_ORDER else random.choice(page))  # noqa: S311 - no secret
        yield tried[-1]
