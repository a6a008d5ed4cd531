"""Several local workers: one view hears them all, and one that dies is replaced."""

import os
import signal
import threading
from pathlib import Path

from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger
from tests.tuner.workers.watching import Watching
from tuner.workers.events import ShownTrial
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally

pytestmark = IN_MEMORY


class Witness(Watching):
    """Notes what it hears, and kills the worker of the first trial that begins."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.kills = ledger, True
        self.ended_trials: set[int] = set()
        self.steps: dict[int, list[int]] = {}

    def started(self, running: ShownTrial) -> None:
        """Kill the worker, once."""
        if self.kills:
            self.kills = False
            worker = self.ledger.trial(running.number).user_attrs["worker"]
            os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Note it."""
        self.steps.setdefault(running.number, []).append(step)

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Note it."""
        self.ended_trials.add(running.number)


def test_one_view_hears_all_workers_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """A killed worker's slot is free at once, before its lease lapses; the budget is spent exactly."""
    ledger = make_ledger(tmp_path, Small, exploration=1.0)
    job, view = (
        Job(f"sqlite:///{tmp_path}/tuner.db", ledger.name, tmp_path / "runs", grace=1.0),
        Witness(ledger),
    )
    work_locally(job, ledger, view, threading.Event(), workers=2, gpus=None)
    trials = ledger.trials()
    completed = {trial.number for trial in trials if outcome_of(trial) is Outcome.COMPLETED}
    assert len(completed) == ledger.slots.budget().done == 6
    assert [outcome_of(trial) for trial in trials].count(Outcome.LOST) == len(trials) - 6 == 1
    assert view.ended_trials == completed
    assert {number: view.steps[number] for number in completed} == {number: [1, 2] for number in completed}
    assert len({trial.user_attrs["worker"] for trial in trials}) == 3
