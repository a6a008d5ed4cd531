"""How a study is worked on."""

from dataclasses import dataclass
from pathlib import Path

from tuner.workers.worker import GRACE

OUTPUT = Path("runs")


@dataclass(frozen=True)
class Manner:
    """How a study is worked on.

    Attributes:
        workers: how many trials are trained at a time; of several each is a process of its own.
        gpus: the GPUs that they share, such as `"0,1"`, or `"auto"`; None lets each see all of them.
        output: a folder in which the study gets one of its own, for weights, logs and checkpoints.
        checkpoints: a folder or URL that all machines reach, for trials that are interrupted.
        grace: seconds that a running epoch has to come to its end when the work is stopped.
    """

    workers: int = 1
    gpus: str | None = None
    output: Path = OUTPUT
    checkpoints: str | None = None
    grace: float = GRACE


USUAL = Manner()
