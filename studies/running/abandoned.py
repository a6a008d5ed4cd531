"""Trials that were left long ago, in studies that nobody works on any more.

A study that is stopped, spent, or passed over by every worker is asked for no slot, so nobody takes up what
was left in it, and Optuna's tools would show its trials as running for good.
"""

import sqlalchemy as sa
from optuna.trial import TrialState

from studies.database.failures import is_of_database
from studies.database.identity import ledgers, names
from studies.database.open import Database
from studies.database.retry import persistently
from studies.ledger.opening import open_ledger
from studies.running.lost import sweep

_trials = sa.table("trials", sa.column("study_id", sa.Integer), sa.column("state", sa.Enum(TrialState)))


def settle_abandoned(database: Database) -> None:
    """End, in every study of a database, the trials whose workers went away long ago, as lost.

    Their slots stay as they are, for whoever works on the study again.
    """
    named = persistently(lambda: names(database.engine))
    for name in [named[study] for study in sorted(with_running_trials(database.engine)) if study in named]:
        try:
            sweep(open_ledger(database, name))
        except Exception as error:
            if is_of_database(error):
                raise
            continue  # it is deleted, or damaged, of which whoever asks for it is told


def with_running_trials(engine: sa.Engine) -> set[int]:
    """Give the studies of ours that have a running trial, by their numbers in Optuna's tables."""
    query = sa.select(_trials.c.study_id).where(_trials.c.state == TrialState.RUNNING).distinct()

    def read() -> set[int]:
        with engine.connect() as connection:
            running = set(connection.scalars(query))
        return running & set(ledgers(engine).values())

    return persistently(read)
