"""Which value of a metric is a score: one of this validation, or of this whole epoch, and no older one."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


class FreshMetric:
    """Tells a new value of a metric from one that an earlier validation or a single batch has left behind.

    `trainer.callback_metrics` keeps the last value of every metric, however old it is. Lightning puts a new
    tensor there for each metric that was logged with `on_epoch=True` when it closes a validation or an epoch.
    So a value is fresh and complete if and only if the closing has replaced the tensor.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.kept: Mapping[str, Tensor] = {}
        self.first: Tensor | None = None
        self.before: Tensor | None = None

    def follow(self, trainer: Any) -> None:
        """Follow the metrics of a fit that begins."""
        # The trainer gives the same mapping in every call, but a call computes what has been logged so far,
        # which a call in the middle of an epoch must not do: the module may reset its metrics later.
        self.kept = trainer.callback_metrics
        self.first = self.kept.get(self.metric)

    def open(self) -> None:
        """Remember the value that stands there before a validation or an epoch is closed."""
        self.before = self.kept.get(self.metric)

    def close(self) -> Tensor | None:
        """Give the value that was put there since `open`; None where there was none."""
        value = self.kept.get(self.metric)
        return None if value is self.before else value

    def why_missing(self, module: object, *, barebones: bool = False) -> str:
        """Say in one sentence why there is no score, and what to write instead."""
        who, metric = type(module).__name__, self.metric
        if barebones:
            return (
                f"The metric {metric!r} is not logged by {who}, because trainer.barebones logs nothing; "
                "remove barebones."
            )
        if self.kept.get(metric) is not self.first:
            return self.of_batches(module)
        names = sorted(name for name in self.kept if not name.endswith("_step"))
        if not names:
            return (
                f"The metric {metric!r} is not logged by {who}, which logs nothing for a whole validation or "
                "epoch; log it with self.log(..., on_epoch=True), and give the data a val_dataloader if it "
                "is logged in validation."
            )
        return (
            f"The metric {metric!r} is not logged by {who}, which logs {', '.join(names)}"
            "; set study.metric to one of them, or log it with self.log."
        )

    def of_batches(self, module: object) -> str:
        """Say that the metric is logged, but for single batches, and what to write instead."""
        whole = f"{self.metric.removesuffix('_step')}_epoch"
        other = f", or set study.metric to {whole}" if whole in self.kept else ""
        return (
            f"The metric {self.metric!r} is logged by {type(module).__name__} for single batches only, and a "
            f"score is the value of a whole epoch; log it with self.log(..., on_epoch=True){other}."
        )


def two_kinds(metric: str, module: object) -> str:
    """Say that one name stands for two metrics, of which the wrong one came first."""
    return (
        f"The metric {metric!r} is logged by {type(module).__name__} in training and in validation, and an "
        "epoch ends before the first validation; log the two under two names."
    )
