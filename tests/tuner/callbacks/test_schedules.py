"""Learning rates from step to step, against rows written by hand."""

from pathlib import Path
from typing import Any, get_args

import pytest
import pytorch_lightning
import torch
from torch.utils.data import DataLoader, IterableDataset

from tests.tuner.training.own_modules import FORMS, SCHEDULED_FORMS, ManualModule, OwnModule
from tests.tuner.training.probes import (
    IN_MEMORY,
    QUIET,
    UNDECAYED,
    StepProbe,
    digits_fit,
    fit_recorded,
    read,
    schedule,
)
from tests.tuner.training.rows import COSINE, ROWS, warmup_of
from tuner.callbacks.groups import UndecayedGroups
from tuner.callbacks.schedules import LearningRateSchedule, Schedule, Shape, schedule_factor
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY

SGD = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1, "weight_decay": 0.5}}


@pytest.mark.parametrize("name", list(ROWS))
def test_factors_are_the_row_written_by_hand(name: str) -> None:
    """Warm-up and shape give each step the factor that the documentation promises."""
    arguments, row = ROWS[name]
    shape = Shape(name, **arguments)
    factors = [schedule_factor(step, 10, shape, warmup_of(name)) for step in range(10)]
    assert factors == pytest.approx(row, abs=1e-6)


def test_cosine_reaches_zero_behind_the_last_step_and_stays() -> None:
    """No step is wasted on a rate of zero, and no rate rises again if training goes on."""
    assert [schedule_factor(step, 10, Shape("cosine"), 0.2) for step in (10, 11, 100)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("total", "fraction", "expected"),
    [
        (4, 0.0, [1.0, 0.853553, 0.5, 0.146447]),
        (3, 0.99, [1 / 3, 2 / 3, 1.0]),  # one step is left to the shape
        (1, 0.5, [1.0]),
    ],
)
def test_the_warmup_may_be_nothing_or_nearly_all(total: int, fraction: float, expected: list[float]) -> None:
    """The full rate is reached in any training, however short."""
    factors = [schedule_factor(step, total, Shape("cosine"), fraction) for step in range(total)]
    assert factors == pytest.approx(expected, abs=1e-6)


def test_every_schedule_that_may_be_named_has_its_shape() -> None:
    """The names that LightningCLI accepts are the shapes that are tested here."""
    assert set(get_args(Schedule)) == set(ROWS)


@pytest.mark.parametrize("batches_a_step", [1, 2])
@pytest.mark.parametrize("name", list(ROWS))
def test_an_optimizer_of_a_configuration_takes_each_step_at_its_factor(
    name: str, batches_a_step: int
) -> None:
    """The rates of a real fit are the row times the base rate, step by step, over two epochs."""
    trainer = {
        "max_epochs": 2,
        "limit_train_batches": 5 * batches_a_step,
        "accumulate_grad_batches": batches_a_step,
        "callbacks": [schedule(schedule=name, warmup_fraction=warmup_of(name), **ROWS[name][0])],
    }
    _, probe = fit_recorded(digits_fit(optimizer=SGD, trainer=trainer))
    assert [rates[0] for rates in probe.rates] == pytest.approx(
        [0.1 * factor for factor in ROWS[name][1]], abs=1e-6
    )


@pytest.mark.parametrize("turned", [False, True])
def test_groups_and_schedule_work_in_any_order(turned: bool) -> None:  # noqa: FBT001 - a case
    """Both groups follow the schedule, whichever of the two callbacks stands first."""
    callbacks = [UNDECAYED, schedule(warmup_fraction=0.2)]
    trainer = {"max_steps": 10, "callbacks": callbacks[::-1] if turned else callbacks}
    _, probe = fit_recorded(digits_fit(optimizer=SGD, trainer=trainer))
    assert probe.decays == [[0.5, 0.0]] * 10
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in COSINE], abs=1e-7)
    assert all(first == second for first, second in probe.rates)


def test_another_fit_starts_at_the_beginning_of_the_schedule() -> None:
    """The optimizer of a configuration outlives a fit, its schedule does not."""
    probe = StepProbe()
    callbacks = [schedule(warmup_fraction=0.2), UNDECAYED]
    cli = read(
        digits_fit(
            optimizer=SGD, trainer={"max_epochs": 2, "limit_train_batches": 5, "callbacks": callbacks}
        ),
        trainer_defaults={"callbacks": [probe]},
    )
    cli.trainer.fit(cli.model, cli.datamodule)
    cli.trainer.fit_loop.epoch_progress.reset()
    cli.trainer.fit_loop.epoch_loop.reset()
    again = pytorch_lightning.Trainer(**QUIET, max_steps=10, callbacks=cli.trainer.callbacks)
    again.fit(cli.model, cli.datamodule)
    rates = [rates[0] for rates in probe.rates]
    assert rates == pytest.approx([0.1 * factor for factor in COSINE] * 2, abs=1e-7)
    assert probe.decays == [[0.5, 0.0]] * 20


def fit_own(
    module: pytorch_lightning.LightningModule,
    *callbacks: pytorch_lightning.Callback,
    ckpt_path: Path | None = None,
    **options: object,
) -> StepProbe:
    """Fit a user's own module, by default for one epoch of ten batches."""
    probe = StepProbe()
    options = QUIET | {"max_epochs": 1} | options
    trainer = pytorch_lightning.Trainer(**options, callbacks=[*callbacks, probe])
    trainer.fit(module, ckpt_path=ckpt_path)
    return probe


