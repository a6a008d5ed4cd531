"""Eight workers on each database: exactly the budget, nothing twice, nothing left running; also when killed.

First 200 slots without disturbance, then slots of a second each for two minutes, in which every five seconds
a worker is killed (-9) and another one started. The trials do not train: they ask, report and tell. All is
asserted from the database alone. An argument names the only database to take.
"""

import logging
import multiprocessing
import sys
import time
from multiprocessing.context import ForkServerProcess

import numpy as np

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.databases import databases
from tests.contracts.faults import check_exact
from tests.contracts.light_worker import serve
from tests.studies.samples import sample_definition

WORKERS, SLOTS = 8, 200
KILLS, EVERY, LASTING, LEASE = 24, 5.0, 1.0, 8.0  # kills; seconds: between two, of a trial, of a lease
CONTEXT = multiprocessing.get_context("forkserver")


def start(*arguments: object) -> ForkServerProcess:
    """Start a worker."""
    process = CONTEXT.Process(target=serve, args=arguments)
    process.start()
    return process


def soak(url: str) -> str:
    """Let workers answer a study undisturbed."""
    ledger = make(url, SLOTS)
    began = time.perf_counter()
    workers = [start(url, ledger.name, 0.0) for _ in range(WORKERS)]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * WORKERS
    return told(ledger, SLOTS, time.perf_counter() - began)


def soak_and_kill(url: str) -> str:
    """Let workers answer a study while they are killed one by one."""
    slots = int(WORKERS * KILLS * EVERY / LASTING * 0.8)
    ledger, draw = make(url, slots), np.random.default_rng(0)
    began = time.perf_counter()
    workers = [start(url, ledger.name, LASTING, LEASE) for _ in range(WORKERS)]
    for _ in range(KILLS):
        time.sleep(EVERY)
        victim = int(draw.integers(WORKERS))
        workers[victim].kill()
        workers[victim].join()
        workers[victim] = start(url, ledger.name, LASTING, LEASE)
    for worker in workers:
        worker.join()
    return told(ledger, slots, time.perf_counter() - began)


def make(url: str, slots: int) -> Ledger:
    """Put a study in the database that no pruner thins out, and whose suggestions cost next to nothing."""
    sampler = {"class_path": "optuna.samplers.RandomSampler", "init_args": {}}
    return create(open_database(url), sample_definition(trials=slots, sampler=sampler), "")


def told(ledger: Ledger, slots: int, seconds: float) -> str:
    """Check a study that is over, and say so."""
    check_exact(ledger, slots)
    lost = sum(outcome_of(trial) is Outcome.LOST for trial in ledger.trials())
    return f"{slots} of {slots} finished, 0 twice, 0 running, {lost} attempts lost, {seconds:.0f} s"


def main() -> None:
    """Soak each database and print what came of it."""
    logging.disable(logging.WARNING)
    CONTEXT.set_forkserver_preload(["tests.contracts.warm", "tests.contracts.light_worker"])
    for name, url in databases():
        if not sys.argv[1:] or name in sys.argv[1:]:
            print(f"{name:10} {WORKERS} workers: {soak(url)}", flush=True)
            print(f"{name:10} {WORKERS} workers, {KILLS} killed: {soak_and_kill(url)}", flush=True)


if __name__ == "__main__":
    main()
