"""A worker without training, for what the ledger itself promises: it asks, reports and tells."""

import logging
import os
import sys
import time

from studies.ledger import open_ledger
from studies.outcomes import Outcome
from studies.storage import open_database
from studies.trials import ask, pruner_of, report, tell

EPOCHS = 5


def serve(url: str, name: str, seconds: float, lease: float | None = None) -> None:
    """Answer a study until it is over; each trial takes some seconds.

    Args:
        url: the database.
        name: the study.
        seconds: how long a trial takes.
        lease: seconds after which a slot whose worker was killed is free again; None leaves the default.
    """
    logging.disable(logging.WARNING)
    ledger = open_ledger(open_database(url), name)
    if lease is not None:
        ledger.slots.lease = lease
    ledger.study.pruner = pruner_of(ledger)
    while True:
        running = ask(ledger, f"worker:{os.getpid()}")
        if running is None:
            if ledger.over():
                return
            time.sleep(0.2)
            continue
        for step in range(1, EPOCHS + 1):
            time.sleep(seconds / EPOCHS)
            report(running, step, running.number + 1.0 / step)
        tell(ledger, running, Outcome.COMPLETED, float(running.number), {})


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], float(sys.argv[3]))