@pytest.mark.parametrize("form", list(FORMS))
def test_a_module_keeps_its_own_optimizer_in_any_form(form: str) -> None:
    """Whatever `configure_optimizers` returns, its optimizer follows the schedule."""
    module = OwnModule(FORMS[form])
    probe = fit_own(module, LearningRateSchedule(warmup_fraction=0.2), UndecayedGroups())
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in COSINE], abs=1e-7)
    assert module.calls == 1


def test_several_optimizers_are_scheduled_each() -> None:
    """A module with manual optimization has its optimizers scheduled batch by batch."""
    probe = fit_own(ManualModule(), LearningRateSchedule(warmup_fraction=0.2))
    expected = [0.1 * factor for factor in COSINE for _ in range(2)]
    assert [rates[0] for rates in probe.rates] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("form", list(SCHEDULED_FORMS))
def test_a_module_with_a_scheduler_of_its_own_is_refused(form: str) -> None:
    """Two hands on one learning rate are refused in a sentence that names the module."""
    with pytest.raises(
        IllegalTraining, match=r"^OwnModule gets a learning rate scheduler .* and may have only one"
    ):
        fit_own(OwnModule(SCHEDULED_FORMS[form]), LearningRateSchedule())


def test_two_schedules_are_refused() -> None:
    """The second schedule meets the first."""
    with pytest.raises(IllegalTraining, match="may have only one"):
        fit_own(OwnModule(), LearningRateSchedule(), LearningRateSchedule())


def test_a_module_without_an_optimizer_is_refused() -> None:
    """A schedule without an optimizer is not ignored."""
    with pytest.raises(IllegalTraining, match="returns no optimizer from configure_optimizers"):
        fit_own(OwnModule(lambda _: None), LearningRateSchedule())


class Endless(IterableDataset[tuple[torch.Tensor]]):
    """Data without a length."""

    def __iter__(self) -> Any:
        """Yield rows for ever."""
        while True:
            yield (torch.rand(3),)


class EndlessModule(OwnModule):
    """A module whose training data have no length."""

    def train_dataloader(self) -> DataLoader[tuple[torch.Tensor]]:
        """Batches without end."""
        return DataLoader(Endless(), batch_size=4)


def test_a_training_without_an_end_is_refused() -> None:
    """Without a number of steps there is no schedule, and the sentence says how to give one."""
    with pytest.raises(IllegalTraining, match=r"set trainer\.max_epochs, or trainer\.max_steps"):
        fit_own(OwnModule(), LearningRateSchedule(), max_epochs=-1)
    with pytest.raises(IllegalTraining, match=r"set trainer\.max_epochs, or trainer\.max_steps"):
        fit_own(EndlessModule(), LearningRateSchedule())


def test_a_number_of_steps_is_end_enough() -> None:
    """Data without a length can be scheduled over `max_steps`."""
    probe = fit_own(EndlessModule(), LearningRateSchedule(warmup_fraction=0.2), max_epochs=-1, max_steps=10)
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in COSINE], abs=1e-7)


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_warmup_is_a_share(fraction: float) -> None:
    """A warm-up outside [0, 1) is refused with the rule."""
    with pytest.raises(IllegalTraining, match="0 <= warmup_fraction < 1 must hold"):
        LearningRateSchedule(warmup_fraction=fraction)


@pytest.mark.parametrize("wrong", [{"gamma": 0.0}, {"power": 0.0}, {"end_factor": 1.1}])
def test_a_shape_has_its_ranges(wrong: dict[str, float]) -> None:
    """What shapes a schedule is refused outside its range, with the rule."""
    with pytest.raises(IllegalTraining, match="0 < gamma <= 1, power > 0 and 0 <= end_factor <= 1 must hold"):
        LearningRateSchedule("step", **wrong)


def test_one_cycle_rises_by_itself() -> None:
    """Without a word on the warm-up one-cycle has none, and any other schedule one of 5 %."""
    fractions = [LearningRateSchedule(name).warmup_fraction for name in ("one_cycle", "cosine")]
    assert fractions == [0.0, 0.05]


def test_a_resumed_fit_goes_on_where_the_schedule_was(tmp_path: Path) -> None:
    """A checkpoint after the first of two epochs carries the schedule on to the next five steps."""

    class Save(pytorch_lightning.Callback):
        def on_train_epoch_end(self, trainer: pytorch_lightning.Trainer, *_: object) -> None:
            trainer.save_checkpoint(tmp_path / f"{trainer.current_epoch}.ckpt")

    parts = (LearningRateSchedule(warmup_fraction=0.2), UndecayedGroups())
    two_epochs = {"max_epochs": 2, "limit_train_batches": 5}
    fit_own(OwnModule(), *parts, Save(), **two_epochs)
    probe = fit_own(OwnModule(), *parts, ckpt_path=tmp_path / "0.ckpt", **two_epochs)
    assert [rates[0] for rates in probe.rates] == pytest.approx(
        [0.1 * factor for factor in COSINE[5:]], abs=1e-7
    )
