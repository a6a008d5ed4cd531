"""Modules that take their sizes from the data, and say when a given size is not theirs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.tuner.data.tables import patients
from tests.tuner.training.probes import IN_MEMORY, MLP, read
from tuner.errors import BadConfiguration
from tuner.modules.perceptron import MLPClassifier
from tuner.modules.regressor import MLPRegressor

pytestmark = IN_MEMORY

ADAMW = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}
OPEN = {"features": None, "classes": None, "hidden": [8, 8], "norm": "batch"}


def table_fit(folder: Path, model: dict[str, Any], *, cls: str = MLP, **data: Any) -> dict[str, Any]:
    """Write the configuration of a fit of the table of patients."""
    path = folder / "patients.csv"
    if not path.exists():
        patients().to_csv(path, index=False)
    return {
        "model": {"class_path": cls, "init_args": model},
        "data": {
            "class_path": "tuner.data.Table",
            "init_args": {"path": str(path), "target": "ill", **data},
        },
        "optimizer": ADAMW,
        "trainer": {"max_epochs": 2},
    }


def fitted(configuration: dict[str, Any]) -> Any:
    """Fit by plain LightningCLI."""
    cli = read(configuration)
    cli.trainer.fit(cli.model, cli.datamodule)
    return cli


def test_sizes_left_open_are_the_datas(tmp_path: Path) -> None:
    """A table of five features and two classes makes a network from five to two, which is trained."""
    cli = read(table_fit(tmp_path, OPEN))
    cli.trainer.fit(cli.model, cli.datamodule)
    layers = [layer for layer in cli.model.network if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [(5, 8), (8, 8), (8, 2)]
    held = {id(p) for group in cli.trainer.optimizers[0].param_groups for p in group["params"]}
    assert held == {id(parameter) for parameter in cli.model.parameters()}
    assert all(len(cli.trainer.optimizers[0].state[parameter]) for parameter in cli.model.parameters())


def test_open_sizes_train_exactly_as_given_ones(tmp_path: Path) -> None:
    """Whether a size was written or left open changes no weight."""
    given = fitted(table_fit(tmp_path, {**OPEN, "features": 5, "classes": 2})).model.state_dict()
    left_open = fitted(table_fit(tmp_path, OPEN)).model.state_dict()
    assert all(torch.equal(given[name], left_open[name]) for name in given)


def test_an_average_begins_with_the_datas_sizes(tmp_path: Path) -> None:
    """A callback that copies the weights before the first step copies those of the real network."""
    average = {
        "class_path": "tuner.callbacks.WeightAverage",
        "init_args": {"kind": "ema", "start": 0.0},
    }
    configuration = table_fit(tmp_path, OPEN)
    configuration["trainer"]["callbacks"] = [average]
    assert fitted(configuration).model.network[0].weight.shape == (8, 5)


def test_a_checkpoint_needs_no_data(tmp_path: Path) -> None:
    """`load_from_checkpoint` makes the network of the sizes that the data had told."""
    cli = read(table_fit(tmp_path, OPEN))
    cli.trainer.fit(cli.model, cli.datamodule)
    cli.trainer.save_checkpoint(tmp_path / "weights.ckpt")
    restored = MLPClassifier.load_from_checkpoint(tmp_path / "weights.ckpt")
    x = torch.rand(4, 5)
    assert torch.equal(restored.eval()(x), cli.model.eval()(x))


@pytest.mark.parametrize(
    ("model", "data", "cls", "said"),
    [
        ({"features": 64}, {}, MLP, "model.init_args.features: is 64, but the data have 5; write 5, or null"),
        ({"features": None, "classes": 3}, {}, MLP, "model.init_args.classes: is 3, but the data have 2"),
        (OPEN, {"target": "age"}, MLP, "MLPClassifier predicts classes, but the target is a quantity"),
        ({}, {}, "tuner.modules.MLPRegressor", "but the target has 2 classes; use MLPClassifier"),
        ({}, {}, "tuner.modules.ConvClassifier", "channels: is left open, and Table does not"),
    ],
)
def test_what_does_not_fit_the_data_is_said(
    tmp_path: Path, model: dict[str, Any], data: dict[str, Any], cls: str, said: str
) -> None:
    """A size that is not the data's, or a module for another task, is told before the first step."""
    cli = read(table_fit(tmp_path, model, cls=cls, **data))
    with pytest.raises(BadConfiguration) as refusal:
        cli.trainer.fit(cli.model, cli.datamodule)
    assert said in str(refusal.value)


def test_balanced_weights_reach_the_loss(tmp_path: Path) -> None:
    """The validation loss is the mean of each sample's cross-entropy times the weight of its class."""
    cli = fitted(table_fit(tmp_path, OPEN, class_weights="balanced"))
    logged = cli.trainer.callback_metrics["val_loss"].item()
    x, y = cli.datamodule.parts["val"]
    with torch.inference_mode():
        each = nn.functional.cross_entropy(cli.model.eval()(x), y, reduction="none")
    weights = cli.datamodule.loss_weights[y]
    assert logged == pytest.approx((each * weights).mean().item(), abs=1e-6)
    assert logged != pytest.approx(each.mean().item(), abs=1e-3)


def test_a_regression_tells_its_errors_in_the_targets_unit(tmp_path: Path) -> None:
    """The loss is in units of the target's variance, RMSE and MAE and predictions in years."""
    regressor = "tuner.modules.MLPRegressor"
    cli = fitted(table_fit(tmp_path, {"hidden": [8]}, cls=regressor, target="age"))
    logged = dict(cli.trainer.callback_metrics)
    logged |= cli.trainer.test(cli.model, cli.datamodule, verbose=False)[0]
    scale, mean = cli.datamodule.target_scale, cli.datamodule.target_mean
    for part in ("val", "test"):
        x, y = cli.datamodule.parts[part]
        with torch.inference_mode():
            errors = cli.model.eval()(x) - (y * scale + mean)
        assert float(logged[f"{part}_mae"]) == pytest.approx(errors.abs().mean().item(), rel=1e-4)
        assert float(logged[f"{part}_rmse"]) == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-4)
        loss = errors.square().mean().item() / scale**2
        assert float(logged[f"{part}_loss"]) == pytest.approx(loss, rel=1e-4)
    assert logged["train_loss"] > 0


def test_a_regressor_learns_and_keeps_the_unit(tmp_path: Path) -> None:
    """The diabetes data are predicted better than by their mean, and a checkpoint predicts in their unit."""
    configuration = {
        "model": {"class_path": "tuner.modules.MLPRegressor", "init_args": {"mixup_alpha": 0.2}},
        "data": {"class_path": "tuner.data.Diabetes"},
        "optimizer": ADAMW,
        "trainer": {"max_epochs": 4},
    }
    cli = fitted(configuration)
    assert cli.trainer.callback_metrics["val_loss"] < 0.8
    cli.trainer.save_checkpoint(tmp_path / "weights.ckpt")
    restored = MLPRegressor.load_from_checkpoint(tmp_path / "weights.ckpt").eval()
    x, y = cli.datamodule.parts["val"]
    predicted = restored(x)
    assert torch.equal(predicted, cli.model.eval()(x))
    assert 100 < predicted.mean().item() < 200
    assert len(predicted) == len(y)


def test_a_regressor_refuses_a_negative_mixup() -> None:
    """The parameter of the share's distribution is told when it is out of range."""
    with pytest.raises(ValueError, match="mixup_alpha >= 0 must hold"):
        MLPRegressor(mixup_alpha=-1.0)
