"""PgBouncer in transaction mode before a PostgreSQL, where it is installed."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.contracts.servers import answers, free_port


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Run PgBouncer before the database at `url`, and give the URL of the same database through it."""
    behind, port = make_url(url), free_port(None)
    host = behind.query.get("host") or behind.host
    folder = Path(tempfile.mkdtemp(prefix="tuner-pgbouncer-"))
    (folder / "users").write_text(f'"{behind.username}" ""\n', encoding="utf-8")
    (folder / "ini").write_text(
        f"[databases]\nstudies = host={host} port={behind.query.get('port') or behind.port or 5432} "
        f"dbname={behind.database} user={behind.username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n"
        f"pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 100\nlogfile = {folder}/log\n",
        encoding="utf-8",
    )
    as_root = os.geteuid() == 0
    if as_root:
        for path in (folder, folder / "users", folder / "ini"):
            shutil.chown(path, "nobody")
    process = subprocess.Popen(["pgbouncer", "-q", folder / "ini"], user="nobody" if as_root else None)
    try:
        while not answers("127.0.0.1", port):
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.05)
        yield f"postgresql+psycopg://{behind.username}@127.0.0.1:{port}/studies"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
