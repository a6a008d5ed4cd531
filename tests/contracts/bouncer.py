"""PgBouncer in transaction mode before a PostgreSQL, where it is installed."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import make_url

from tests.contracts.servers import answers, free_port

IS_THERE = shutil.which("pgbouncer") is not None


@dataclass(frozen=True)
class Bouncer:
    """A running PgBouncer.

    Attributes:
        url: of the database behind it, through it.
        restart: kills it and starts it again at the same place.
        lists: gives what its `SHOW LISTS` says, such as `used_clients` and `used_servers`.
    """

    url: str
    restart: Callable[[], None]
    lists: Callable[[], Mapping[str, int]]


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Run PgBouncer before the database at `url`, and give the URL of the same database through it."""
    with bouncer(url) as running:
        yield running.url


@contextmanager
def bouncer(url: str, *, servers: int = 3, clients: int = 100) -> Iterator[Bouncer]:
    """Run PgBouncer before the database at `url`.

    Args:
        url: of a PostgreSQL.
        servers: connections to it at most (`default_pool_size`).
        clients: connections of workers at most (`max_client_conn`).
    """
    behind, port = make_url(url), free_port(None)
    host = behind.query.get("host") or behind.host
    folder = Path(tempfile.mkdtemp(prefix="tuner-pgbouncer-"))
    (folder / "users").write_text(f'"{behind.username}" ""\n', encoding="utf-8")
    (folder / "ini").write_text(
        f"[databases]\nstudies = host={host} port={behind.query.get('port') or behind.port or 5432} "
        f"dbname={behind.database} user={behind.username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n"
        f"stats_users = {behind.username}\npool_mode = transaction\ndefault_pool_size = {servers}\n"
        f"max_client_conn = {clients}\nlogfile = {folder}/log\n",
        encoding="utf-8",
    )
    as_root = os.geteuid() == 0
    if as_root:
        for path in (folder, folder / "users", folder / "ini"):
            shutil.chown(path, "nobody")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = ["pgbouncer", "-q", folder / "ini"]
        running.append(subprocess.Popen(command, user="nobody" if as_root else None))
        while not answers("127.0.0.1", port):
            assert running[0].poll() is None, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.05)

    def stop() -> None:
        process = running.pop()
        process.kill()
        process.wait()

    def restart() -> None:
        stop()
        start()

    def lists() -> Mapping[str, int]:
        where: dict[str, Any] = {"host": "127.0.0.1", "port": port, "user": behind.username}
        with (
            psycopg.connect(
                **where, dbname="pgbouncer", autocommit=True, prepare_threshold=None, row_factory=dict_row
            ) as connection,
            psycopg.ClientCursor(connection, row_factory=dict_row) as cursor,
        ):
            return {row["list"]: row["items"] for row in cursor.execute("SHOW LISTS")}

    try:
        start()
        yield Bouncer(f"postgresql+psycopg://{behind.username}@127.0.0.1:{port}/studies", restart, lists)
    finally:
        if running:
            stop()
        shutil.rmtree(folder)
