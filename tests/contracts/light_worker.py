"""A worker without training, for what the ledger itself promises: it asks, reports and tells."""

import logging
import os
import sys
import time
from pathlib import Path

from studies.database import retry as retries
from studies.database.open import open_database
from studies.database.retry import is_passing
from studies.ledger.opening import open_ledger
from studies.running.asking import ask
from studies.running.ended import kept_trials
from studies.running.telling import ended, tell_ended
from studies.running.trial import pruner_of, report
from studies.trials.outcomes import Outcome

EPOCHS = 5


def serve(
    url: str, name: str, seconds: float, lease: float | None = None, folder: Path | None = None
) -> None:
    """Answer a study until it is over; each trial takes some seconds.

    A trial that cannot be told within the patience is kept in a file, and the next worker there tells it.

    Args:
        url: the database.
        name: the study.
        seconds: how long a trial takes.
        folder: where files are kept, none by default.
        lease: seconds after which a slot whose worker was killed is free again; None leaves the default.
    """
    logging.disable(logging.WARNING)
    ledger = open_ledger(open_database(url), name)
    if lease is not None:
        ledger.slots.lease = lease
    ledger.study.pruner = pruner_of(ledger)
    for path, kept in kept_trials(folder, ledger.slots.ledger) if folder is not None else ():
        assert tell_ended(ledger, kept)
        path.unlink(missing_ok=True)
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
        end = ended(ledger, running, Outcome.COMPLETED, float(running.number), {})
        try:
            tell_ended(ledger, end, running.trial.study)
        except Exception as error:
            if folder is None or not is_passing(error):
                raise
            sys.exit(f"trial {end.number} is kept in {end.keep(folder)}")


if __name__ == "__main__":
    retries.PATIENCE = float(sys.argv[5])
    serve(sys.argv[1], sys.argv[2], float(sys.argv[3]), folder=Path(sys.argv[4]))
