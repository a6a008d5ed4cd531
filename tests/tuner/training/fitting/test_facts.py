"""Training facts: what they measure, that they change nothing, and that a resumed fit has the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from tests.tuner.training.fitting.watched_modules import (
    Closure,
    Compiled,
    Complex,
    Half,
    Manual,
    Odd,
    Shared,
    Sparse,
    Unlearnt,
)
from tests.tuner.training.own_modules import ManualModule, OwnModule, OwnTwinModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, digits_fit
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.facts import count_spikes, facts_class, watches
from tuner.training.fitting.fit import Ending, fit

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
        fit(Assignment(configuration, 1, Objective("val_loss"), facts=facts), lambda *_: False)
        for facts in (True, False)
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
    result = fit(Assignment(configuration, 1, Objective("val_loss")), lambda *_: False)
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


def trained(make: type[Odd], *callbacks: Any, **options: Any) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Train a module for two epochs from one seed; give its weights, and the next random number."""
    pytorch_lightning.seed_everything(3, verbose=False)
    module = make()
    chosen = {"max_epochs": 2, **options, "callbacks": list(callbacks)}
    pytorch_lightning.Trainer(**QUIET, **chosen).fit(module)
    return [weight.detach().clone() for weight in module.parameters() if not is_lazy(weight)], torch.rand(1)


ODD = [Odd, Sparse, Unlearnt, Complex, Half, Shared, Closure, Manual, Compiled]


@pytest.mark.parametrize("make", ODD)
def test_watching_changes_no_bit_of_odd_trainings(make: type[Odd]) -> None:
    """With and without facts the weights are equal to the last bit, and so is the randomness behind them."""
    watch = facts_class(PACKAGE)()
    watched_weights, after = trained(make, watch)
    weights, expected = trained(make)
    assert all(torch.equal(one, other) for one, other in zip(watched_weights, weights, strict=True))
    assert torch.equal(after, expected)
    assert watch.missing == {}
    found = watch.facts({}, "val_loss")
    assert found["weight_norm"] > 0
    assert ("update_ratio" in found) == (make is not Manual)


def test_facts_of_a_sparse_gradient_are_those_of_the_dense_one() -> None:
    """How a gradient is stored does not change its length."""

    class Dense(Sparse):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(4)
            self.table = nn.Embedding(50, 4)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.table.parameters(), lr=0.01)

    class SparseSgd(Sparse):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(4)
            self.table = nn.Embedding(50, 4, sparse=True)

        configure_optimizers = Dense.configure_optimizers

    facts = []
    for make in (Dense, SparseSgd):
        watch = facts_class(PACKAGE)()
        trained(make, watch)
        facts.append(watch.facts({}, "val_loss"))
    assert facts[0] == pytest.approx(facts[1], rel=1e-5)


def test_an_instrument_that_fails_ends_no_training() -> None:
    """Whatever a watching hook raises is noted in the facts, and the weights are those of no watching."""

    class Broken(facts_class(PACKAGE)):  # type: ignore[misc] # made at run time
        @watches("gradients")
        def on_before_optimizer_step(self, *_: Any) -> None:
            raise ArithmeticError("of a kind that nobody foresaw")

    watch = Broken()
    weights, after = trained(Odd, watch)
    expected, before = trained(Odd)
    assert all(torch.equal(one, other) for one, other in zip(weights, expected, strict=True))
    assert torch.equal(after, before)
    told = watch.told({}, "val_loss")
    assert told["facts_missing"] == {"gradients": "ArithmeticError: of a kind that nobody foresaw"}
    assert set(told["facts"]) == {"loss_spikes", "loss_fall", "weight_norm"}


def test_an_accumulation_that_changes_does_not_disturb_the_facts() -> None:
    """Lightning refuses to estimate the steps of such a training, which facts do not need."""
    watch = facts_class(PACKAGE)()
    trained(Odd, watch, pytorch_lightning.callbacks.GradientAccumulationScheduler({0: 2, 1: 1}))
    assert watch.missing == {}
    assert "update_ratio" in watch.facts({}, "val_loss")


def test_long_trainings_take_no_memory_for_their_spikes() -> None:
    """Counted in blocks, spikes are the same as counted at once."""
    losses = np.random.default_rng(0).standard_normal(1000).cumsum()
    expected = count_spikes(losses)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tuner.training.fitting.facts.BLOCK", 7)
        assert count_spikes(losses) == expected > 0
