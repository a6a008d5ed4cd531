"""From values to a configuration: each choice writes exactly its keys."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from search_spaces.catalogue.initialization import norm_and_initialization
from search_spaces.catalogue.normalization import norm
from search_spaces.catalogue.optimizers import optimizer
from search_spaces.catalogue.recipes import quick
from search_spaces.catalogue.regularizers import dropout
from search_spaces.catalogue.schedules import cosine_with_warmup
from search_spaces.configuration import configure, unreachable
from search_spaces.errors import IllegalSpace
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Value
from search_spaces.space.parameters import default_values
from tests.search_spaces.strategies import spaces, suggestions

UNDECAYED = {"class_path": "tuner.callbacks.UndecayedGroups", "init_args": {}}


def _optimizer(values: Mapping[str, Any]) -> Any:
    full = default_values(optimizer(), values)
    configuration = configure({}, optimizer(), full)
    assert configuration.pop("trainer") == {"callbacks": [UNDECAYED]}
    assert configuration.keys() == {"optimizer"}
    return configuration["optimizer"]


def test_sgd_is_searched_by_its_effective_rate() -> None:
    """Lr is lr_effective * one_minus_momentum, momentum its complement, and neither searched name is left."""
    section = _optimizer(
        {
            "optimizer": "sgd",
            "optimizer.sgd.lr_effective": 2.0,
            "optimizer.sgd.one_minus_momentum": 0.25,
            "optimizer.sgd.nesterov": True,
            "optimizer.sgd.weight_decay": "on",
            "optimizer.sgd.weight_decay.rate": 1e-3,
        }
    )
    arguments = {"lr": 0.5, "momentum": 0.75, "nesterov": True, "weight_decay": 1e-3}
    assert section == {"class_path": "torch.optim.SGD", "init_args": arguments}


def test_sgd_without_momentum_is_never_nesterov() -> None:
    """At momentum 0 the two are one method, and torch refuses Nesterov's."""
    values = {"optimizer": "sgd", "optimizer.sgd.one_minus_momentum": 1.0, "optimizer.sgd.nesterov": True}
    arguments = _optimizer(values)["init_args"]
    assert (arguments["momentum"], arguments["nesterov"]) == (0.0, False)


@pytest.mark.parametrize(("name", "cls"), [("adam", "torch.optim.Adam"), ("adamw", "torch.optim.AdamW")])
def test_adam_gets_its_betas(name: str, cls: str) -> None:
    """Betas are the complements of what is searched, the second torch's own 0.999; decay off is exactly 0."""
    section = _optimizer(
        {
            "optimizer": name,
            f"optimizer.{name}.lr": 1e-2,
            f"optimizer.{name}.one_minus_beta1": 0.25,
            f"optimizer.{name}.weight_decay": "none",
        }
    )
    arguments = {"lr": 1e-2, "betas": [0.75, 0.999], "weight_decay": 0.0}
    assert section == {"class_path": cls, "init_args": arguments}


def test_rmsprop_has_a_rate_and_a_decay() -> None:
    """RMSprop gets what is searched of it and nothing else."""
    values = {
        "optimizer": "rmsprop",
        "optimizer.rmsprop.lr": 1e-2,
        "optimizer.rmsprop.weight_decay.rate": 1e-5,
    }
    arguments = {"lr": 1e-2, "weight_decay": 1e-5}
    assert _optimizer(values) == {"class_path": "torch.optim.RMSprop", "init_args": arguments}


@pytest.mark.parametrize(
    ("space", "values", "arguments"),
    [
        (dropout(), {"dropout": "none"}, {"dropout": 0.0, "dropout_input": 0.0}),
        (
            dropout(),
            {"dropout": "on", "dropout.rate": 0.5, "dropout.placement": "each", "dropout.input": 0.1},
            {"dropout": 0.5, "dropout_placement": "each", "dropout_input": 0.1},
        ),
        (norm(), {"norm": "none"}, {"norm": "none"}),
        (norm(), {"norm": "batch", "norm.placement": "post"}, {"norm": "batch", "norm_placement": "post"}),
        (
            norm_and_initialization(),
            {"norm": "none", "init.scheme": "xavier", "init.gain": 0.5},
            {"norm": "none", "init_scheme": "xavier", "init_gain": 0.5},
        ),
        (
            norm_and_initialization(),
            {"norm": "batch", "norm.placement": "pre", "init.scheme": "orthogonal"},
            {"norm": "batch", "norm_placement": "pre", "init_scheme": "orthogonal"},
        ),
    ],
)
def test_a_choice_of_the_model_writes_its_arguments(
    space: Group, values: dict[str, Value], arguments: dict[str, Value]
) -> None:
    """Off and on write these arguments of the model, beside the user's own."""
    base = {"model": {"class_path": "m.M", "init_args": {"hidden": [128]}}}
    assert configure(base, space, values) == {
        "model": {"class_path": "m.M", "init_args": {"hidden": [128], **arguments}}
    }


def test_callbacks_follow_the_users_own() -> None:
    """Named callbacks end the trainer's list, after what stands there, and their section is gone."""
    mine = {"class_path": "m.Mine"}
    schedule = {
        "class_path": "tuner.callbacks.LearningRateSchedule",
        "init_args": {"schedule": "cosine", "warmup_fraction": 0.05},
    }
    for given_callbacks, kept in [([mine], [mine]), (mine, [mine]), (None, []), ([], [])]:
        base = {"trainer": {"max_epochs": 3, "callbacks": given_callbacks}}
        configuration = configure(base, cosine_with_warmup(), {})
        assert configuration == {"trainer": {"max_epochs": 3, "callbacks": [*kept, schedule]}}
    assert configure({"trainer": None}, cosine_with_warmup(), {}) == {"trainer": {"callbacks": [schedule]}}


