"""The database that a call from Python means."""

import os

from studies.database.open import Database, open_database, storage_url
from tuner.workers.processes.quiet import silence


def opened(storage: str | None) -> tuple[str, Database]:
    """Give a database with its URL; by default the one that the environment names.

    Raises:
        StorageError: it cannot be used.
    """
    silence()
    url = storage_url(storage, os.environ)
    return url, open_database(url)
