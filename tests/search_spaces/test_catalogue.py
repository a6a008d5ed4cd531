"""The catalogue: every entry is a whole, explained space whose branches all occur and never mix."""

import pytest

from search_spaces.algebra import combine
from search_spaces.catalogue import CATALOGUE, named_space
from search_spaces.configuration import unreachable
from search_spaces.describe import describe
from search_spaces.errors import IllegalSpace, TunerError, UnknownSpace
from search_spaces.initialization import initialization
from search_spaces.normalization import norm
from search_spaces.parameters import default_values, find, parameters
from search_spaces.recipe import quick
from search_spaces.space import Categorical, Choice, Float, Prior
from tests.search_spaces.strategies import existing, nodes, suggestions


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_branch_occurs_and_no_parameter_of_another(name: str) -> None:
    """In 500 random suggestions each option of each choice is taken, and what exists is as the tree says."""
    space = named_space(name)
    trials = suggestions(space, 500)
    for values in trials:
        assert set(values) == existing(space, values)
    for path, node in nodes(space).items():
        if isinstance(node, Choice | Categorical):
            options = set(node.branches if isinstance(node, Choice) else node.choices)
            assert {values[path] for values in trials if path in values} == options


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_parameter_is_explained_and_goes_somewhere(name: str) -> None:
    """Each row says why it is there and on whose word, and no value goes nowhere."""
    assert [row.name for row in describe(named_space(name)) if not (row.why and row.source)] == []
    assert unreachable(named_space(name)) == ()


TABLE = {  # low, high, scale, default, prior; written from the literature, not from the code
    "optimizer.sgd.lr_effective": (1e-3, 100.0, True, 0.5, Prior(0.5, 0.7)),
    "optimizer.sgd.one_minus_momentum": (0.005, 1.0, True, 0.1, Prior(0.1, 0.4)),
    "optimizer.rmsprop.lr": (1e-5, 1e-1, True, 1e-3, Prior(2e-3, 0.6)),
    "optimizer.adam.lr": (1e-5, 1e-1, True, 1e-3, Prior(2e-3, 0.6)),
    "optimizer.adamw.lr": (1e-5, 1e-1, True, 1e-3, Prior(2e-3, 0.6)),
    "optimizer.adam.one_minus_beta1": (0.004, 0.5, True, 0.1, Prior(0.1, 0.4)),
    "optimizer.adamw.one_minus_beta1": (0.004, 0.5, True, 0.1, Prior(0.1, 0.4)),
    "optimizer.sgd.weight_decay.rate": (1e-7, 1e-1, True, 1e-4, Prior(1e-3, 1.0)),
    "optimizer.rmsprop.weight_decay.rate": (1e-7, 1e-1, True, 1e-4, Prior(1e-3, 1.0)),
    "optimizer.adam.weight_decay.rate": (1e-7, 1e-1, True, 1e-4, Prior(1e-3, 1.0)),
    "optimizer.adamw.weight_decay.rate": (1e-4, 10.0, True, 1e-2, None),
    "dropout.rate": (0.05, 0.7, False, 0.25, Prior(0.25, 0.15)),
}


def test_the_ranges_are_these() -> None:
    """Every numeric range of the quick recipe, with its scale, default and prior."""
    found = {
        path: (node.low, node.high, node.log, node.default, node.prior)
        for path, node in nodes(named_space("recipe.quick")).items()
        if isinstance(node, Float)
    }
    assert found == TABLE


def test_the_choices_are_these() -> None:
    """Every choice of the quick recipe with its options."""
    space = named_space("recipe.quick")
    choices = {p.name: list(p.node.branches) for p in parameters(space) if isinstance(p.node, Choice)}
    values = {p.name: p.node.choices for p in parameters(space) if isinstance(p.node, Categorical)}
    decays = {
        f"optimizer.{name}.weight_decay": ["none", "on"] for name in ("sgd", "rmsprop", "adam", "adamw")
    }
    assert choices == {
        "optimizer": ["sgd", "rmsprop", "adam", "adamw"],
        **decays,
        "norm": ["none", "batch"],
        "dropout": ["none", "on"],
    }
    assert values == {
        "optimizer.sgd.nesterov": (False, True),
        "norm.placement": ("pre", "post"),
        "dropout.placement": ("each", "before_norm", "after_last_norm"),
    }


def test_the_defaults_are_a_sound_start() -> None:
    """AdamW at 1e-3 with its decay, batch norm before the activation, no dropout."""
    assert default_values(named_space("recipe.quick")) == {
        "optimizer": "adamw",
        "optimizer.adamw.lr": 1e-3,
        "optimizer.adamw.one_minus_beta1": 0.1,
        "optimizer.adamw.weight_decay": "on",
        "optimizer.adamw.weight_decay.rate": 1e-2,
        "norm": "batch",
        "norm.placement": "pre",
        "dropout": "none",
    }


def test_each_optimizer_has_a_learning_rate_of_its_own() -> None:
    """A rate found for one optimizer says nothing about another, so they are parameters of their own."""
    space = named_space("optimizer")
    assert {
        find(space, f"optimizer.{name}.lr").conditions["optimizer"] for name in ("rmsprop", "adam", "adamw")
    } == {
        ("rmsprop",),
        ("adam",),
        ("adamw",),
    }


def test_the_initialisation_is_this() -> None:
    """A scheme always; a gain, in decades around 1, only where no norm divides it out again."""
    space = named_space("init")
    assert find(space, "init.scheme").conditions == {}
    assert find(space, "init.scheme").node.choices == ("torch", "kaiming", "xavier", "orthogonal")
    assert default_values(space)["init.scheme"] == "kaiming"
    gain = find(space, "init.gain")
    assert gain.conditions == {"norm": ("none",)}
    node = gain.node
    found = (node.low, node.high, node.log, node.default, node.prior)
    assert found == (0.1, 3.0, True, 1.0, Prior(1.0, 0.2))


def test_an_initialisation_needs_to_know_the_norm() -> None:
    """Beside another group the gain is legal only behind the choice of norm that decides on it."""
    assert combine(quick(), initialization()).children.keys() > {"norm", "init.gain"}
    with pytest.raises(IllegalSpace, match=r"init\.gain exists when norm .* stands before it"):
        combine(initialization(), norm())


def test_an_unknown_entry_is_answered_with_the_nearest() -> None:
    """A misspelt entry is refused with the one meant, or with the whole list."""
    with pytest.raises(
        UnknownSpace, match=r"^The catalogue has no space 'recipe.quik'; did you mean recipe.quick\?$"
    ):
        named_space("recipe.quik")
    with pytest.raises(TunerError, match=r"'123'; it has recipe\.quick, recipe\.cocktail"):
        named_space("123")
