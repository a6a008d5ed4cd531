"""The metrics that a fit keeps beside its score, each as it was at the validation whose score counts."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from torch.nn.parameter import is_lazy

from tuner.training.assignment import BUILT_IN, EPOCH_SECONDS, PARAMETERS
from tuner.training.fitting.fresh import FreshMetric
from tuner.training.process.together import mean_score


class KeptMetrics:
    """Follows some metrics of a fit.

    What is logged in validation is kept as of the validation that counts, and what is logged in training as
    of the end of its epoch. Of a metric that is not logged there the last value before is kept. The number of
    parameters and the mean seconds of an epoch are known of every module.

    Args:
        names: of the metrics.

    Attributes:
        values: those at the score that counts, by name; a value that is no number is among them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.logged = {name: FreshMetric(name) for name in names if name not in BUILT_IN}
        self.latest: dict[str, float] = {}
        self.values: dict[str, float] = {}
        self.is_open = False  # the epoch of the score that counts goes on
        self.seconds, self.epochs = 0.0, 0
        self.began: float | None = None

    def begin(self, trainer: Any, module: Any) -> None:
        """Follow the metrics of a fit that begins."""
        for metric in self.logged.values():
            metric.follow(trainer)
        self.count_parameters(module)

    def count_parameters(self, module: Any) -> None:
        """Take the number of parameters, once it is known."""
        if PARAMETERS in self.names and (count := parameters_of(module)) is not None:
            self.values[PARAMETERS] = self.latest[PARAMETERS] = float(count)

    def open(self) -> None:
        """Remember what stands there before a validation or an epoch is closed."""
        for metric in self.logged.values():
            metric.open()

    def close_validation(self, trainer: Any) -> None:
        """Take what a validation has logged."""
        self.latest |= self._fresh(trainer)

    def count(self, *, is_open: bool) -> None:
        """Keep what is known now: the score that was just taken is the one that counts.

        Args:
            is_open: whether its epoch goes on, which has yet to log what is logged in training.
        """
        self.values.update(self.latest)
        self.is_open = is_open

    def close_epoch(self, trainer: Any, module: Any) -> None:
        """Take what an epoch has logged in training, and how long it took."""
        if not self.names:
            return
        if self.began is not None:
            self.seconds += time.monotonic() - self.began
            self.epochs, self.began = self.epochs + 1, None
        fresh = self._fresh(trainer)
        self.latest |= fresh
        if self.is_open:
            self.values |= fresh
            self.is_open = False
        self.count_parameters(module)
        if EPOCH_SECONDS in self.names and self.epochs:
            self.values[EPOCH_SECONDS] = self.latest[EPOCH_SECONDS] = self.seconds / self.epochs

    def begin_epoch(self) -> None:
        """Note when an epoch begins."""
        self.began = time.monotonic()

    def missing(self) -> list[str]:
        """Name the metrics that were never logged for a whole validation or epoch."""
        return [name for name in self.logged if name not in self.values]

    def why_missing(self, module: object) -> str:
        """Say in one sentence which metric is missing, and what to write instead."""
        name = self.missing()[0]
        return not_logged(name, module, self.logged[name].kept)

    def state(self) -> dict[str, Any]:
        """Give what a resumed fit needs to end with the same values."""
        return {
            "latest": dict(self.latest),
            "values": dict(self.values),
            "seconds": self.seconds,
            "epochs": self.epochs,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.latest = dict(state["latest"])
        self.values.update(state["values"])
        self.seconds, self.epochs = state["seconds"], state["epochs"]

    def _fresh(self, trainer: Any) -> dict[str, float]:
        found = {name: mean_score(trainer, metric.close()) for name, metric in self.logged.items()}
        return {name: value for name, value in found.items() if value is not None}


def not_logged(name: str, module: object, logged: Iterable[str]) -> str:
    """Say in one sentence that a metric is not logged, and what to write instead."""
    there = sorted(known for known in logged if not known.endswith("_step"))
    listed = f", which logs {', '.join(there)}" if there else ""
    return (
        f"The metric {name!r}, which study.keep_metrics or study.limits names, is not logged by "
        f"{type(module).__name__}{listed}; name one of these, {' or '.join(BUILT_IN)}, or log it with "
        "self.log(..., on_epoch=True)."
    )


def parameters_of(module: Any) -> int | None:
    """Count the parameters of a module; None while some have no shape yet."""
    weights = list(module.parameters())
    return None if any(map(is_lazy, weights)) else sum(weight.numel() for weight in weights)
