"""The metric that a study is about, guessed from a module's source and from callbacks."""

from typing import Any

import pytest
import torch
from torchmetrics import Accuracy, MeanSquaredError, MetricCollection

from tuner.preparation.drafting.metrics import direction_of, logged, monitored


class Shared:
    """Logs under names that are put together."""

    def step(self, stage: str) -> None:
        """Log a loss of a stage."""
        self.log(f"{stage}/loss", 0.0)

    def training_step(self) -> None:
        """Train."""
        self.step("train")

    def validation_step(self) -> None:
        """Validate."""
        self.step("val")

    def log(self, name: str, value: float, **how: Any) -> None:
        """Do as Lightning does."""


class Inheriting(Shared):
    """Logs more than what it inherits from."""

    def validation_step(self) -> None:
        """Log a metric of its own too."""
        self.log("val_accuracy", 1.0)
        self.log("val_batch", 1.0, on_epoch=False)

    def training_step(self) -> None:
        """Log for single batches, and for the epoch."""
        self.log("train_batch", 1.0)
        self.log("train_epoch", 1.0, on_epoch=True)


class Collecting:
    """Logs what a `torchmetrics.MetricCollection` holds, a copy for each stage."""

    def __init__(self) -> None:
        metrics = MetricCollection([Accuracy(task="binary"), MeanSquaredError()])
        self.training = metrics.clone(prefix="train/")
        self.validation = metrics.clone(prefix="val/")

    def on_validation_epoch_end(self) -> None:
        """Log a dictionary that is put together while it runs."""
        self.log_dict(self.validation.compute())

    def log_dict(self, values: Any) -> None:
        """Do as Lightning does."""


class Named:
    """Holds one collection, whose metrics have names."""

    def __init__(self) -> None:
        self.metrics = MetricCollection({"f1": Accuracy(task="binary")}, prefix="val_", postfix="_macro")


class Silent:
    """Logs nothing."""


def test_no_training_loss_comes_before_a_validated_metric() -> None:
    """A metric of the validation is the likeliest score, and its loss the first of all."""
    assert logged(Shared)[0].name == "val/loss"
    names = [metric.name for metric in logged(Inheriting)]
    assert names[:2] == ["val/loss", "val_accuracy"]
    assert set(names[2:]) >= {"train_epoch", "train_batch"}
    assert logged(Silent) == ()


def test_a_collection_of_metrics_is_known_by_its_prefixes() -> None:
    """Its metrics are those of the validation first, called as it will log them."""
    found = logged(Collecting)
    assert [metric.name for metric in found[:2]] == ["val/BinaryAccuracy", "val/MeanSquaredError"]
    assert [metric.direction for metric in found[:2]] == ["maximize", "minimize"]
    assert {metric.name for metric in found[2:]} == {"train/BinaryAccuracy", "train/MeanSquaredError"}
    assert [metric.name for metric in logged(Named)] == ["val_f1_macro"]
    collection = Collecting().validation
    collection.update(torch.tensor([0.0, 1.0]), torch.tensor([0, 1]))
    assert set(collection.compute()) == {"val/BinaryAccuracy", "val/MeanSquaredError"}


def test_no_value_of_single_batches_is_called_whole() -> None:
    """A score is the value of a whole epoch."""
    whole = {metric.name: metric.is_whole for metric in logged(Inheriting)}
    assert (whole["train_epoch"], whole["train_batch"], whole["val_batch"]) == (True, False, False)
    assert whole["val_accuracy"]


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "minimize"),
        ("val/acc", "maximize"),
        ("rmse", "minimize"),
        ("AUROC", "maximize"),
        ("x", None),
    ],
)
def test_no_direction_is_invented(name: str, direction: str | None) -> None:
    """A name that does not tell its direction leaves the choice to the user."""
    assert direction_of(name) == direction


def test_no_callback_that_watches_is_overlooked() -> None:
    """What stops a training, or keeps its weights, watches what the user cares for, in its mode."""
    stopping = {"class_path": "x.EarlyStopping", "init_args": {"monitor": "score", "mode": "max"}}
    (found,) = monitored({"callbacks": ["x.ModelSummary", stopping, {"class_path": "x.RichProgressBar"}]})
    assert (found.name, found.direction, found.where) == ("score", "maximize", "which EarlyStopping watches")
