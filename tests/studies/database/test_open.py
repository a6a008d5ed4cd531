"""Opening a database: safe for several workers of one machine, and one sentence for whatever is wrong."""

import os
import pwd
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Connection

from studies.database.dialects.sqlite_file import network_file_system
from studies.database.open import open_database, storage_url
from studies.errors import StorageError

SECRET = "hunter2"  # noqa: S105 - a password to look for, of no database


def refused(url: str, *, reading: bool = False) -> str:
    """Give the one sentence by which a database is refused, which never holds the password."""
    with pytest.raises(StorageError) as refusal:
        open_database(url, reading=reading)
    message = str(refusal.value)
    assert SECRET not in message
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


def begun(url: str, *, reading: bool) -> list[str]:
    """Open a database and give the statements by which it begins a transaction and sets itself up."""
    database = open_database(url, reading=reading)
    statements: list[str] = []

    def listen(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.engine.dispose()
    return statements


def test_writers_take_the_lock_at_once_and_readers_never(tmp_path: Path) -> None:
    """A worker's transaction is IMMEDIATE, a reader's deferred, on a file with a write-ahead log."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    assert begun(url, reading=False) == ["BEGIN IMMEDIATE", "SELECT 1"]
    assert begun(url, reading=True) == ["BEGIN", "SELECT 1"]
    with sqlite3.connect(tmp_path / "tuner.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_reader_reads_while_a_writer_writes(tmp_path: Path) -> None:
    """Whoever looks at a study never waits for its workers."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    writing, reading = open_database(url), open_database(url, reading=True)
    optuna.create_study(study_name="a", storage=writing.storage)
    with writing.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE studies SET study_name = 'b'")
        assert optuna.get_all_study_names(reading.storage) == ["a"]
    for database in (writing, reading):
        database.engine.dispose()


def test_reading_a_missing_file_makes_none(tmp_path: Path) -> None:
    """Looking for studies where there are none says so, and leaves no file behind."""
    said = refused(f"sqlite:///{tmp_path}/tuner.db", reading=True)
    assert said.startswith(f"There is no database {tmp_path}/tuner.db yet; `tuner run STUDY` makes one")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A folder that is missing, or is no folder, or holds something else by that name, is said to be so."""
    (tmp_path / "file").write_text("no database", encoding="utf-8")
    assert "there is no folder" in refused(f"sqlite:///{tmp_path}/none/tuner.db")
    assert "there is no folder" in refused(f"sqlite:///{tmp_path}/file/tuner.db")
    assert "cannot be opened: file is not a database" in refused(f"sqlite:///{tmp_path}/file")
    assert "cannot be opened: unable to open database file" in refused(f"sqlite:///{tmp_path}")


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    """A read-only place is refused by the database's own words."""
    # The kernel's folder of processes takes no files, from nobody.
    assert "cannot be opened: unable to open database file" in refused("sqlite:////proc/tuner.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    """A database that nobody else can open is no ledger."""
    assert "keeps nothing: name a file, such as sqlite:///tuner.db" in refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        f"postgresql//me:{SECRET}@host/x",
        f"postgresql://me:{SECRET}@host:port/x",
        f"me:{SECRET}@host",
        "tuner.db",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """Text that is no URL is refused with an example."""
    assert refused(url).startswith("--storage must be a database URL such as sqlite:///tuner.db, but got ")


def test_a_driver_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a driver the message says what to install, and for an unknown database what there is."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert "is not installed; pip install 'interplay-tuner[postgresql]'." in refused(
        f"postgresql://me:{SECRET}@host/x"
    )
    for kind in ("mysql", "mariadb"):
        assert "is not installed; pip install 'interplay-tuner[mysql]'." in refused(
            f"{kind}://me:{SECRET}@host/x"
        )
    assert "is not installed; use sqlite, postgresql or mysql." in refused(f"nosuchdb://me:{SECRET}@host/x")


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "mariadb"])
def test_a_server_that_does_not_answer_is_refused(kind: str) -> None:
    """An unreachable server is named without the password, wherever in the URL that stands."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        port = taken.getsockname()[1]
        said = refused(f"{kind}://me:{SECRET}@127.0.0.1:{port}/x")
        assert "me:***@127.0.0.1" in said
        assert "cannot be opened: " in said
        refused(f"postgresql://me@127.0.0.1:{port}/x?password={SECRET}")


def test_the_database_is_chosen_by_option_then_environment() -> None:
    """An option comes before TUNER_STORAGE, that before OPTUNA_STORAGE, that before a file in the folder."""
    environment = {"TUNER_STORAGE": "sqlite:///t.db", "OPTUNA_STORAGE": "sqlite:///o.db"}
    assert storage_url("sqlite:///option.db", environment) == "sqlite:///option.db"
    assert storage_url(None, environment) == "sqlite:///t.db"
    assert storage_url(None, {"OPTUNA_STORAGE": "sqlite:///o.db"}) == "sqlite:///o.db"
    assert storage_url(None, {"TUNER_STORAGE": ""}) == "sqlite:///tuner.db"
    assert storage_url(None, {"TUNER_STORAGE": " sqlite:///t.db \n"}) == "sqlite:///t.db"
    assert storage_url(None, {"TUNER_STORAGE": "\n"}) == "sqlite:///tuner.db"


@pytest.fixture
def folder_of_another() -> Iterator[Path]:
    """A folder with a database that this process may read, and whose permissions count."""
    folder = Path(tempfile.mkdtemp(prefix="tuner-storage-"))
    folder.chmod(0o755)
    database = open_database(f"sqlite:///{folder}/studies.db")
    with database.engine.connect() as connection:  # as every worker does, after which SQLite keeps a log
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.engine.dispose()
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    yield folder
    if is_root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_file_that_may_not_be_written_is_refused_at_once(folder_of_another: Path) -> None:
    """Nobody waits for ten minutes until a file or its folder takes what is written."""
    url, file = f"sqlite:///{folder_of_another}/studies.db", folder_of_another / "studies.db"
    if file.stat().st_uid == os.geteuid():
        file.chmod(0o444)
    with pytest.raises(StorageError, match="may not be written to; give its file the permission"):
        open_database(url)
    if file.stat().st_uid == os.geteuid():
        folder_of_another.chmod(0o555)
    with pytest.raises(StorageError, match="even to read it, and the folder may not be written to; copy"):
        open_database(url, reading=True)


def test_a_network_file_system_is_noticed(tmp_path: Path) -> None:
    """The innermost mount point above a file decides; a local one inside a network one is local."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/srv /srv nfs4 rw 0 0\ntmpfs /srv/me/scratch tmpfs rw 0 0\n"
        "//server/share /mnt/my\\040share cifs rw 0 0\n",
        encoding="utf-8",
    )
    found = {
        path: network_file_system(Path(path), mounts)
        for path in (
            "/var/tuner.db",
            "/srv/me/tuner.db",
            "/srv/me/scratch/t.db",
            "/mnt/my share/t.db",
            "/srvs/t.db",
        )
    }
    assert list(found.values()) == [None, "nfs4", None, "cifs", None]
    assert network_file_system(Path("/srv/me/tuner.db"), tmp_path / "no table") is None


def test_a_database_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers on several machines would lose writes there, so a server is asked for; reading is allowed."""
    mounts = tmp_path / "mounts"
    url = f"sqlite:///{tmp_path}/tuner.db"
    open_database(url).engine.dispose()
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(
        "studies.database.open.network_file_system", lambda path: network_file_system(path, mounts)
    )
    assert "lies on a network file system (nfs4)" in refused(url)
    open_database(url, reading=True).engine.dispose()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(["postgresql", "mysql", "mariadb", "nosuchdb", "postgresql+psycopg"]),
    between=st.text("@/:?#%& []=+", min_size=1, max_size=3),
    shape=st.sampled_from(["{}://me:{}@127.0.0.1:9/x", "{}://me:{}@127.0.0.1/x?a=b", "{}//me:{}@h/x"]),
)
def test_no_part_of_a_password_is_ever_shown(kind: str, between: str, shape: str) -> None:
    """Whatever stands in a password without being escaped, the message shows no part of it."""
    parts = ("hunter2", "tr0ub4dor")
    url = shape.format(kind, between.join(parts))
    with pytest.raises(StorageError) as refusal:
        open_database(url)
    for cause in (refusal.value, refusal.value.__cause__):
        assert cause is None or not any(part in str(cause) for part in parts), url
