"""Averaged weights: by the recursion written by hand, validated, kept, and carried over a resumption."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning
import torch
from torch import Tensor
from torch.nn import functional

from tests.tuner.modules.test_choices import STILL, Values, chosen
from tests.tuner.training.own_modules import OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, StepProbe, digits_fit, read
from tuner.callbacks.averaging import WeightAverage
from tuner.callbacks.constraints import ProximalL1
from tuner.errors import IllegalTraining
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import fit

pytestmark = IN_MEMORY

START, HORIZON = 0.5, 0.2
AVERAGED: dict[str, Values] = {
    "swa": {"averaging": "swa", "averaging.start": START},
    "ema": {"averaging": "ema", "averaging.start": START, "averaging.horizon": HORIZON},
}


class Taken(pytorch_lightning.Callback):
    """Copies the weights after each step, and those of each validation."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: object, pl_module: torch.nn.Module, *_: object) -> None:
        """Copy."""
        self.steps.append({name: value.clone() for name, value in pl_module.state_dict().items()})

    def on_validation_batch_end(self, trainer: object, pl_module: torch.nn.Module, *_: object) -> None:
        """Copy."""
        self.validated.append({name: value.clone() for name, value in pl_module.state_dict().items()})


def by_hand(kind: str, steps: list[dict[str, Tensor]], total: int) -> dict[str, Tensor]:
    """Average the weights from the step at the share `START` of all steps on."""
    first = int(START * total)
    decay = 1 - 1 / (HORIZON * total)
    average = {name: value.double() for name, value in steps[first].items()}
    for number, weights in enumerate(steps[first + 1 :], start=2):
        kept = decay if kind == "ema" else (number - 1) / number
        average = {name: kept * value + (1 - kept) * weights[name] for name, value in average.items()}
    return average


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Compare all but counters, which are no weights."""
    for name, value in expected.items():
        if found[name].is_floating_point():
            torch.testing.assert_close(found[name].double(), value.double(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", list(AVERAGED))
def test_the_average_is_the_recursion_by_hand_and_is_what_is_validated(kind: str) -> None:
    """Before the start the weights are validated as they are; from then on, and in the end, their average."""
    taken = Taken()
    cli = read(
        chosen(AVERAGED[kind] | STILL, max_epochs=4, limit_val_batches=1),
        trainer_defaults={"callbacks": [taken]},
    )
    cli.trainer.fit(cli.model, cli.datamodule)
    assert len(taken.steps) == 20
    assert_same(taken.validated[0], taken.steps[4])
    assert_same(taken.validated[1], taken.steps[9])
    assert_same(taken.validated[2], by_hand(kind, taken.steps[:15], 20))
    final = by_hand(kind, taken.steps, 20)
    assert_same(taken.validated[3], final)
    assert_same(cli.model.state_dict(), final)
    x, y = cli.datamodule.parts["val"]
    with torch.inference_mode():
        expected = functional.cross_entropy(cli.model.eval()(x), y).item()
    assert cli.trainer.callback_metrics["val_loss"].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("score", ["best", "last"])
def test_the_weights_that_are_kept_are_the_validated_average(tmp_path: Path, score: str) -> None:
    """A checkpoint of the fit scores what the fit said, whichever validation counts."""
    configuration = chosen(AVERAGED["ema"] | {"optimizer.adamw.lr": 0.1}, max_epochs=6, limit_val_batches=1)
    path = tmp_path / "kept.ckpt"
    result = fit(
        Assignment(configuration, 3, Objective("val_loss", score=score), keep=path), lambda *_: False
    )
    made = read(chosen({}))
    made.model.load_state_dict(torch.load(path)["state_dict"])
    made.datamodule.setup("fit")
    x, y = made.datamodule.parts["val"]
    with torch.inference_mode():
        assert functional.cross_entropy(made.model.eval()(x), y).item() == pytest.approx(
            result.score, abs=1e-5
        )


class Save(pytorch_lightning.Callback):
    """Writes a checkpoint behind each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: pytorch_lightning.Trainer, *_: object) -> None:
        """Write."""
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch}.ckpt")


@pytest.mark.parametrize("kind", list(AVERAGED))
@pytest.mark.parametrize("epoch", [0, 2])  # before the average has begun, and after
def test_a_resumed_fit_ends_as_an_uninterrupted_one(tmp_path: Path, kind: str, epoch: int) -> None:
    """To the last bit, weights and average included."""

    def trainer(*more: Any) -> pytorch_lightning.Trainer:
        average = WeightAverage(kind, start=0.5, horizon=HORIZON)
        return pytorch_lightning.Trainer(**QUIET, max_epochs=4, callbacks=[average, ProximalL1(0.01), *more])

    torch.manual_seed(1)
    whole = OwnModule()
    trainer(Save(tmp_path)).fit(whole)
    torch.manual_seed(1)  # the module draws its data
    again = OwnModule()
    trainer().fit(again, ckpt_path=tmp_path / f"{epoch}.ckpt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_last_step_alone_is_an_average_too() -> None:
    """A late start in a short fit leaves the weights of the last step."""
    probe, taken = StepProbe(), Taken()
    late = {"class_path": "tuner.callbacks.WeightAverage", "init_args": {"start": 0.99}}
    sgd = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}
    cli = read(
        digits_fit(optimizer=sgd, trainer={"max_steps": 3, "callbacks": [late]}),
        trainer_defaults={"callbacks": [probe, taken]},
    )
    cli.trainer.fit(cli.model, cli.datamodule)
    assert_same(cli.model.state_dict(), taken.steps[-1])


@pytest.mark.parametrize(
    ("wrong", "said"), [({"start": 1.0}, "0 <= start < 1"), ({"horizon": 0.0}, "horizon > 0")]
)
def test_an_average_has_its_ranges(wrong: dict[str, float], said: str) -> None:
    """What cannot be a share of the steps is refused with the rule."""
    with pytest.raises(IllegalTraining, match=said):
        WeightAverage(**wrong)


def test_an_average_needs_an_end() -> None:
    """Without a number of steps there is no share of them."""
    with pytest.raises(IllegalTraining, match=r"set trainer\.max_epochs"):
        pytorch_lightning.Trainer(**QUIET, max_epochs=-1, callbacks=[WeightAverage()]).fit(OwnModule())


def test_lightning_still_keeps_the_device_of_the_average_there() -> None:
    """We set this private name of `WeightAveraging`, which else averages on the CPU what trains elsewhere."""
    average = WeightAverage()
    assert average._device is None
    pytorch_lightning.Trainer(**QUIET, max_steps=1, callbacks=[average]).fit(OwnModule())
    assert average._device == torch.device("cpu")
