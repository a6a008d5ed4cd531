"""A task of the array from inside: keeps a worker, and requeues itself when its time is nearly up.

`python -m tuner.workers.engines.slurm.task LAUNCH --log FOLDER worker NAME ...`. Slurm sends SIGTERM to every
process of a job that is cancelled, preempted or requeued, so the worker has it without us. Before the time
limit it sends `LIMIT_SIGNAL` to this process alone: the worker leaves its trial in order, and the task goes
on later.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from search_spaces.errors import TunerError
from tuner.workers.engines.engine import LAUNCH
from tuner.workers.engines.keeper import keeper_of
from tuner.workers.engines.slurm.programs import UnknownJob, ask
from tuner.workers.engines.slurm.request import LIMIT_SIGNAL
from tuner.workers.processes.interruption import INTERRUPTED

ENDING = 5.0  # seconds between the ends of two processes of a job that Slurm ends


def main(words: Sequence[str]) -> int:
    """Be a task; gives the exit code of its worker."""
    launch, _, folder, *worker = words  # LAUNCH --log FOLDER
    index = os.environ.get("SLURM_ARRAY_TASK_ID", "0")
    os.environ[LAUNCH] = f"slurm:{launch}:{index}"
    # Threads of torch: the cores of this task, and not those of its node.
    os.environ.setdefault("OMP_NUM_THREADS", os.environ.get("SLURM_CPUS_ON_NODE", "1"))
    keeper = keeper_of(worker, folder, told_together=True)
    is_late, is_ended = threading.Event(), threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        is_late.set()
        keeper.ask()

    def end(number: int, frame: FrameType | None) -> None:
        is_ended.set()

    signal.signal(getattr(signal, f"SIG{LIMIT_SIGNAL}"), leave)
    code = keeper.keep()
    if is_late.is_set() and code == INTERRUPTED:
        signal.signal(signal.SIGTERM, end)
        # SLURM_JOB_ID of one of the tasks is the number of the whole array.
        array = os.environ.get("SLURM_ARRAY_JOB_ID")
        job = os.environ.get("SLURM_JOB_ID", "") if array is None else f"{array}_{index}"
        keeper.say(f"The time limit is near: Slurm is asked to requeue job {job}.")
        try:
            ask("scontrol", "requeue", job)
        except (TunerError, UnknownJob) as error:
            if not is_ended.wait(ENDING):  # else it is, and Slurm has ended scontrol before us
                keeper.say(f"It is not requeued: {error}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
