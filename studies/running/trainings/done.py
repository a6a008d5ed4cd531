"""The trainings of a trial that is trained several times: which are done, and which is due."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from statistics import fmean
from typing import Any

from search_spaces.space.nodes import Value
from studies.definition.repetition import Repetition
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.trials.attributes import REPEATS
from studies.trials.record import TrialRecord


@dataclass(frozen=True)
class Training:
    """One training of a trial that was completed: its score, and the metrics that are kept beside it."""

    score: float
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass
class Trainings:
    """The trainings of one trial, one after the other.

    Attributes:
        repetition: how many there are, and what sets them apart.
        done: those that are completed, an earlier attempt's too.
        curve: the scores of the first one by their validations, where an earlier attempt has made it.
        taken: how many of them an earlier attempt has completed.
        paid: the validation of the training that is due up to which its epochs are paid.
    """

    repetition: Repetition
    done: list[Training]
    curve: Mapping[int, float]
    taken: int = 0
    paid: int = 0

    @property
    def next(self) -> int:
        """The number of the training that is due, counted from 0."""
        return len(self.done)

    @property
    def is_last(self) -> bool:
        """Whether the one that is due is the last."""
        return self.next == self.repetition.count - 1

    @property
    def scores(self) -> tuple[float, ...]:
        """The scores of those that are done."""
        return tuple(training.score for training in self.done)

    def told(self) -> dict[str, Any]:
        """Give what the trial keeps of those that are done."""
        return {REPEATS: [asdict(training) for training in self.done]} if self.repetition.count > 1 else {}

    def metrics(self) -> dict[str, float | None]:
        """Give the mean of each metric over those that are done; None where one of them was no number."""
        found: dict[str, float | None] = {}
        for name in self.done[0].metrics:
            values = [training.metrics.get(name) for training in self.done]
            known = [value for value in values if value is not None]
            found[name] = fmean(known) if len(known) == len(values) else None
        return found


def trainings_of(ledger: Ledger, slot: Slot, values: Mapping[str, Value]) -> Trainings:
    """Give the trainings of the trial of a slot, with what earlier attempts at the same values have done."""
    repetition = Repetition.of(ledger.definition.settings.repeats)
    if repetition.count == 1 or slot.trial is None:
        return Trainings(repetition, [], {})
    done: list[Training] = []
    curve: Mapping[int, float] = {}
    for trial in ledger.trials():
        record = TrialRecord.of(trial)
        if record.slot != slot.number or dict(record.values) != dict(values):
            continue
        found = _read(trial.user_attrs.get(REPEATS))[: repetition.count - 1]
        if len(found) > len(done):
            done, curve = found, record.curve
    return Trainings(repetition, done, curve, taken=len(done))


def _read(told: object) -> list[Training]:
    """Read what a trial has kept of its trainings, up to the first that is none."""
    found = []
    for each in told if isinstance(told, Sequence) else ():
        score = each.get("score") if isinstance(each, Mapping) else None
        if not isinstance(score, int | float) or not isfinite(score):
            break
        metrics = each.get("metrics")
        found.append(Training(float(score), metrics if isinstance(metrics, Mapping) else {}))
    return found
