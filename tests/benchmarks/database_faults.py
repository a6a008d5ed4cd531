"""What a database may do to the workers of a study, on PostgreSQL and MariaDB: no score lost, no worker dead.

Four workers answer a study of trials that last a second and do not train, while the fault lasts; then the
database has to hold exactly the budget. Servers, PgBouncer and the network are of the benchmark's own, in
folders and a network namespace that it removes; this takes root, and Debian's packages `mariadb-server`,
`pgbouncer`, `iproute2`, `iptables`. Results are kept in a file, so that a run which was interrupted goes on:

    python -m tests.benchmarks.database_faults [--again] [WORD ...]

takes the faults whose names contain one of the words, all by default.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from optuna.trial import FrozenTrial

from studies.database.open import open_database
from studies.database.retry import PATIENCE
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.attributes import ATTEMPT, SLOT
from studies.trials.outcomes import Outcome, outcome_of
from tests.benchmarks.network import HOST, dropped, namespace
from tests.contracts.bouncer import pgbouncer
from tests.contracts.faults import check_exact
from tests.contracts.servers import Server, administer, mariadb_server, postgresql_server
from tests.studies.samples import sample_definition

RESULTS = Path("database-faults.json")
WORKERS, LASTING, BEFORE = 4, 1.0, 4.0  # workers; seconds: of a trial, before the fault
Fault = Callable[[Server, Ledger], None]


def read_only(server: Server, ledger: Ledger) -> None:
    """Let nobody write for ten seconds, as a standby does during a failover."""
    if is_postgresql(server):
        for value in ("on", "off"):
            run(server, f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            run(server, "SELECT pg_reload_conf()")
            time.sleep(10.0 if value == "on" else 0.0)
    else:
        administer(server.data, "SET GLOBAL read_only = 1")
        time.sleep(10.0)
        administer(server.data, "SET GLOBAL read_only = 0")


def killed(server: Server, ledger: Ledger) -> None:
    """Kill the server (-9) three times."""
    for _ in range(3):
        os.kill(server.process(), signal.SIGKILL)
        time.sleep(2.0)
        server.restart()
        time.sleep(3.0)


def sessions_killed(server: Server, ledger: Ledger) -> None:
    """Kill every connection, or cancel what it does, twice a second for fifteen seconds."""
    for turn in range(30):
        if is_postgresql(server):
            how = "pg_terminate_backend" if turn % 2 else "pg_cancel_backend"
            others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            run(server, f"SELECT {how}(pid) {others}")
        else:
            for number in listed(
                server, "SELECT id FROM information_schema.processlist WHERE user = 'tuner'"
            ):
                with contextlib.suppress(sqlalchemy.exc.DBAPIError):
                    run(server, f"KILL {'CONNECTION' if turn % 2 else 'QUERY'} {number}")
        time.sleep(0.5)


def frozen_claimer(server: Server, ledger: Ledger) -> None:
    """Stop (SIGSTOP) a process between the SELECT and the COMMIT of its claim; it goes on after a minute."""
    code = (
        "import os, signal, sys; from sqlalchemy import event;"
        "from studies.database.open import open_database;"
        "from studies.ledger.ledger import open_ledger; d = open_database(sys.argv[1]);"
        "l = open_ledger(d, sys.argv[2]); n = [0];"
        "s = lambda *a: os.kill(os.getpid(), signal.SIGSTOP) if 'FOR UPDATE' in a[2] else None;"
        "event.listen(d.engine, 'after_cursor_execute', s); c = l.slots.claim('frozen');"
        "c and l.slots.free(c, fresh=False)"
    )
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, server.url, ledger.name])
    done = ledger.slots.budget().done
    time.sleep(60.0)
    more = ledger.slots.budget().done - done
    assert more >= 2 * WORKERS, f"only {more} trials ended beside a frozen claimer"
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def out_of_disk(server: Server, ledger: Ledger) -> None:
    """Fill the file system of the server for ten seconds."""
    filler = server.data / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    time.sleep(10.0)
    filler.unlink()
    time.sleep(3.0)
    if is_postgresql(server):
        with contextlib.suppress(subprocess.CalledProcessError):
            server.restart()
    elif not Path(f"/proc/{server.process()}").exists():
        server.restart()


def short_waits(server: Server, ledger: Ledger) -> None:
    """Let the server close connections on which nothing moves for two seconds."""
    administer(server.data, "SET GLOBAL wait_timeout = 2")
    time.sleep(15.0)


def raised(server: Server, ledger: Ledger) -> None:
    """Raise the budget while workers run, ten times."""
    for extra in range(1, 11):
        ledger.slots.grow(budget_of(25.0) + extra, 0.25)
        time.sleep(1.0)


def drops(seconds: float) -> Fault:
    """Make a fault that drops every packet between the workers and the server."""

    def drop(server: Server, ledger: Ledger) -> None:
        with dropped():
            time.sleep(seconds)

    drop.__name__ = f"packets_dropped_{seconds:.0f}"
    return drop


FAULTS: list[tuple[Fault, float, dict[str, str]]] = [  # the fault, the seconds that trials take, the server
    (read_only, 25.0, {}),
    (killed, 25.0, {}),
    (sessions_killed, 75.0, {}),
    (frozen_claimer, 75.0, {}),
    (out_of_disk, 30.0, {"room": "400m"}),
    (short_waits, 25.0, {}),
    (raised, 25.0, {}),
    (drops(30.0), 40.0, {}),
    (drops(100.0), 60.0, {}),
    (drops(90.0), 12.0, {}),
    (drops(700.0), 12.0, {}),
]
# Faults that last for longer than a worker waits: with a twentieth of the patience, and with all of it.
PATIENCES = {"packets_dropped_90": PATIENCE / 20.0, "packets_dropped_700": PATIENCE}


def budget_of(seconds: float) -> int:
    """Give so many trials that they outlast a fault."""
    return int(WORKERS * seconds / LASTING)


def suffer(
    kind: str, fault: Fault, seconds: float, options: dict[str, str], stack: contextlib.ExitStack
) -> str:
    """Let workers answer a study during a fault, and say what came of it."""
    make = postgresql_server if kind.startswith("postgresql") else mariadb_server
    inside = stack.enter_context(namespace()) if fault.__name__.startswith("packets") else []
    server = stack.enter_context(make(address=HOST if inside else "127.0.0.1", **options))  # type: ignore[arg-type]
    url = stack.enter_context(pgbouncer(server.url)) if kind.endswith("pgbouncer") else server.url
    database = open_database(url)
    stack.callback(database.engine.dispose)
    sampler = {"class_path": "optuna.samplers.RandomSampler", "init_args": {}}
    definition = sample_definition(trials=budget_of(seconds), sampler=sampler)
    ledger = create(database, definition, "")
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    command = [*inside, sys.executable, "-W", "ignore", "-m", "tests.contracts.light_worker"]
    command += [url, ledger.name, str(LASTING), folder, str(PATIENCES.get(fault.__name__, PATIENCE))]
    workers = [subprocess.Popen(command) for _ in range(WORKERS)]
    stack.callback(lambda: [worker.kill() for worker in workers])
    began = time.monotonic()
    while ledger.slots.budget().claimed < WORKERS:
        time.sleep(0.2)
    time.sleep(BEFORE)
    fault(server, ledger)
    spent_then = ledger.slots.budget().done
    kept = 0
    if fault.__name__ in PATIENCES:  # then each has left its score in a file, and others are started
        assert [worker.wait(timeout=60.0) for worker in workers] == [1] * WORKERS
        kept = len(list(Path(folder).iterdir()))
        workers[:] = [subprocess.Popen(command) for _ in range(WORKERS)]
    codes = [worker.wait(timeout=1800.0) for worker in workers]
    assert not list(Path(folder).iterdir())
    total = ledger.slots.budget().total
    check_exact(ledger, total)
    trials = ledger.trials()
    attempts = {_attempt(trial) for trial in trials if outcome_of(trial) is Outcome.COMPLETED}
    unscored = [trial for trial in trials if outcome_of(trial) is not Outcome.COMPLETED]
    # An answer that was lost may leave a trial that nobody trained beside the one of the same attempt.
    others = [trial for trial in unscored if _attempt(trial) not in attempts]
    causes = Counter(str(trial.user_attrs.get("cause")) for trial in others)
    dead = sum(code != 0 for code in codes)
    why = f" {dict(causes)}" if causes else ""
    verdict = "ok" if (len(others), dead) == (0, 0) and spent_then < total else "NOT AS PROMISED"
    return (
        f"{verdict}: {total} of {total} finished ({spent_then} before the fault's end), "
        f"{len(others)} scores lost{why}, {len(unscored) - len(others)} trials made twice, "
        f"{kept} kept in files, {dead} of {WORKERS} workers dead, "
        f"{time.monotonic() - began:.0f} s"
    )


def _attempt(trial: FrozenTrial) -> tuple[int, int]:
    """Give the slot and the attempt that a trial was made for."""
    return trial.user_attrs[SLOT], trial.user_attrs[ATTEMPT]


def is_postgresql(server: Server) -> bool:
    """Say which server it is."""
    return server.url.startswith("postgresql")


def run(server: Server, statement: str) -> None:
    """Execute a statement outside a transaction."""
    listed(server, statement)


def listed(server: Server, statement: str) -> list[object]:
    """Execute a statement outside a transaction, and give the first column of its rows."""
    engine = sqlalchemy.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        result = connection.exec_driver_sql(statement)
        return list(result.scalars()) if result.returns_rows else []


@contextmanager
def results() -> Iterator[dict[str, str]]:
    """Give what earlier runs have found, and keep it."""
    found = {}
    if RESULTS.exists() and "--again" not in sys.argv:
        found = json.loads(RESULTS.read_text(encoding="utf-8"))
    yield found


def main() -> None:
    """Take each fault on each server that is not done yet."""
    logging.disable(logging.WARNING)
    threading.excepthook = lambda _: None
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    with results() as found:
        for kind in ("postgresql", "mariadb", "postgresql-pgbouncer"):
            for fault, seconds, options in FAULTS:
                name = f"{kind} {fault.__name__}"
                is_elsewhere = fault is short_waits and kind != "mariadb"
                is_elsewhere |= kind.endswith("pgbouncer") and fault not in (
                    killed,
                    sessions_killed,
                    frozen_claimer,
                )
                if is_elsewhere or name in found or (words and not any(word in name for word in words)):
                    continue
                with contextlib.ExitStack() as stack:
                    found[name] = suffer(kind, fault, seconds, options, stack)
                print(f"{name:40} {found[name]}", flush=True)
                RESULTS.write_text(json.dumps(found, indent=1), encoding="utf-8")
    assert all(result.startswith("ok") for result in found.values()), Counter(found.values())


if __name__ == "__main__":
    main()
