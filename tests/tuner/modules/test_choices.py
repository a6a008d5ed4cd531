"""Every choice of the cocktail, made in a study file, does what it says."""

from math import log
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.configuration import configure
from search_spaces.space.nodes import Value
from search_spaces.space.parameters import default_values
from studies.definition.study_file import parse_study_file
from tests.tuner.training.probes import IN_MEMORY, fit_recorded, read
from tests.tuner.training.rows import ROWS, warmup_of
from tuner.modules.layers import Residual
from tuner.preparation.prepare import prepare
from tuner.preparation.rehearsing import rehearse_branches

pytestmark = IN_MEMORY

STUDY = """
study: {{name: choices, metric: val_loss}}
trainer: {{max_epochs: 2, limit_train_batches: 5, limit_val_batches: 0}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: [16, 16]}}}}
data: {{class_path: tuner.data.Digits}}
space: {space}
"""
STILL = {"schedule": "constant", "schedule.warmup_fraction": 0.0}
STEPS = 5  # of an epoch
Values = dict[str, Value]


def chosen(values: Values, space: str = "{use: recipe.cocktail}", **trainer: Any) -> dict[str, Any]:
    """Write the configuration of a trial: these values, and the defaults of every other choice."""
    definition = prepare(parse_study_file(STUDY.format(space=space), source="choices.yaml"))
    configuration = configure(definition.fixed, definition.space, default_values(definition.space, values))
    return configuration | {"trainer": configuration["trainer"] | trainer}


def plain_sgd(lr: float) -> Values:
    """Choose SGD without momentum or decay, at a constant rate."""
    rate: Values = {"optimizer.sgd.lr_effective": lr, "optimizer.sgd.one_minus_momentum": 1.0}
    return {"optimizer": "sgd", **rate, "optimizer.sgd.weight_decay": "none", **STILL}


