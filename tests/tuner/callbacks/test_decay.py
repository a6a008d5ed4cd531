"""What a decay by its timescale refuses and leaves alone; what it sets is tested with the choices."""

import pytest
import pytorch_lightning
from torch.optim import SGD

from tests.tuner.callbacks.test_schedules import EndlessModule
from tests.tuner.training.own_modules import OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, StepProbe
from tuner.callbacks.decay import DecayTimescale
from tuner.callbacks.groups import undecayed_groups
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY


def test_a_timescale_is_positive() -> None:
    """Zero epochs are refused with the rule."""
    with pytest.raises(IllegalTraining, match="timescale > 0 must hold"):
        DecayTimescale(0.0)


def test_an_epoch_without_a_length_has_no_timescale() -> None:
    """Where steps cannot be counted, the sentence names both ways out."""
    trainer = pytorch_lightning.Trainer(**QUIET, max_steps=3, callbacks=[DecayTimescale(1.0)])
    with pytest.raises(IllegalTraining, match=r"set trainer\.limit_train_batches, or take .* by its rate"):
        trainer.fit(EndlessModule())


def test_groups_that_a_module_leaves_undecayed_stay_so() -> None:
    """Only the group that decays gets the decay of the timescale."""
    module, probe = OwnModule(), StepProbe()
    module.form = lambda _: SGD(undecayed_groups(module), lr=0.1, weight_decay=0.5)
    pytorch_lightning.Trainer(**QUIET, max_steps=1, callbacks=[DecayTimescale(2.0), probe]).fit(module)
    assert probe.decays == [[pytest.approx(1 / (2.0 * 10 * 0.1)), 0.0]]
