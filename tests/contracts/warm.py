"""Loads, for processes that are forked from one that has imported this, all that a study's life loads.

Optuna and jsonargparse import half of what they need when they first need it: seconds of each process.
"""

import tempfile

import psycopg  # noqa: F401
import pymysql  # noqa: F401

from studies.database.open import open_database
from studies.ledger.making import create
from tests.contracts.faults import answer
from tests.studies.samples import sample_definition

with tempfile.TemporaryDirectory() as folder:
    database = open_database(f"sqlite:///{folder}/warm.db")
    answer(create(database, sample_definition(trials=1), ""))
    database.engine.dispose()
