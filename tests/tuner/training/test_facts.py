"""Training facts: what they measure, that they change nothing, and that a resumed fit has the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning
import torch

from tests.tuner.training.own_modules import ManualModule, OwnModule, OwnTwinModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, digits_fit
from tuner.training.facts import count_spikes, facts_class
from tuner.training.fit import Ending, fit
from tuner.training.task import Task

pytestmark = IN_MEMORY

PACKAGE = "pytorch_lightning"


class Quadratic(pytorch_lightning.LightningModule):
    """The loss w^2 / 2 of ten weights from 1 on: the gradient is w, and every number is known."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.weight = torch.nn.Parameter(torch.ones(10))

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Return the loss."""
        return self.weight.square().sum() / 2

    def train_dataloader(self) -> Any:
        """Give 24 batches."""
        return torch.utils.data.DataLoader(torch.zeros(24), batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose plain SGD."""
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def watched(module: Any, **trainer: Any) -> dict[str, float]:
    """Fit a module for an epoch and give its facts."""
    watch = facts_class(PACKAGE)()
    made = pytorch_lightning.Trainer(**QUIET, **({"max_epochs": 1} | trainer), callbacks=[watch])
    made.fit(module)
    found: dict[str, float] = watch.facts(made.callback_metrics, "val_loss")
    return found


@pytest.mark.parametrize(("lr", "overshoot"), [(0.1, -1.0), (1.5, 1.0)])
def test_the_facts_of_a_quadratic_are_known(lr: float, overshoot: float) -> None:
    """Each step multiplies w by 1 - lr: below 1 it falls short of the bottom, above it goes past."""
    facts = watched(Quadratic(lr))
    length = 10**0.5
    assert facts["overshoot"] == pytest.approx(overshoot, abs=1e-5)
    assert facts["update_ratio"] == pytest.approx(lr, rel=1e-4)
    assert facts["weight_norm"] == pytest.approx(length * abs(1 - lr) ** 24, rel=1e-3)
    # Eight pairs begin at steps 0, 3, ..., 21.
    norms = [length * abs(1 - lr) ** step for step in range(0, 24, 3)]
    assert facts["gradient_norm"] == pytest.approx(float(np.median(norms)), rel=1e-3)
    both = 1 - lr
    assert facts["gradient_noise"] == pytest.approx(min(1 - 2 * both / (1 + both**2), 1), abs=1e-5)
    assert facts["loss_spikes"] == 0
    losses = np.array([5 * (1 - lr) ** (2 * step) for step in range(24)])
    assert facts["loss_fall"] == pytest.approx(1 - losses[-4:].mean() / losses[-8:-4].mean(), rel=1e-3)
    assert "gap" not in facts


def test_a_loss_that_stands_out_is_a_spike() -> None:
    """Noise is none, a jump is one for each of its steps, and a loss that is no number is one."""
    calm = 1 + 0.1 * np.random.default_rng(0).standard_normal(200)
    assert count_spikes(calm) == 0
    jumping = calm.copy()
    jumping[[50, 120]] = 5.0
    assert count_spikes(jumping) == 2
    jumping[150] = np.nan
    assert count_spikes(jumping) == 3
    assert count_spikes(np.array([1.0, np.inf])) == 1
    assert count_spikes(np.concatenate([calm, calm / 1e4, [1e-3]])) == 0


ADAMW = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}


def test_a_fit_has_the_same_scores_with_and_without_facts() -> None:
    """Watching changes nothing; the gap is validation minus training of the last epoch."""
    configuration = digits_fit(optimizer=ADAMW, trainer={"max_epochs": 2, "limit_val_batches": 1})
    with_facts, without = (
        fit(Task(configuration, 1, "val_loss", facts=facts), lambda *_: False) for facts in (True, False)
    )
    assert with_facts.scores == without.scores
    assert "facts" not in without.facts
    assert set(with_facts.facts["facts"]) == {
        "gradient_norm", "gradient_noise", "update_ratio", "overshoot", "loss_spikes", "loss_fall",
        "weight_norm", "gap",
    }  # fmt: skip
    assert all(type(value) is float for value in with_facts.facts["facts"].values())


def test_a_fit_that_diverged_has_facts_too() -> None:
    """What was seen before the end is kept, as numbers only."""
    exploding = {"class_path": "torch.optim.SGD", "init_args": {"lr": 1e30}}
    configuration = digits_fit(optimizer=exploding, trainer={"limit_val_batches": 1})
    result = fit(Task(configuration, 1, "val_loss"), lambda *_: False)
    assert result.ending is Ending.DIVERGED
    assert "loss_spikes" in result.facts["facts"]
    assert all(np.isfinite(value) for value in result.facts["facts"].values())


def test_a_module_that_steps_by_itself_is_watched_as_far_as_it_goes() -> None:
    """Several optimizers have no one update; the weights are there all the same."""
    facts = watched(ManualModule())
    assert set(facts) == {"loss_spikes", "weight_norm"}


def test_the_other_lightning_is_watched_too() -> None:
    """The callback exists for either package."""
    import lightning.pytorch

    watch = facts_class("lightning.pytorch")()
    lightning.pytorch.Trainer(**QUIET, max_epochs=1, callbacks=[watch]).fit(OwnTwinModule())
    assert watch.facts({}, "val_loss")["update_ratio"] > 0


def test_a_resumed_fit_has_the_facts_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """A checkpoint between two epochs carries what was seen."""

    class Save(pytorch_lightning.Callback):
        def on_train_epoch_end(self, trainer: pytorch_lightning.Trainer, *_: object) -> None:
            if trainer.current_epoch == 0:
                watch.read()
                trainer.save_checkpoint(tmp_path / "0.ckpt")

    torch.manual_seed(1)
    whole, watch = OwnModule(), facts_class(PACKAGE)()
    two = {"max_epochs": 2}
    pytorch_lightning.Trainer(**QUIET, **two, callbacks=[watch, Save()]).fit(whole)
    torch.manual_seed(1)  # the module draws its data
    again, resumed = OwnModule(), facts_class(PACKAGE)()
    pytorch_lightning.Trainer(**QUIET, **two, callbacks=[resumed]).fit(again, ckpt_path=tmp_path / "0.ckpt")
    assert resumed.facts({}, "val_loss") == watch.facts({}, "val_loss")
