"""What a training is asked for. Plain data, so that it can cross to another process."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.training.configuration.permit import Permit

# Metrics that are known of every training, whatever its module logs: how many parameters the module has, and
# the mean seconds of an epoch, validations included.
BUILT_IN = PARAMETERS, EPOCH_SECONDS = "parameters", "epoch_seconds"


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Give values as databases can hold them: None for one that is no finite number."""
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


@dataclass(frozen=True)
class Objective:
    """What is optimized: how the score of a fit is made of its validations.

    Attributes:
        metric: the name under which the module logs it.
        minimizes: whether less is better.
        score: of which validation, the `best` or the `last`.
        diverged_beyond: a value of the metric beyond which a fit has diverged.
    """

    metric: str
    minimizes: bool = True
    score: str = "best"
    diverged_beyond: float | None = None

    def is_better(self, score: float, other: float) -> bool:
        """Say whether one value of the metric is better than another."""
        return score < other if self.minimizes else score > other

    def divergence(self, score: float, place: str) -> str:
        """Say of a score that it is no finite number or beyond the bound of the study; "" if it is fine.

        Args:
            score: a value of the metric.
            place: where it was seen, such as `at epoch 3`.
        """
        bound = self.diverged_beyond
        if not math.isfinite(score):
            return f"{self.metric} was {score} {place}"
        if bound is not None and self.is_better(bound, score):
            return f"{self.metric} was {score:.6g} {place}, beyond {bound:.6g}"
        return ""

    def score_of(self, scores: Sequence[float]) -> float | None:
        """Make one score of a fit's validations; None where there was none."""
        if not scores:
            return None
        if self.score == "last":
            return scores[-1]
        return min(scores) if self.minimizes else max(scores)


@dataclass(frozen=True)
class Tracked:
    """What a training is part of.

    Attributes:
        study: the name of the study.
        key: tells the study from another of that name.
        trial: the number of the trial.
        values: of its parameters, by name.
    """

    study: str
    key: str
    trial: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """One fit that is asked for.

    Attributes:
        configuration: what LightningCLI is given.
        seed: of everything random in the training.
        objective: what is optimized.
        keep: the file for the weights behind the score, written if the fit is completed and its score is no
            worse than `better_than`, if that is given.
        better_than: the best score so far.
        earlier: scores of other fits, over which and this one's the score that is compared is the mean.
        threads: torch's on the CPU; None leaves them as they are.
        facts: whether training facts are gathered.
        checkpoint: a file, or a URL that fsspec knows, to which the whole state of the training goes between
            two epochs: when the fit is asked to leave, and otherwise whenever `every` seconds have passed.
        every: seconds between two checkpoints.
        resume: a checkpoint that an earlier fit of the same assignment has left.
        owner: the slot to which both belong.
        place: a folder for what loggers write.
        tables: a folder that trainings of the same data share, for prepared tables.
        permit: what the configuration may name; None allows all.
        log: the file that takes everything that the training prints.
        ranks: how many processes train together.
        gpus: those that they may see; None lets them see all.
        limit: how many seconds it may take.
        tracked: what trackers are told of it; None tells them nothing.
        metrics: names of metrics that are kept beside the score.
        parameters: the least and the most parameters that the module may have; another one is not trained.
    """

    configuration: Mapping[str, Any]
    seed: int
    objective: Objective
    keep: Path | None = None
    better_than: float | None = None
    earlier: tuple[float, ...] = ()
    threads: int | None = None
    facts: bool = True
    checkpoint: str | None = None
    every: float = 60.0
    resume: str | None = None
    owner: str = ""
    place: Path | None = None
    tables: Path | None = None
    permit: Permit | None = None
    log: Path | None = None
    ranks: int = 1
    gpus: str | None = None
    limit: float | None = None
    tracked: Tracked | None = None
    metrics: tuple[str, ...] = ()
    parameters: tuple[float, float] | None = None

    def refuses(self, parameters: float | None) -> str:
        """Say why a module of so many parameters is not trained; "" where it is, or where nobody knows."""
        if self.parameters is None or parameters is None:
            return ""
        least, most = self.parameters
        if least <= parameters <= most:
            return ""
        side, bound = ("at least", least) if parameters < least else ("at most", most)
        return f"its module has {parameters:,.0f} parameters, and study.limits allows {side} {bound:,.0f}"
