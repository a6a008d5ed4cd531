"""PostgreSQL restarted three times during a study of eight workers: no score lost, no worker dead.

The server of the package that the tests use, with every commit written to the disk. The trials do not train.
"""

import logging
import multiprocessing
import time

from studies.database.open import open_database
from studies.ledger.making import create
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.faults import check_exact
from tests.contracts.light_worker import serve
from tests.contracts.servers import postgresql_server
from tests.studies.samples import sample_definition

WORKERS, SLOTS, RESTARTS = 8, 120, 3
LASTING, EVERY = 1.0, 5.0  # seconds: of a trial, between two restarts


def main() -> None:
    """Restart the server under a study and print what came of it."""
    logging.disable(logging.WARNING)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contracts.warm", "tests.contracts.light_worker"])
    sampler = {"class_path": "optuna.samplers.RandomSampler", "init_args": {}}
    with postgresql_server(durable=True) as server:
        database = open_database(server.url)
        ledger = create(database, sample_definition(trials=SLOTS, sampler=sampler), "")
        workers = [
            context.Process(target=serve, args=(server.url, ledger.name, LASTING)) for _ in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        while ledger.slots.budget().claimed < WORKERS:
            time.sleep(0.1)
        away = 0.0
        for _ in range(RESTARTS):
            time.sleep(EVERY)
            began = time.perf_counter()
            server.restart()
            away += time.perf_counter() - began
        for worker in workers:
            worker.join()
        dead = sum(worker.exitcode != 0 for worker in workers)
        check_exact(ledger, SLOTS)
        lost = sum(outcome_of(trial) is not Outcome.COMPLETED for trial in ledger.trials())
        database.engine.dispose()
    print(
        f"{RESTARTS} restarts, away for {away:.1f} s: {SLOTS} of {SLOTS} finished, {lost} scores lost, "
        f"{dead} of {WORKERS} workers dead"
    )
    assert (lost, dead) == (0, 0)


if __name__ == "__main__":
    main()
