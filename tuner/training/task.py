"""A task: what to fit, and what counts as its score. Plain data, so that it can cross to another process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """What to fit, and how its score is made of its validations.

    `score` is the best or the last validation's. If `keep` names a file, a checkpoint of the weights behind
    the score is written there, provided the fit is completed and its score is better than `better_than`, if
    that is given. `threads` are torch's on the CPU; None leaves them as they are. `facts` says whether
    training facts are gathered.
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
