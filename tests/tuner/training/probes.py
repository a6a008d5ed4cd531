"""What the tests of training share: plain LightningCLI's reading, and a look at each optimizer step."""

import sys
from typing import Any
from unittest.mock import patch

import pytest
import pytorch_lightning
import torch
from pytorch_lightning.cli import LightningCLI
from torch import Tensor

QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
    "accelerator": "cpu",
    "devices": 1,
}
# From three cores on, Lightning advises worker processes, which only slow down data that lie in memory.
IN_MEMORY = pytest.mark.filterwarnings("ignore:The '[a-z]+_dataloader' does not have many workers")
MLP = "tuner.modules.MLPClassifier"
UNDECAYED = {"class_path": "tuner.callbacks.UndecayedGroups"}


def schedule(**init_args: object) -> dict[str, Any]:
    """Write the configuration of a schedule."""
    return {"class_path": "tuner.callbacks.LearningRateSchedule", "init_args": init_args}


def read(configuration: dict[str, Any], cli: type = LightningCLI, **options: Any) -> Any:
    """Let LightningCLI make a module, its data and a trainer, as it would for its own `fit`."""
    trainer = QUIET | configuration.get("trainer", {})
    with patch.object(sys, "argv", ["fit"]):  # LightningCLI warns of arguments that pytest was called with
        return cli(
            args={"seed_everything": 0} | configuration | {"trainer": trainer},
            run=False,
            save_config_callback=None,
            subclass_mode_model=True,
            subclass_mode_data=True,
            **options,
        )


def digits_fit(
    *,
    optimizer: dict[str, Any],
    model: dict[str, Any] | None = None,
    trainer: dict[str, Any] | None = None,
    batch_size: int = 64,
) -> dict[str, Any]:
    """Write the configuration of a fit of the digits."""
    return {
        "model": {"class_path": MLP, "init_args": {"hidden": [16, 16], **(model or {})}},
        "data": {"class_path": "tuner.data.Digits", "init_args": {"batch_size": batch_size}},
        "optimizer": optimizer,
        "trainer": {"max_epochs": 1, "limit_val_batches": 0, **(trainer or {})},
    }


class Steps:
    """The hooks that record each optimizer step as it is about to be taken."""

    def __init__(self) -> None:
        """Start without any step."""
        super().__init__()
        self.rates: list[list[float]] = []
        self.decays: list[list[float]] = []
        self.before: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}

    def on_before_optimizer_step(
        self,
        trainer: object,
        pl_module: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Record rates and decays of the groups, and, of the last step, parameters and gradients."""
        self.rates.append([group["lr"] for group in optimizer.param_groups])
        self.decays.append([group.get("weight_decay", 0.0) for group in optimizer.param_groups])
        named = dict(pl_module.named_parameters())
        self.before = {name: parameter.detach().double() for name, parameter in named.items()}
        self.gradients = {
            name: torch.zeros_like(parameter).double() if parameter.grad is None else parameter.grad.double()
            for name, parameter in named.items()
        }


class StepProbe(Steps, pytorch_lightning.Callback):
    """Record each optimizer step of a trainer of `pytorch_lightning`."""


def fit_recorded(configuration: dict[str, Any]) -> tuple[Any, Steps]:
    """Fit a configuration and return the LightningCLI and what its optimizer did."""
    probe = StepProbe()
    cli = read(configuration, trainer_defaults={"callbacks": [probe]})
    cli.trainer.fit(cli.model, cli.datamodule)
    return cli, probe
