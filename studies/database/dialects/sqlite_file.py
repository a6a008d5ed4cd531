"""What makes one SQLite file safe for several workers of one machine."""

import sqlite3
from pathlib import Path

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from studies.errors import StorageError

SQLITE_BUSY_TIMEOUT = 60.0  # seconds that a transaction waits for another process's

MOUNTS = Path("/proc/mounts")  # Linux
_NETWORK = ("nfs", "cifs", "smb", "afs", "ceph", "lustre", "gpfs", "beegfs", "fuse.sshfs", "fuse.glusterfs")


def make_safe(engine: sqlalchemy.Engine, *, writing: bool) -> None:
    """Make a read followed by a write one transaction, and let readers read meanwhile.

    Python's driver begins a transaction at the first write, so two workers that read first both act on what
    they read. We begin each transaction ourselves, and a writer's at once. With a write-ahead log readers
    are never blocked and a commit needs no disk flush; a power cut may cost the last commits, never the
    database (https://www.sqlite.org/pragma.html#pragma_synchronous).
    """

    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        if writing:  # the log is a property of the file; a reader takes it as it is
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    engine.dispose()  # connections opened before the listeners were there


class FileGone(sqlite3.OperationalError):
    """The file is not there; it may be back soon, if it is only being moved."""

    sqlite_errorcode = sqlite3.SQLITE_CANTOPEN


class FileReplaced(StorageError):
    """Another file stands where the database was."""


def hold_to_file(engine: sqlalchemy.Engine, path: Path) -> None:
    """Let each transaction begin only while the file is the one that was opened.

    SQLite goes on writing to a file that was removed, where nobody reads it, and a new connection would make
    an empty one in its place.
    """
    opened = _identity(path)

    def look(*_: object) -> None:
        present = _identity(path)
        if present is None:
            gone = FileGone(f"the database {path} is not there")
            raise OperationalError("", {}, gone)
        if present != opened:
            raise FileReplaced(
                f"The database {path} was removed or replaced while it was in use; start again with the "
                f"database that is there now, or put the old one back."
            )

    event.listen(engine, "do_connect", look)
    event.listen(engine, "begin", look)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Name the network file system that a file lies on; None on a local one, or without a table of mounts.

    A write-ahead log lives in shared memory, which two machines do not share
    (https://www.sqlite.org/wal.html).
    """
    if not mounts.exists():
        return None
    resolved = path.resolve()
    # Fields by spaces, a space inside one written as \\040; the innermost mount point above the file counts.
    entries = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    above = [
        (len(point), kind)
        for _, point, kind, *_ in entries
        if resolved.is_relative_to(point.replace("\\040", " "))
    ]
    _, kind = max(above, default=(0, ""))
    return kind if kind.startswith(_NETWORK) else None
