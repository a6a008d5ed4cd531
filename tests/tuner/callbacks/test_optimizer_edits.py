"""A module's configure_optimizers is changed for the time of a fit only."""

import pytest
import pytorch_lightning
import torch

from tests.tuner.training.own_modules import OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, UNDECAYED, digits_fit, read, schedule
from tuner.callbacks.groups import UndecayedGroups
from tuner.callbacks.optimizer_edits import read_configured
from tuner.callbacks.schedules import LearningRateSchedule
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY


def trainer() -> pytorch_lightning.Trainer:
    """Make a trainer with both callbacks."""
    callbacks = [LearningRateSchedule(), UndecayedGroups()]
    return pytorch_lightning.Trainer(**QUIET, max_steps=2, callbacks=callbacks)


def test_a_module_has_its_own_method_back_after_a_fit() -> None:
    """Nothing is left on the instance of a user's module."""
    module = OwnModule()
    trainer().fit(module)
    assert "configure_optimizers" not in vars(module)


def test_a_configuration_has_its_method_back_after_a_fit() -> None:
    """What LightningCLI assigned on the instance is assigned again."""
    sgd = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}
    cli = read(digits_fit(optimizer=sgd, trainer={"max_steps": 2, "callbacks": [schedule(), UNDECAYED]}))
    assigned = cli.model.configure_optimizers
    cli.trainer.fit(cli.model, cli.datamodule)
    assert vars(cli.model)["configure_optimizers"] is assigned


def test_a_module_has_its_own_method_back_after_a_fit_that_failed() -> None:
    """An error in training leaves nothing on the instance either."""
    module = OwnModule()

    def fail(*_: object) -> torch.Tensor:
        raise ZeroDivisionError

    module.training_step = fail
    with pytest.raises(ZeroDivisionError):
        trainer().fit(module)
    assert "configure_optimizers" not in vars(module)


def test_an_unknown_form_is_refused() -> None:
    """What is no optimizer is refused with what was given, and never passed over."""
    with pytest.raises(IllegalTraining, match="configure_optimizers returned 'adam', which is no form"):
        read_configured("adam")
    with pytest.raises(IllegalTraining, match="a dictionary with the key optimizer"):
        read_configured({"optimiser": None})
