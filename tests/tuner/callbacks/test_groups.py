"""Weight decay: coupled and decoupled, of weights and of nothing else."""

from typing import Any

import pytest
import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam, AdamW
from torch.optim.lr_scheduler import StepLR

from tests.tuner.training.own_modules import FORMS, SCHEDULED_FORMS, ManualModule, OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET, UNDECAYED, StepProbe, digits_fit, fit_recorded
from tuner.callbacks.groups import (
    NORM_LAYERS,
    UndecayedGroups,
    exempt_from_decay,
    undecayed_groups,
    undecayed_parameters,
)
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY

RATE, DECAY, EPS = 0.01, 0.5, 1e-8


def sgd_step(weight: Tensor, gradient: Tensor, decay: float) -> Tensor:
    """Take one step of SGD with coupled decay, which is L2: it joins the gradient."""
    return weight - RATE * (gradient + decay * weight)


def adam_step(weight: Tensor, gradient: Tensor, decay: float) -> Tensor:
    """Take the first step of Adam (Kingma & Ba 2015, algorithm 1); coupled decay joins the moments."""
    coupled = gradient + decay * weight
    return weight - RATE * coupled / (coupled.abs() + EPS)


def adamw_step(weight: Tensor, gradient: Tensor, decay: float) -> Tensor:
    """Take the first step of AdamW (Loshchilov & Hutter 2019, algorithm 2); its decay does not."""
    return weight * (1 - RATE * decay) - RATE * gradient / (gradient.abs() + EPS)


STEPS = {"SGD": sgd_step, "Adam": adam_step, "AdamW": adamw_step}


def is_decayed(name: str, module: nn.Module) -> bool:
    """Say whether a parameter is a weight of a linear layer."""
    layer, _, own = name.rpartition(".")
    return own == "weight" and isinstance(module.get_submodule(layer), nn.Linear)


