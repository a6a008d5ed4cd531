"""How sharp the training loss is around the weights of the best trials, in words and as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import inf, isfinite
from typing import Any, Self

from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.running.confirmation import SUFFIX, confirmed
from studies.trials.record import TrialRecord

SHARPNESS = "tuner:sharpness"  # attribute of a study: what was measured, by the number of the trial
CAVEAT = (
    "This does not prove that a network generalises better or worse. Weights can be rescaled so that the "
    "curvature is any number while the network computes the same (Dinh et al. 2017); adaptive sharpness is "
    "free of that for single weights, and yet need not go with the test score (Andriushchenko et al. 2023)."
)
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Sharpness:
    """What was measured around the weights of one training.

    Attributes:
        loss: the training loss there, without dropout, over `samples`.
        eigenvalue: the largest one of the loss's Hessian.
        trace: of the Hessian, estimated with the standard error `trace_error`.
        adaptive: by how much the loss rises at most (as far as a search found) where the weights move by
            a vector whose parts, each divided by its weight, have the length `radius` at most.
        along: along the direction of the largest eigenvalue pairs of a place, as a part of the length of
            all `weights`, and the loss there.
        is_plain: whether smoothing and augmentation are left out of the loss.
        seconds: that it took.
    """

    loss: float
    eigenvalue: float
    trace: float
    trace_error: float
    adaptive: float
    radius: float
    along: Sequence[tuple[float, float]]
    samples: int
    weights: int
    is_plain: bool
    seconds: float

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self | None:
        """Read plain data; None where they were not written by this version."""
        names = [field.name for field in fields(cls)]
        if not all(name in data for name in names):
            return None
        along = tuple((float(place), float(loss)) for place, loss in data["along"])
        return cls(**{**{name: data[name] for name in names}, "along": along})

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        return {**asdict(self), "along": [list(pair) for pair in self.along]}

    def in_words(self) -> tuple[str, ...]:
        """Say it in sentences."""
        how = "" if self.is_plain else ", as its training step computes it without dropout"
        curved = (
            f"Its largest curvature there (eigenvalue of the Hessian) is {self.eigenvalue:.4g}, and the sum "
            f"over all {self.weights:,} weights (trace) {self.trace:.4g}, with a standard error of "
            f"{self.trace_error:.2g}."
        )
        rises = (
            f"Within a radius of {self.radius:g}, in units of each weight's own size, the loss rises by "
            f"{self.adaptive:.3g} (adaptive sharpness)."
        )
        return (f"The training loss over {self.samples:,} samples is {self.loss:.4g}{how}.", curved, rises)

    def picture(self) -> str:
        """Draw the loss along the direction of the largest curvature as one line of blocks."""
        losses = [loss for _, loss in self.along]
        known = [loss for loss in losses if isfinite(loss)]
        low, high = min(known, default=0.0), max(known, default=0.0)
        scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
        line = "".join(
            _BLOCKS[round(scale * (loss - low))] if isfinite(loss) else _BLOCKS[-1] for loss in losses
        )
        reach = max(abs(place) for place, _ in self.along)
        return (
            f"{line}  from {low:.3g} to {high:.3g}, moved by up to {reach:.0%} of the length of the weights"
        )


@dataclass(frozen=True)
class Contender:
    """The winner or one of its rivals: the trial, and the training whose weights are kept for it."""

    original: TrialRecord
    ledger: Ledger
    trained: TrialRecord

    def sharpness(self) -> Sharpness | None:
        """Give what was measured around its weights; None where nothing was."""
        told = self.ledger.study.user_attrs.get(SHARPNESS)
        found = told.get(str(self.trained.number)) if isinstance(told, dict) else None
        return Sharpness.from_data(found) if isinstance(found, dict) else None

    def keep(self, found: Sharpness) -> None:
        """Keep what was measured with the study."""
        told = self.ledger.study.user_attrs.get(SHARPNESS)
        before = told if isinstance(told, dict) else {}
        known = {**before, str(self.trained.number): found.to_data()}
        self.ledger.study.set_user_attr(SHARPNESS, known)


def contenders(ledger: Ledger) -> list[Contender]:
    """Give the winner, and behind it the other trials that were confirmed, each with its best repeat."""
    found = []
    for candidate in confirmed(ledger):
        sign = 1.0 if ledger.minimizes else -1.0
        repeat, score = min(
            zip(candidate.repeats, candidate.scores, strict=True), key=lambda pair: sign * pair[1]
        )
        if abs(score) < inf:
            repeating = open_ledger(ledger.database, ledger.name + SUFFIX)
            found.append(Contender(candidate.trial, repeating, repeat))
    best = ledger.best()
    if found or best is None:
        return found
    return [Contender(best, ledger, best)]


def in_words(measured: Sequence[tuple[Contender, Sharpness]]) -> tuple[str, ...]:
    """Compare the winner with its rivals, in sentences; of one alone say what there is."""
    if not measured:
        return ()
    (winner, own), *others = measured
    if not others:
        return own.in_words()
    flatter = [rival for rival, each in others if each.eigenvalue > own.eigenvalue]
    less = [rival for rival, each in others if each.adaptive > own.adaptive]
    whose = "its rival" if len(others) == 1 else f"its {len(others)} rivals"
    said = (
        f"Around the weights of the best (trial {winner.original.number}) the largest curvature of the "
        f"training loss is {own.eigenvalue:.3g} and the adaptive sharpness {own.adaptive:.3g}; of {whose} "
        f"{_how_many(flatter)} a larger curvature, {_how_many(less)} a larger adaptive sharpness."
    )
    return (said, "Each is one network: another seed of the same configuration has other numbers.")


def _how_many(rivals: Sequence[Contender]) -> str:
    return {0: "none has", 1: "1 has"}.get(len(rivals), f"{len(rivals)} have")
