"""A study on a Ray cluster of two nodes, of which one dies, and an actor is killed every five seconds.

    python -m tests.benchmarks.ray_kills --trials 40 --every 5

The nodes are processes of this machine. What must hold is that each slot is spent once, that nobody had to
start anything again, and that nothing is left when the study is over.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from studies.trials.outcomes import Outcome
from tests.contracts.ray_cluster import Node, ray_cluster
from tests.contracts.test_ray import start, workers_on
from tests.tuner.small_modules import Small
from tests.tuner.workers.test_worker import make_ledger
from tests.tuner.workers.watching import Watching

EPOCHS, WORKERS = 300, 3
LEAVES = 60.0  # seconds within which no worker is left


class Killer(threading.Thread):
    """Kills an actor every so often, and at some time a node."""

    def __init__(self, nodes: list[Node], every: float, node_after: float) -> None:
        super().__init__(daemon=True)
        self.nodes, self.every, self.node_after = nodes, every, node_after
        self.over = threading.Event()
        self.killed = 0

    def run(self) -> None:
        """Kill until it is over."""
        draw, began, is_whole = random.Random(1), time.monotonic(), True  # noqa: S311 - no secret
        while not self.over.wait(self.every):
            if is_whole and time.monotonic() - began > self.node_after:
                self.nodes[1].kill()
                is_whole = False
                continue
            held = [process for node in self.nodes for process in node.held()]
            if held:
                with suppress(psutil.Error):
                    draw.choice(held).kill()
                    self.killed += 1


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--node-after", type=float, default=30.0)
    given = parser.parse_args()
    with ray_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        cluster.start()
        cluster.start()
        ledger = make_ledger(Path(folder), Small, epochs=EPOCHS, trials=given.trials, exploration=1.0)
        killer = Killer(cluster.nodes, given.every, given.node_after)
        began = time.monotonic()
        running = start(ledger, Path(folder), WORKERS)
        killer.start()
        running.follow(Watching(), threading.Event())
        killer.over.set()
        killer.join()
        took, ended = time.monotonic() - began, time.monotonic()
        while any(node.held() or workers_on(node) for node in cluster.nodes):
            assert time.monotonic() - ended < LEAVES, "a worker is left a minute later"
            time.sleep(0.2)
        outcomes = Counter(record.outcome.value for record in ledger.records() if record.outcome)
        budget = ledger.slots.budget()
        spent = [record.slot for record in ledger.records() if record.outcome is Outcome.COMPLETED]
        assert sorted(slot for slot in spent if slot is not None) == list(range(given.trials))
        assert (budget.done, budget.claimed) == (given.trials, 0)
        print(
            json.dumps(
                {
                    "slots": budget.done,
                    "attempts": dict(outcomes),
                    "actors killed": killer.killed,
                    "nodes killed": 1,
                    "seconds": round(took, 1),
                    "gone after": round(time.monotonic() - ended, 1),
                }
            )
        )


if __name__ == "__main__":
    main()
