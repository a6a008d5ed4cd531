"""A module of `lightning.pytorch` gets the same data, groups and schedule from the counterparts."""

import inspect

import lightning.pytorch
import pytest
import pytorch_lightning
import torch
from lightning.pytorch.cli import LightningCLI

from tests.tuner.training.probes import IN_MEMORY, Steps, read, schedule
from tuner import data
from tuner.data import lightning_pytorch

pytestmark = IN_MEMORY

COSINE = [1 / 3, 2 / 3, 1.0, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]
CALLBACKS, DATA = "tuner.callbacks.lightning_pytorch", "tuner.data.lightning_pytorch"
MODULE = {"class_path": "tests.tuner.training.own_modules.OwnTwinModule"}


class StepTwin(Steps, lightning.pytorch.Callback):
    """Record each optimizer step of a trainer of `lightning.pytorch`."""


def test_twins_act_on_a_module_of_the_other_lightning() -> None:
    """Through that package's LightningCLI, groups are undecayed and rates follow the row written by hand."""
    probe = StepTwin()
    callbacks = [
        {"class_path": f"{CALLBACKS}.LearningRateSchedule", "init_args": {"warmup_fraction": 0.2}},
        {"class_path": f"{CALLBACKS}.UndecayedGroups"},
    ]
    sgd = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1, "weight_decay": 0.5}}
    with pytest.warns(UserWarning, match="`OwnTwinModule.configure_optimizers` will be overridden"):
        cli = read(
            {"model": MODULE, "optimizer": sgd, "trainer": {"max_epochs": 1, "callbacks": callbacks}},
            cli=LightningCLI,
            trainer_defaults={"callbacks": [probe]},
        )
    cli.trainer.fit(cli.model)
    assert probe.decays == [[0.5, 0.0]] * 10
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in COSINE], abs=1e-7)
    assert cli.model.calls == 0


def test_twins_act_on_the_modules_own_optimizer() -> None:
    """Without an `optimizer` section the module's own method is the one that is edited."""
    probe = StepTwin()
    callbacks = [{"class_path": f"{CALLBACKS}.LearningRateSchedule", "init_args": {"warmup_fraction": 0.2}}]
    configuration = {"model": MODULE, "trainer": {"max_epochs": 1, "callbacks": callbacks}}
    cli = read(configuration, cli=LightningCLI, trainer_defaults={"callbacks": [probe]})
    cli.trainer.fit(cli.model)
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in COSINE], abs=1e-7)


def test_every_other_callback_has_a_twin_that_acts() -> None:
    """Decay, L1, max-norm and averages act on a module of the other Lightning as on one of ours."""
    probe = StepTwin()
    arguments = {
        "DecayTimescale": {"timescale": 2.0},
        "ProximalL1": {"strength": 10.0},
        "MaxNorm": {"limit": 0.01},
        "WeightAverage": {"kind": "ema", "start": 0.5},
    }
    callbacks = [
        {"class_path": f"{CALLBACKS}.{name}", "init_args": given} for name, given in arguments.items()
    ]
    configuration = {"model": MODULE, "trainer": {"max_epochs": 1, "callbacks": callbacks}}
    cli = read(configuration, cli=LightningCLI, trainer_defaults={"callbacks": [probe]})
    before = cli.model.network[0].bias.clone()
    cli.trainer.fit(cli.model)
    assert probe.decays == [[pytest.approx(1 / (2.0 * 0.1 * 10))]] * 10
    assert not cli.model.network[0].weight.any()
    assert not torch.equal(cli.model.network[0].bias, before)


@pytest.mark.parametrize("name", ["Diabetes", "Digits", "FashionMNIST", "Table"])
def test_all_data_have_a_twin(name: str) -> None:
    """What `tuner.data` offers to one package it offers to the other, with the same arguments."""
    counterpart, ours = getattr(lightning_pytorch, name), getattr(data, name)
    assert issubclass(counterpart, lightning.pytorch.LightningDataModule)
    assert issubclass(ours, pytorch_lightning.LightningDataModule)
    assert inspect.signature(counterpart) == inspect.signature(ours)


def test_the_digits_of_either_package_are_the_same() -> None:
    """The counterpart hands out what its sibling does."""
    digits = {"class_path": f"{DATA}.Digits", "init_args": {"batch_size": 100}}
    cli = read({"model": MODULE, "data": digits}, cli=LightningCLI)
    cli.datamodule.setup("fit")
    assert len(cli.datamodule.train_dataloader()) == 11
    assert isinstance(cli.datamodule, lightning.pytorch.LightningDataModule)


def test_the_other_lightning_takes_no_callback_of_ours_but_a_twin(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason: that package's LightningCLI refuses a callback of `pytorch_lightning`."""
    with pytest.raises(SystemExit):
        read({"model": MODULE, "trainer": {"callbacks": [schedule()]}}, cli=LightningCLI)
    assert "does not correspond to a subclass of Callback" in capsys.readouterr().err
