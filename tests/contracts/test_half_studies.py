"""The contract of making a study: cut off wherever it may be, no half of a study stays in the way."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import sqlalchemy
from sqlalchemy import event

from studies.database.identity import names
from studies.database.open import Database
from studies.errors import StudyChanged
from studies.ledger.budgets import Budget
from studies.ledger.control import waiting
from studies.ledger.making import create
from tests.studies.samples import sample_definition


class CutOff(Exception):
    """Whoever makes a study comes no further."""


@contextmanager
def cut_off(engine: sqlalchemy.Engine, at: int) -> Iterator[list[int]]:
    """Raise before statement or commit number `at`; the list counts them."""
    count = [0]

    def step(*_: object) -> None:
        count[0] += 1
        if count[0] == at + 1:
            raise CutOff

    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    try:
        with suppress(CutOff):
            yield count
    finally:
        event.remove(engine, "before_cursor_execute", step)
        event.remove(engine, "commit", step)
        engine.dispose()


def test_a_study_that_was_cut_off_is_completed_or_was_never_begun(database: Database) -> None:
    """After a failure at any statement the same file, or one that was mended, makes a whole study."""
    create(database, sample_definition(), "")
    for at in range(10_000):
        is_mended = at % 2 == 1
        first = sample_definition(trials=3)
        second = replace(first, settings=replace(first.settings, seed=7)) if is_mended else first
        with cut_off(database.engine, at) as count:
            create(database, first, "")
        if count[0] <= at:
            break
        try:
            ledger = create(database, second, "")
        except StudyChanged:
            assert is_mended
            ledger = create(database, first, "")
        assert ledger.slots.budget() == Budget(open=3, claimed=0, done=0)
        assert ledger.study.metric_names == ["val_loss"]
        assert ledger.slots.ledger in waiting(database.engine)
        assert list(names(database.engine).values()).count(ledger.name) == 1
    assert at > 10
