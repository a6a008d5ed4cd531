"""A process killed (-9) before each statement and each commit of a trial's life, and each answer lost.

On each database. A study of one slot is answered by a process that kills itself at that point, then by a
worker that finds what it left; or by a worker whose commit succeeds though it never hears so. Asserted from
the database alone: the slot spent, once, no trial running, every attempt traceable. The slot's first attempt
is preempted, so that claim, create, suggest, report, tell and release are all passed twice.
"""

import logging
import multiprocessing
import time

from studies.database.open import open_database
from studies.ledger.making import create
from tests.contracts.databases import databases
from tests.contracts.faults import answer, answer_killed, check_exact, lost_answers
from tests.studies.samples import sample_definition


def main() -> None:
    """Inject every fault and print how many there were."""
    logging.disable(logging.WARNING)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contracts.warm", "tests.contracts.faults"])
    for name, url in databases():
        began, database = time.perf_counter(), open_database(url)
        at, died = 0, True
        while died:
            ledger = create(database, sample_definition(trials=1), "")
            process = context.Process(target=answer_killed, args=(url, ledger.name, at))
            process.start()
            process.join()
            answer(ledger)
            check_exact(ledger, 1)
            died, at = process.exitcode != 0, at + 1
        lost = 0
        while True:
            ledger = create(database, sample_definition(trials=1), "")
            with lost_answers(database.engine, lost) as commits:
                answer(ledger)
            check_exact(ledger, 1)
            if commits[0] <= lost:
                break
            lost += 1
        seconds = time.perf_counter() - began
        print(
            f"{name:10} {at - 1} kills and {lost} lost answers: the slot finished once after each, "
            f"0 running, every attempt traced; {seconds:.0f} s",
            flush=True,
        )
        database.engine.dispose()


if __name__ == "__main__":
    main()
