"""Hundreds and thousands of workers on one PostgreSQL behind PgBouncer: what it costs, and what breaks first.

    python -m tests.benchmarks.thousand_workers 100 300 1000 --trial 180

Each level is a study of some trials a worker, each of so many seconds on average and with five scores. A
worker renews its lease every 15 s. All workers begin within one trial's time. In the middle some are killed
(-9), then PgBouncer is restarted, then the server. The server has PostgreSQL's default settings, so 100
connections, of which PgBouncer takes twenty. `--sampler tpe` asks TPE, which reads all trials.

Workers that share the machine with the server wait for its processors, which those of a cluster do not. So
ten more, in a process of their own with short trials, are watched: what is said of latencies is theirs. As
root, theirs and the server's processes come before those of the crowd.
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy

from studies.database.open import open_database
from studies.ledger.fleet.workers import LEASE, RENEWAL
from studies.ledger.making import create
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.bouncer import bouncer
from tests.contracts.crowd import Crowd, Load, crowd
from tests.contracts.faults import check_exact
from tests.contracts.many_workers import Pace
from tests.contracts.servers import Server, postgresql_server
from tests.studies.samples import TPE, sample_definition

EACH = 50  # workers of a process
TRIALS = 2  # of a worker
WATCHED, BRIEF = 10, 5.0  # workers whose calls are timed, and seconds of their trials
FIRST, SECOND, LAST = -10, 2, 8  # as `nice` counts: of the server; beyond that of the watched, of the others
VALIDATIONS = 5
SERVERS = 20  # connections of PgBouncer to the server
SAMPLERS = {"random": {"class_path": "optuna.samplers.RandomSampler", "init_args": {}}, "tpe": TPE}
MEASURED = ("claim", "renew", "ask", "report", "tell", "open")


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Give the median, the 95th and the 99th percentile and the most, in milliseconds."""
    if not seconds:
        return {}
    found = np.quantile(seconds, [0.5, 0.95, 0.99, 1.0]) * 1000
    return {"n": len(seconds), **dict(zip(("p50", "p95", "p99", "max"), map(float, found), strict=True))}


def measured(people: Crowd, since: float, until: float) -> dict[str, Any]:
    """Give the quantiles of each call that ended within some time of day."""
    times = people.times(since, until)
    return {what: quantiles(times.get(what, ())) for what in MEASURED}


def steady(people: Crowd, server: Server, engine: sqlalchemy.Engine, seconds: float) -> dict[str, Any]:
    """Measure undisturbed work for some seconds."""
    began, first, own = time.time(), Load.of(engine, server.process()), people.processor()
    time.sleep(seconds)
    last, took = Load.of(engine, server.process()), time.time() - began
    return {
        "server cores": (last.processor - first.processor) / took,
        "worker cores": (people.processor() - own) / took,
        "transactions/s": (last.transactions - first.transactions) / took,
        "rows read/s": (last.read - first.read) / took,
        "rows written/s": (last.written - first.written) / took,
        "load": psutil.getloadavg()[0],
    }


def level(workers: int, trial: float, sampler: str) -> dict[str, Any]:
    """Run one study, and give what was measured."""
    found: dict[str, Any] = {"workers": workers, "trial": trial, "sampler": sampler}
    slots = workers * TRIALS + round(WATCHED * 2.5 * trial / BRIEF)
    with (
        postgresql_server(durable=True) as server,
        bouncer(server.url, servers=SERVERS, clients=4 * workers) as between,
        tempfile.TemporaryDirectory() as folder,
    ):
        database = open_database(server.url)
        ledger = create(database, sample_definition(trials=slots, sampler=SAMPLERS[sampler]), "")
        pace = Pace(trial, VALIDATIONS, trial, LEASE, RENEWAL, LAST)
        brief = replace(pace, trial=BRIEF, start=BRIEF, nicer=SECOND)
        with (
            crowd(between.url, ledger.name, pace, Path(folder), each=EACH) as people,
            tempfile.TemporaryDirectory() as other,
            crowd(between.url, ledger.name, brief, Path(other), each=WATCHED) as watched,
        ):
            began = time.time()
            people.add(workers)
            watched.add(WATCHED)
            time.sleep(trial)
            found["start"] = measured(watched, began, time.time())
            since = time.time()
            found["steady"] = steady(people, server, database.engine, trial)
            found["steady"] |= measured(watched, since, time.time())
            found["crowd"] = measured(people, since, time.time())
            lists = between.lists()
            found["connections"] = {key: lists[key] for key in ("used_clients", "used_servers")}
            say(found)
            disturbed = time.time()
            found["lost"] = people.lose(max(1, workers // EACH // 20))
            time.sleep(trial / 6)
            between.restart()
            time.sleep(trial / 6)
            away = time.monotonic()
            server.restart()
            found["away"] = time.monotonic() - away
            found["is over"] = people.wait(20 * trial + LEASE) and watched.wait(LEASE)
            found["disturbed"] = measured(watched, disturbed, time.time())
            found["seconds"] = time.time() - began
            times = people.times()
            found["dead"] = {what: len(seconds) for what, seconds in times.items() if what.startswith("dead")}
            found["told too late"] = len(times.get("told too late", ()))
        ended = [outcome_of(other) for other in ledger.trials()]
        found["attempts lost"] = sum(outcome is Outcome.LOST for outcome in ended)
        try:
            check_exact(ledger, slots)
            found["exact"] = True
        except AssertionError as error:
            found["exact"] = f"no: {ledger.slots.budget()} {error}"
        database.engine.dispose()
    say(found)
    return found


def say(found: Mapping[str, Any]) -> None:
    """Print what was measured of one level."""
    print(json.dumps(found, default=str), flush=True)


def main() -> None:
    """Take the levels in turn, and keep what they give."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("workers", nargs="*", type=int, default=[100, 300, 1000])
    parser.add_argument("--trial", type=float, default=60.0, help="seconds of a trial on average")
    parser.add_argument("--sampler", choices=list(SAMPLERS), default="random")
    given = parser.parse_args()
    with suppress(PermissionError):
        os.nice(FIRST)
    for workers in given.workers:
        level(workers, given.trial, given.sampler)


if __name__ == "__main__":
    main()
