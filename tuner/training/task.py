"""A task and what comes of it. Plain data, so that both can cross to another process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tuner.training.configuration.permit import Permit

THREADS = "threads"  # among the facts of a fit: torch's on the CPU, on which the last digits of sums depend


@dataclass(frozen=True)
class Task:
    """What to fit, and how its score is made of its validations.

    `score` is the best or the last validation's. If `keep` names a file, a checkpoint of the weights behind
    the score is written there, provided the fit is completed and its score is no worse than `better_than`,
    if that is given. `threads` are torch's on the CPU; None leaves them as they are. `facts` says whether
    training facts are gathered.

    `checkpoint` is a file, or a URL that fsspec knows, to which the whole state of the training goes between
    two epochs: when the fit is asked to leave, and otherwise whenever `every` seconds have passed. `resume`
    is one that an earlier fit of the same task has left, and `owner` the trial to which both belong. `place`
    is a folder for what loggers write. `permit` is what the configuration may name; None allows all.
    `tables` is one that trainings of the same data share, for prepared tables.
    """

    configuration: Mapping[str, Any]
    seed: int
    metric: str
    minimizes: bool = True
    score: str = "best"
    diverged_beyond: float | None = None
    keep: Path | None = None
    better_than: float | None = None
    threads: int | None = None
    facts: bool = True
    checkpoint: str | None = None
    every: float = 60.0
    resume: str | None = None
    owner: str = ""
    place: Path | None = None
    tables: Path | None = None
    permit: Permit | None = None

    def is_better(self, score: float, other: float) -> bool:
        """Say whether one value of the metric is better than another."""
        return score < other if self.minimizes else score > other

    def score_of(self, scores: Sequence[float]) -> float | None:
        """Make one score of a fit's validations; None where there was none."""
        if not scores:
            return None
        if self.score == "last":
            return scores[-1]
        return min(scores) if self.minimizes else max(scores)


class Ending(Enum):
    """How a fit ended, errors aside."""

    COMPLETED = "completed"
    STOPPED = "stopped"  # the report asked for it
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Fit:
    """What came of a task: how it ended, its scores, the score made of them, the cause, the file.

    `steps` are the numbers of the scores: how many validations had been made. `facts` is what else the
    training has to say of itself, as plain data.
    """

    ending: Ending
    scores: tuple[float, ...]
    score: float | None
    cause: str = ""
    kept: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[int, ...] = ()