def test_a_study_without_callbacks_is_left_without() -> None:
    """A space that writes no callback adds no list of them."""
    assert configure({"trainer": {"max_epochs": 3}}, norm(), {"norm": "none"})["trainer"] == {"max_epochs": 3}


def test_a_class_replaces_the_whole_section() -> None:
    """Arguments of the study's own optimizer do not survive beside another class."""
    base = {"optimizer": {"class_path": "torch.optim.LBFGS", "init_args": {"history_size": 5}}}
    values = default_values(optimizer(), {"optimizer": "rmsprop"})
    assert set(configure(base, optimizer(), values)["optimizer"]["init_args"]) == {"lr", "weight_decay"}


def test_a_class_does_not_wipe_what_was_written_before_it() -> None:
    """An argument of a class is kept wherever in the space it stands, and so is a class inside a class."""
    block = Choice({"b": Group({"n": Int(1, 9)}, class_path="m.Block")}, target="model.init_args.block")
    model = Choice({"m": Group({"width": Int(1, 9)}, class_path="m.Model")}, target="model")
    space = Group(
        {"model.init_args.depth": Int(1, 9), "block": block, "net": model}, set={"model.init_args.k": 4}
    )
    values: dict[str, Value] = {
        "model.init_args.depth": 1,
        "block": "b",
        "block.b.n": 2,
        "net": "m",
        "net.m.width": 3,
    }
    inner = {"class_path": "m.Block", "init_args": {"n": 2}}
    assert configure({}, space, values) == {
        "model": {"class_path": "m.Model", "init_args": {"depth": 1, "block": inner, "width": 3, "k": 4}}
    }


@given(spaces())
def test_the_base_is_left_as_it_was(space: Group) -> None:
    """Neither the study's configuration nor the space's constants are changed by a trial."""
    base = {"trainer": {"callbacks": [{"class_path": "m.C"}]}, "model": {"init_args": {"a": [1]}}}
    before, space_before = copy.deepcopy(base), copy.deepcopy(space)
    configuration = configure(base, space, suggestions(space, 1)[0])
    configuration["trainer"]["callbacks"].append(1)
    for section in configuration.get("constants", {}).values():
        if isinstance(section, list):
            section.append("changed")
    assert (base, space) == (before, space_before)


def test_constants_of_a_branch_not_taken_are_not_written() -> None:
    """A branch writes while it is taken and at no other time."""
    space = Group({"a": Choice({"x": Group(set={"k.x": 1}), "y": Group(set={"k.y": 2})})})
    assert configure({}, space, {"a": "x"}) == {"k": {"x": 1}}


def test_a_key_inside_a_plain_value_is_refused() -> None:
    """A target that leads through what is no mapping is named together with what stands there."""
    with pytest.raises(
        IllegalSpace, match=r"model\.init_args\.a cannot be filled.*'m\.M' at 'model'.*`class_path`"
    ):
        configure({"model": "m.M"}, Group({"model.init_args.a": Int(1, 2)}), {"model.init_args.a": 1})


def test_a_parameter_that_changes_nothing_is_named() -> None:
    """Neither written nor a condition of anything: such a parameter would be searched in vain."""
    space = Group(
        {
            "lost": Float(0.0, 1.0),
            "idle": Choice({"x": Group(), "y": Group()}),
            "switch": Categorical((True, False)),
            "follower": Float(0.0, 1.0, target="model.a", when={"switch": (True,)}),
            "constants": Choice({"x": Group(), "y": Group(set={"k": 1})}),
            "inside": Choice({"x": Group({"n": Int(1, 2)})}),
            "model.init_args.b": Int(1, 2),
        }
    )
    assert unreachable(space) == ("lost", "idle", "inside.x.n")
    assert unreachable(quick()) == ()


def test_a_reference_follows_what_the_trial_chose() -> None:
    """Alone it takes the value with its type, within a text its words; another text stays as it is."""
    base = {
        "model": {"init_args": {"a": 1, "b": "${model.init_args.a}", "c": ["w${data.d}-${HOME}"], "e": "$a"}},
        "data": {"d": "${model.init_args.b}"},
    }
    made = configure(base, Group({"model.init_args.a": Int(1, 9)}), {"model.init_args.a": 7})
    assert made == {
        "model": {"init_args": {"a": 7, "b": 7, "c": ["w7-${HOME}"], "e": "$a"}},
        "data": {"d": 7},
    }


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            {"model": {"a": "${model.b}"}},
            r"model\.a refers to \$\{model\.b\}, and the configuration holds nothing",
        ),
        ({"model": {"a": "${model.b}", "b": "${model.a}"}}, "which leads back to itself"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(base: dict[str, Any], said: str) -> None:
    """The sentence names the key, the reference and what to write."""
    with pytest.raises(IllegalSpace, match=said):
        configure(base, Group(), {})


@pytest.mark.parametrize("alone", [True, False])
def test_references_to_references_cost_no_more_than_their_bounds(*, alone: bool) -> None:
    """A few keys that multiply each other, as an attacker would write them, are refused at once."""
    wide = [f"${{model.k{i + 1}}}" for i in range(7)]
    base: dict[str, Any] = {"model": {"k7": "x" * 100}}
    for i, reference in enumerate(wide):
        base["model"][f"k{i}"] = [reference] * 50 if alone else reference * 50
    with pytest.raises(IllegalSpace, match=r"refer to more than 1000 keys|becomes a text of"):
        configure(base, Group(), {})
