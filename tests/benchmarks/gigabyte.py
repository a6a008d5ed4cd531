"""A module that prints a gigabyte: its score is that of one that is silent, and its log stays small."""

import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.tuner.killing_modules import PrintingAGigabyte
from tests.tuner.small_modules import Small
from tests.tuner.workers.test_worker import make_ledger, work
from tuner.workers.processes.bounded_log import LONGEST

LOOKS = 0.01  # seconds between two looks at the size of the log


def run(module: type) -> tuple[dict[int, float], float, int, int]:
    """Train one trial, and give its curve, the seconds, and the bytes of its log: the most seen, and left."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = make_ledger(Path(folder), module, trials=1)
        log, done, most = Path(folder) / "logs/trial-0.log", threading.Event(), [0]

        def look() -> None:
            while not done.wait(LOOKS):
                most[0] = max(most[0], log.stat().st_size if log.exists() else 0)

        thread = threading.Thread(target=look)
        thread.start()
        began = time.monotonic()
        work(ledger, Path(folder))
        seconds = time.monotonic() - began
        done.set()
        thread.join()
        left = log.stat().st_size if log.exists() else 0
        return ledger.trial(0).intermediate_values, seconds, most[0], left


def main() -> None:
    """Train both, and say what came of it."""
    run(Small)  # imports torch once
    silent, printing = run(Small), run(PrintingAGigabyte)
    sys.stdout.write(
        f"scores equal: {silent[0] == printing[0]}; {printing[1]:.1f} s against {silent[1]:.1f} s; "
        f"log at most {printing[2] / 1e6:.0f} MB meanwhile, {printing[3] / 1e6:.1f} MB in the end\n"
    )
    assert silent[0] == printing[0]
    assert printing[3] <= LONGEST


if __name__ == "__main__":
    main()