def assert_steps(cli: Any, probe: Any, optimizer: str, decays: Any) -> None:
    """Compare every parameter after one step with the formula, to 1e-6."""
    after = {name: parameter.detach().double() for name, parameter in cli.model.named_parameters()}
    expected = {
        name: STEPS[optimizer](probe.before[name], probe.gradients[name], DECAY if decays(name) else 0.0)
        for name in after
    }
    torch.testing.assert_close(after, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("optimizer", list(STEPS))
def test_a_step_decays_weights_by_the_formula_and_norms_and_biases_not_at_all(
    optimizer: str, norm: str
) -> None:
    """One step through a configuration is right to 1e-6 in every parameter."""
    section = {"class_path": f"torch.optim.{optimizer}", "init_args": {"lr": RATE, "weight_decay": DECAY}}
    trainer = {"max_steps": 1, "callbacks": [UNDECAYED]}
    cli, probe = fit_recorded(digits_fit(optimizer=section, model={"norm": norm}, trainer=trainer))
    assert probe.decays == [[DECAY, 0.0]]
    assert_steps(cli, probe, optimizer, lambda name: is_decayed(name, cli.model))


@pytest.mark.parametrize("optimizer", list(STEPS))
def test_without_the_callback_everything_decays(optimizer: str) -> None:
    """LightningCLI's own `optimizer` section decays norms and biases too: the reason for the callback."""
    section = {"class_path": f"torch.optim.{optimizer}", "init_args": {"lr": RATE, "weight_decay": DECAY}}
    cli, probe = fit_recorded(
        digits_fit(optimizer=section, model={"norm": "batch"}, trainer={"max_steps": 1})
    )
    assert_steps(cli, probe, optimizer, lambda _: True)


def fit_own(module: OwnModule, *callbacks: Any) -> StepProbe:
    """Fit a user's own module for one epoch of ten batches."""
    probe = StepProbe()
    trainer = pytorch_lightning.Trainer(**QUIET, max_epochs=1, callbacks=[*callbacks, probe])
    trainer.fit(module)
    return probe


@pytest.mark.parametrize("form", list(FORMS))
def test_a_module_keeps_its_own_optimizer_in_any_form(form: str) -> None:
    """Whatever `configure_optimizers` returns, its optimizer decays the weight and nothing else."""
    module = OwnModule(FORMS[form])
    probe = fit_own(module, UndecayedGroups())
    assert probe.decays == [[0.5, 0.0]] * 10
    groups = module.optimizers(use_pl_optimizer=False).param_groups
    linear, norm = module.network
    assert [parameter.shape for parameter in groups[0]["params"]] == [linear.weight.shape]
    assert {id(parameter) for parameter in groups[1]["params"]} == {
        id(parameter) for parameter in (linear.bias, norm.weight, norm.bias)
    }


def test_every_optimizer_of_a_module_is_divided() -> None:
    """A module with several optimizers gets undecayed groups in each; one of a norm alone decays nothing."""
    probe = fit_own(ManualModule(), UndecayedGroups())
    assert probe.decays == [[0.5, 0.0], [0.0]] * 10


@pytest.mark.parametrize("form", list(SCHEDULED_FORMS))
def test_groups_that_a_scheduler_follows_are_not_divided(form: str) -> None:
    """Torch's schedulers count the groups once, so the fit is refused with both ways out."""
    with pytest.raises(
        IllegalTraining, match=r"which a scheduler already follows; make .* undecayed_groups\(self\)"
    ):
        fit_own(OwnModule(SCHEDULED_FORMS[form]), UndecayedGroups())


def test_groups_divided_before_their_scheduler_are_welcome() -> None:
    """A module that builds the groups itself may schedule them as it likes, callback or not."""

    def own(_: object) -> object:
        optimizer = SGD(undecayed_groups(module), lr=0.1, weight_decay=0.5)
        return [optimizer], [StepLR(optimizer, 1)]

    module = OwnModule(own)
    assert fit_own(module, UndecayedGroups()).decays == [[0.5, 0.0]] * 10


def test_every_norm_layer_of_torch_is_known() -> None:
    """No norm class that torch offers is missing, except the two kinds without parameters."""
    offered = {kind for name, kind in vars(nn).items() if "Norm" in name}
    assert offered - set(NORM_LAYERS) == {nn.LocalResponseNorm, nn.CrossMapLRN2d} & offered


def names_of(module: nn.Module, parameters: list[nn.Parameter]) -> set[str]:
    """Name parameters by their place in a module."""
    chosen = {id(parameter) for parameter in parameters}
    return {name for name, parameter in module.named_parameters() if id(parameter) in chosen}


def test_biases_are_known_by_their_names() -> None:
    """Attention and recurrent layers name their biases in their own ways; a weight is never taken for one."""
    module = nn.ModuleDict({"attend": nn.MultiheadAttention(4, 2), "recur": nn.GRU(4, 4)})
    assert names_of(module, undecayed_parameters(module)) == {
        "attend.in_proj_bias",
        "attend.out_proj.bias",
        "recur.bias_ih_l0",
        "recur.bias_hh_l0",
    }


def test_embeddings_decay_unless_asked() -> None:
    """The table of an embedding is a weight like any other, until `embeddings` says otherwise."""
    module = nn.ModuleDict({"words": nn.Embedding(3, 2), "bags": nn.EmbeddingBag(3, 2)})
    assert undecayed_parameters(module) == []
    assert names_of(module, undecayed_parameters(module, embeddings=True)) == {"words.weight", "bags.weight"}


def test_a_callback_can_leave_embeddings_undecayed() -> None:
    """`embeddings` of the callback reaches the groups."""

    def decays(embeddings: bool) -> list[float]:  # noqa: FBT001 - a case
        module = OwnModule()
        module.words = nn.Embedding(3, 2)
        return [
            group["weight_decay"]
            for group in fit_and_return(module, UndecayedGroups(embeddings=embeddings))
            if any(parameter is module.words.weight for parameter in group["params"])
        ]

    assert (decays(embeddings=False), decays(embeddings=True)) == ([0.5], [0.0])


def fit_and_return(module: OwnModule, callback: UndecayedGroups) -> list[dict[str, Any]]:
    """Fit a module and return the groups of its optimizer."""
    fit_own(module, callback)
    groups: list[dict[str, Any]] = module.optimizers(use_pl_optimizer=False).param_groups
    return groups


def test_a_new_group_keeps_every_other_option() -> None:
    """Only the decay differs between a group and what was taken out of it; other groups are left alone."""
    first, second, third = nn.Linear(3, 2), nn.Linear(2, 2), nn.Linear(2, 1)
    optimizer = AdamW(
        [
            {"params": first.parameters(), "lr": 0.3, "betas": (0.5, 0.6), "eps": 1e-4},
            {"params": second.parameters(), "weight_decay": 0.0},
            {"params": [third.bias]},
        ],
        weight_decay=0.5,
    )
    whole = nn.Sequential(first, second, third)
    exempt_from_decay(optimizer, undecayed_parameters(whole))
    shown = [(g["params"], g["lr"], g["betas"], g["eps"], g["weight_decay"]) for g in optimizer.param_groups]
    assert [(row[1:], [tuple(p.shape) for p in row[0]]) for row in shown] == [
        ((0.3, (0.5, 0.6), 1e-4, 0.5), [(2, 3)]),
        ((0.001, (0.9, 0.999), 1e-8, 0.0), [(2, 2), (2,)]),
        ((0.001, (0.9, 0.999), 1e-8, 0.0), [(1,)]),
        ((0.3, (0.5, 0.6), 1e-4, 0.0), [(2,)]),
    ]
    before = [dict(group) for group in optimizer.param_groups]
    exempt_from_decay(optimizer, undecayed_parameters(whole))
    assert [dict(group) for group in optimizer.param_groups] == before


def test_named_parameters_keep_their_names() -> None:
    """An optimizer made with names keeps each beside its parameter."""
    module = nn.Linear(3, 2)
    optimizer = Adam(module.named_parameters(), weight_decay=0.5)
    exempt_from_decay(optimizer, undecayed_parameters(module))
    assert [group["param_names"] for group in optimizer.param_groups] == [["weight"], ["bias"]]


def test_an_optimizer_without_decay_is_left_alone() -> None:
    """LBFGS takes one group only and knows no decay, so nothing is divided."""
    module = nn.Linear(3, 2)
    optimizer = LBFGS(module.parameters())
    exempt_from_decay(optimizer, undecayed_parameters(module))
    assert len(optimizer.param_groups) == 1


def test_undecayed_groups_cover_every_parameter_once() -> None:
    """The two groups divide the parameters; a module of norms alone has but one."""
    module = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
    decayed, exempt = undecayed_groups(module)
    assert (len(decayed["params"]), len(exempt["params"])) == (1, 3)
    assert "weight_decay" not in decayed
    assert exempt["weight_decay"] == 0.0
    assert len(undecayed_groups(nn.LayerNorm(2))) == 1