def weights_of(module: nn.Module) -> list[Tensor]:
    """List the weights of the linear layers."""
    return [layer.weight.detach() for layer in module.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize("batches_a_step", [1, 2])
@pytest.mark.parametrize("optimizer", ["adamw", "nadamw"])
def test_a_decay_is_one_over_timescale_rate_and_steps(optimizer: str, batches_a_step: int) -> None:
    """Whatever the rate, each weight shrinks by 1 / (timescale * steps per epoch), norms and biases not."""
    steps = -(-STEPS // batches_a_step)
    values: Values = {
        "optimizer": optimizer,
        f"optimizer.{optimizer}.lr": 0.02,
        f"optimizer.{optimizer}.weight_decay.timescale": 2.0,
        **STILL,
    }
    _, probe = fit_recorded(chosen(values, accumulate_grad_batches=batches_a_step))
    assert probe.decays == [[pytest.approx(1 / (2.0 * 0.02 * steps)), 0.0]] * (2 * steps)


def test_no_decay_turns_weights_around() -> None:
    """A timescale below a step takes all of a weight and no more."""
    values: Values = {"optimizer.adamw.lr": 0.02, "optimizer.adamw.weight_decay.timescale": 0.3, **STILL}
    _, probe = fit_recorded(chosen(values, limit_train_batches=2))
    assert probe.decays[0][0] == pytest.approx(1 / 0.02)


def test_a_step_of_nadamw_is_the_published_one_with_decoupled_decay() -> None:
    """Dozat's first step (2016, with torch's momentum schedule) beside a shrunk weight, right to 1e-6."""
    lr, beta, eps = 0.01, 0.9, 1e-8
    values: Values = {
        "optimizer": "nadamw",
        "optimizer.nadamw.lr": lr,
        "optimizer.nadamw.weight_decay.timescale": 2.0,
        **STILL,
    }
    cli, probe = fit_recorded(chosen(values, max_steps=1))
    first, second = (beta * (1 - 0.5 * 0.96 ** (step * 0.004)) for step in (1, 2))
    for name, after in cli.model.named_parameters():
        gradient, before = probe.gradients[name], probe.before[name]
        is_weight = (
            isinstance(cli.model.get_submodule(name.rpartition(".")[0]), nn.Linear) and "bias" not in name
        )
        shrunk = before * (1 - 1 / (2.0 * STEPS)) if is_weight else before
        scale = lr / (gradient.abs() + eps)
        moved = scale * gradient + scale * second * (1 - beta) * gradient / (1 - first * second)
        torch.testing.assert_close(after.detach().double(), shrunk - moved, atol=1e-6, rtol=0)


def test_l1_leaves_exact_zeros() -> None:
    """With L1 most weights of a short fit are exactly zero and no bias is held there; without, none is."""
    values: Values = {"norm": "none", "optimizer.adamw.weight_decay": "none", "optimizer.adamw.lr": 0.01}
    zeros = {}
    for l1 in ("on", "none"):
        cli, _ = fit_recorded(chosen({**values, "l1": l1, "l1.strength": 1e-2}, limit_train_batches=17))
        zeros[l1] = [float((weight == 0).double().mean()) for weight in weights_of(cli.model)]
        assert cli.model.network[-1].bias.all()
    assert min(zeros["on"]) > 0.2
    assert zeros["none"] == [0.0, 0.0, 0.0]


def test_max_norm_bounds_the_weights_of_every_unit() -> None:
    """However large the steps, no unit's incoming weights are longer than the limit; without it they are."""
    longest = {}
    for max_norm in ("on", "none"):
        values = plain_sgd(5.0) | {"dropout": "on", "max_norm": max_norm, "max_norm.limit": 1.5}
        cli, _ = fit_recorded(chosen(values))
        longest[max_norm] = max(float(weight.norm(dim=1).max()) for weight in weights_of(cli.model))
    assert longest["on"] == pytest.approx(1.5, abs=1e-5)
    assert longest["none"] > 2


@pytest.mark.parametrize(
    ("placement", "order"), [("pre", [nn.LayerNorm, nn.ReLU]), ("post", [nn.ReLU, nn.LayerNorm])]
)
def test_layer_norm_stands_where_it_is_placed(placement: str, order: list[type]) -> None:
    """The third norm is a norm over features, before or behind the activation."""
    network = read(chosen({"norm": "layer", "norm.placement": placement})).model.network
    assert [type(layer) for layer in network] == [nn.Linear, *order, nn.Linear, *order, nn.Linear]


def test_dropout_of_the_input_stands_in_front() -> None:
    """The input has a rate of its own; zero means that there is no such layer."""
    for share in (0.2, 0.0):
        first = read(chosen({"dropout": "on", "dropout.input": share})).model.network[0]
        assert (first.p if isinstance(first, nn.Dropout) else 0.0) == share


@pytest.mark.parametrize("name", list(ROWS))
def test_a_schedule_gives_each_step_the_factor_of_its_row(name: str) -> None:
    """The rates of a fit are the rate of the optimizer times the row written by hand."""
    arguments, row = ROWS[name]
    values: Values = {"schedule": name, **{f"schedule.{key}": value for key, value in arguments.items()}}
    values |= {"optimizer.adamw.lr": 0.1, "schedule.warmup_fraction": warmup_of(name)}
    space = "{use: recipe.cocktail, replace: {schedule.warmup_fraction: {choices: [0.0, 0.2]}}}"
    _, probe = fit_recorded(chosen(values, space))
    assert [rates[0] for rates in probe.rates] == pytest.approx([0.1 * factor for factor in row], abs=1e-6)


def test_smoothed_labels_are_mixed_with_the_uniform_ones() -> None:
    """The training loss is (1 - rate) of cross-entropy and rate of that to the uniform distribution."""
    made = read(chosen({"label_smoothing": "on", "label_smoothing.rate": 0.25}))
    made.model.eval()
    x, y = torch.rand(8, 64), torch.arange(8)
    logs = functional.log_softmax(made.model(x).detach(), dim=1)
    plain = -logs[torch.arange(8), y].mean()
    assert made.model.training_step((x, y), 0).item() == pytest.approx(
        float(0.75 * plain - 0.25 * logs.mean()), abs=1e-6
    )
    assert float(made.model.epoch_losses[-1]) == pytest.approx(float(plain), abs=1e-6)


def test_mixup_mixes_samples_and_targets_alike() -> None:
    """Both are share * one + (1 - share) * another, the share drawn from Beta(alpha, alpha)."""
    model = read(chosen({"augment": "mixup", "augment.mixup.alpha": 0.7})).model
    x, y = torch.rand(16, 64), torch.arange(16) % 10
    torch.manual_seed(3)
    mixed, targets = model.augmentation(x, y, 10)
    torch.manual_seed(3)
    share = torch.distributions.Beta(0.7, 0.7).sample()
    partners = torch.randperm(16)
    one_hot = functional.one_hot(y, 10).float()
    torch.testing.assert_close(mixed, share * x + (1 - share) * x[partners])
    torch.testing.assert_close(targets, share * one_hot + (1 - share) * one_hot[partners])
    assert read(chosen({"augment": "none"})).model.augmentation(x, y, 10)[1] is y


def test_the_gradient_is_clipped_to_its_norm() -> None:
    """A step of plain SGD is as long as lr times the bound where the gradient is longer."""
    cli, probe = fit_recorded(
        chosen(plain_sgd(0.5) | {"grad_clip": "on", "grad_clip.norm": 0.1}, max_steps=1)
    )
    changes = [after.detach() - probe.before[name] for name, after in cli.model.named_parameters()]
    assert torch.nn.utils.get_total_norm(list(probe.gradients.values())) > 0.1
    assert float(torch.nn.utils.get_total_norm(changes)) == pytest.approx(0.05, rel=1e-4)


def test_without_clipping_nothing_is_clipped() -> None:
    """The branch `none` leaves the trainer without a bound."""
    assert read(chosen({})).trainer.gradient_clip_val is None


def test_a_shortcut_leads_around_each_block_that_keeps_the_width() -> None:
    """The first block changes the width and has none; the second is left out with the chosen probability."""
    network = read(chosen({"skip": "on", "drop_path": 0.3})).model.network
    residuals = [layer for layer in network if isinstance(layer, Residual)]
    assert [residual.drop_path for residual in residuals] == [0.3]
    assert [type(layer) for layer in residuals[0].branch] == [nn.Linear, nn.BatchNorm1d, nn.ReLU]
    assert not any(isinstance(layer, Residual) for layer in read(chosen({})).model.modules())


def test_what_is_only_searched_when_asked_for_arrives_too() -> None:
    """The wide recipe decides the batch, the activation function, beta2 and eps."""
    values: Values = {
        "batch_size": 128,
        "activation": "gelu",
        "optimizer.adamw.one_minus_beta2": 0.05,
        "optimizer.adamw.eps": 1e-6,
    }
    configuration = chosen(values, "{use: recipe.wide}")
    made = read(configuration)
    assert made.datamodule.batch_size == 128
    assert any(isinstance(layer, nn.GELU) for layer in made.model.modules())
    assert configuration["optimizer"]["init_args"]["betas"] == pytest.approx([0.9, 0.95])
    assert configuration["optimizer"]["init_args"]["eps"] == 1e-6


def test_absent_choices_add_no_callback() -> None:
    """What is off costs nothing: the defaults add the groups, the decay and the schedule."""
    names = [callback["class_path"].rpartition(".")[2] for callback in chosen({})["trainer"]["callbacks"]]
    assert names == ["UndecayedGroups", "DecayTimescale", "LearningRateSchedule"]


def test_the_epochs_of_the_study_decide_the_timescales() -> None:
    """A third of the training is the default, thirty times its length the longest."""
    definition = prepare(parse_study_file(STUDY.format(space="{use: model}"), source="choices.yaml"))
    node = next(
        inside.children["weight_decay.timescale"]
        for inside in [definition.space.children["optimizer"].branches["adamw"]]
    )
    assert (node.high, node.default) == (60.0, pytest.approx(2 / 3))
    assert log(node.prior.centre) == pytest.approx(log(2) / 2)


def test_every_branch_of_the_cocktail_trains() -> None:
    """A batch of each branch and value of each choice, beside the defaults of the rest, makes no error."""
    validated = STUDY.replace("limit_val_batches: 0", "limit_val_batches: 1")
    definition = prepare(parse_study_file(validated.format(space="{use: model}"), source="choices.yaml"))
    rehearsals = list(rehearse_branches(definition))
    assert {(row.choice, row.branch): row.cause for row in rehearsals if row.cause} == {}
    assert len(rehearsals) > 50
