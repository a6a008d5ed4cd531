"""Our pages on a study of 50,000 trials with 30 validations each, and optuna-dashboard's own beside them.

The study is written by bulk inserts into the tables, as workers would have left it. Times are of one server
and one request at a time, over loopback: the first request after the start of the server, and the median of
the next five. optuna-dashboard's is what its page asks for before it can show the study.

    python -m tests.benchmarks.pages_at_scale [TRIALS]
"""

import json
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from optuna.distributions import distribution_to_json
from optuna.trial import TrialState

from search_spaces.space.parameters import parameters
from search_spaces.suggest import distributions
from studies.database import schema
from studies.database.open import open_database
from studies.database.optuna_columns import attributes, curves, params, trials, values
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.proposing.exploration import value_at
from studies.trials.attributes import claim
from tests.contracts.databases import databases
from tests.studies.samples import SPACE, sample_definition

TRIALS, VALIDATIONS, AT_ONCE = 50_000, 30, 500
LIST, STUDY = 0.3, 2.0  # seconds that are promised for the list, and for the first answer of a study's page
SERVER = """
import sys
from pathlib import Path
import uvicorn
from studies.database.open import open_database
from tuner.web.app import application
from tuner.web.site import Site
url, port = sys.argv[1:]
uvicorn.run(application(Site(url, open_database(url, reading=True))), port=int(port), log_level="critical")
"""


def fill(ledger: Ledger, count: int) -> None:
    """Write trials of every kind of length that have ended, with curves and attributes."""
    engine, chance = ledger.database.engine, random.Random(1)  # noqa: S311 - no secret
    first = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=20)
    with engine.connect() as connection:
        start = (connection.scalar(sa.select(sa.func.max(trials.c.trial_id))) or 0) + 1
    known = distributions(SPACE)
    for begin in range(0, count, AT_ONCE):
        rows = [
            _rows(ledger, number, start + number, first, known, chance=chance)
            for number in range(begin, min(begin + AT_ONCE, count))
        ]
        tables = (trials, values, params, attributes, curves, schema.slots)
        with engine.begin() as connection:
            for place, table in enumerate(tables):
                connection.execute(sa.insert(table), [row for each in rows for row in each[place]])
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _rows(
    ledger: Ledger, number: int, key: int, first: datetime, known: dict[str, Any], *, chance: random.Random
) -> tuple[list[dict[str, Any]], ...]:
    pruned = chance.random() < 0.5
    length = chance.choice((4, 12)) if pruned else VALIDATIONS
    score = 0.1 + chance.random()
    began = first + timedelta(seconds=30 * number)
    chosen: dict[str, Any] = {}
    for parameter in parameters(SPACE):
        if parameter.is_active(chosen):
            chosen[parameter.name] = value_at(parameter.node, chance.random())
    own = {
        "outcome": "pruned" if pruned else "completed",
        **claim(ledger.slots.ledger, number, 1),
        "origin": "sampler",
        "why": "expected 0.31 (0.2 to 0.4), the best so far 0.33",
        "seconds": 20.0,
        "worker": "a1b2c3d4e5f6@node17:4711",
        "configuration": {
            "model": {"class_path": "a.Model", "init_args": dict.fromkeys(map(str, range(20)), 1.0)}
        },
        "facts": dict.fromkeys(("weight_norm", "gradient_norm", "overshoot", "loss_spikes", "gap"), 0.5),
    }
    state = TrialState.PRUNED if pruned else TrialState.COMPLETE
    ended = began + timedelta(seconds=20)
    return (
        [
            {
                "trial_id": key,
                "number": number,
                "study_id": ledger.identifier,
                "state": state,
                "datetime_start": began,
                "datetime_complete": ended,
            }
        ],
        [{"trial_id": key, "objective": 0, "value": score, "value_type": "FINITE"}],
        [
            {
                "trial_id": key,
                "param_name": name,
                "param_value": known[name].to_internal_repr(value),
                "distribution_json": distribution_to_json(known[name]),
            }
            for name, value in chosen.items()
        ],
        [{"trial_id": key, "key": name, "value_json": json.dumps(value)} for name, value in own.items()],
        [
            {
                "trial_id": key,
                "step": step,
                "intermediate_value": score + 1.0 / step,
                "intermediate_value_type": "FINITE",
            }
            for step in range(1, length + 1)
        ],
        [
            {
                "ledger": ledger.slots.ledger,
                "slot": number,
                "explore": False,
                "state": "done",
                "attempt": 1,
                "draw": 0,
                "trial": number,
                "seconds": 20.0,
                "epochs": length,
            }
        ],
    )


@contextmanager
def served(command: list[str], address: str) -> Iterator[None]:
    """Run a server until it answers."""
    server = subprocess.Popen(
        [sys.executable, *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(address, timeout=1).close()  # noqa: S310 - an address of ours
            except OSError:
                time.sleep(0.05)
            else:
                break
        assert server.poll() is None, "the server does not start"
        yield
    finally:
        server.terminate()
        server.wait()


def seconds(address: str) -> tuple[float, int]:
    """Ask for an address, and give how long the whole answer took, and its bytes."""
    began = time.perf_counter()
    with urllib.request.urlopen(address, timeout=600) as answer:  # noqa: S310 - an address of ours
        size = len(answer.read())
    return time.perf_counter() - began, size


def measure(base: str, paths: dict[str, str], *, again: int = 5) -> dict[str, tuple[float, float, int]]:
    """Give of each path how long the first answer took, the median of the next ones, and the bytes."""
    found = {}
    for name, path in paths.items():
        first, size = seconds(base + path)
        found[name] = (first, statistics.median(seconds(base + path)[0] for _ in range(again)), size)
        print(
            f"  {name:34} first {first:7.3f} s, then {found[name][1]:7.3f} s, {size / 1000:8.0f} kB",
            flush=True,
        )
    return found


def main(count: int) -> bool:
    """Measure on each database; say whether the promises are kept."""
    is_kept = True
    for name, url in databases():
        if name == "mysql":
            continue
        ledger = create(open_database(url), sample_definition(name="large", trials=count), "source")
        began = time.perf_counter()
        fill(ledger, count)
        print(f"{name}: {count} trials written in {time.perf_counter() - began:.0f} s", flush=True)
        base, study = "http://127.0.0.1:8931", "/interplay/studies/large"
        with served(["-c", SERVER, url, "8931"], f"{base}/healthz"):
            found = measure(
                base,
                {
                    "our page of the study": study,
                    "our list of studies": "/interplay/",
                    "its best 100 on one branch": f"{study}?branch=optimizer%3Dsgd&top=100",
                    "its last page": f"{study}?order=oldest&page={count // 50}",
                    "a trial": f"{study}/trials/{count // 2}",
                    "three trials compared": f"{study}/compare?trials=1,7,{count - 1}",
                },
            )
        with served(["-c", SERVER, url, "8931"], f"{base}/healthz"):
            print("  after another start:")
            first = measure(base, {"our list of studies": "/interplay/"})["our list of studies"]
        is_kept &= max(first[:2]) < LIST and found["our page of the study"][0] < STUDY
        alone = ["-m", "optuna_dashboard._cli", url, "--port", "8932"]
        with served(alone, "http://127.0.0.1:8932/dashboard"):
            theirs = "http://127.0.0.1:8932"
            measure(theirs, {"optuna-dashboard's list": "/api/studies"})
            measure(
                theirs, {"optuna-dashboard's study": f"/api/studies/{ledger.identifier}?after=0"}, again=1
            )
    return is_kept


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS) else 1)
