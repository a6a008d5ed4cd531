"""The catalogue: every entry is a whole, explained space whose branches all occur and never mix."""

import inspect
from math import log10

import pytest

from search_spaces.catalogue.initialization import initialization
from search_spaces.catalogue.normalization import norm
from search_spaces.catalogue.recipes import quick
from search_spaces.catalogue.registry import CATALOGUE, named_space
from search_spaces.configuration import unreachable
from search_spaces.errors import IllegalSpace, TunerError, UnknownSpace
from search_spaces.space.algebra import combine
from search_spaces.space.describe import describe
from search_spaces.space.nodes import Categorical, Choice, Float
from search_spaces.space.parameters import find
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


# Settings with which published work trained, by parameter; they were written down from the papers.
PUBLISHED = {
    "He et al. 2016, ResNet": {
        "optimizer.sgd.lr_effective": 0.1 / (1 - 0.9),
        "optimizer.sgd.one_minus_momentum": 1 - 0.9,
        "optimizer.sgd.weight_decay.rate": 1e-4,
    },
    "Zagoruyko and Komodakis 2016, wide ResNet": {
        "optimizer.sgd.lr_effective": 0.1 / (1 - 0.9),
        "optimizer.sgd.weight_decay.rate": 5e-4,
        "dropout.rate": 0.3,
    },
    "Kingma and Ba 2015, Adam": {
        "optimizer.adam.lr": 1e-3,
        "optimizer.adam.one_minus_beta1": 1 - 0.9,
    },
    "Srivastava et al. 2014, dropout": {"dropout.rate": 0.5},
    "Dosovitskiy et al. 2021, ViT": {
        "optimizer.adamw.lr": 3e-3,
        "optimizer.adamw.weight_decay.rate": 0.3,
        "dropout.rate": 0.1,
    },
    "Tieleman and Hinton 2012, RMSprop": {"optimizer.rmsprop.lr": 1e-3},
}


@pytest.mark.parametrize("work", PUBLISHED)
def test_published_settings_can_be_suggested(work: str) -> None:
    """No range of the quick recipe leaves out what well-known work has trained with."""
    found = nodes(named_space("recipe.quick"))
    for name, value in PUBLISHED[work].items():
        assert found[name].low <= value <= found[name].high, name


def test_an_optimizer_s_own_defaults_can_be_suggested() -> None:
    """What torch sets where nothing is said lies in each range, and the best-known optimizer starts there."""
    import torch

    space = named_space("optimizer.wide")
    found, choice = nodes(space), find(space, "optimizer").node
    for name, branch in choice.branches.items():
        taken = inspect.signature(getattr(torch.optim, branch.class_path.rpartition(".")[2])).parameters
        own = {key: parameter.default for key, parameter in taken.items()}
        first, second = own.get("betas", (None, None))
        expected = {
            "lr": own["lr"],
            "one_minus_beta1": first and 1 - first,
            "one_minus_beta2": second and 1 - second,
            "one_minus_momentum": 1 - own.get("momentum", 0.0),
            "eps": own.get("eps"),
        }
        for part in expected.keys() & branch.children.keys():
            node = found[f"optimizer.{name}.{part}"]
            assert node.low <= expected[part] <= node.high, (name, part)
            assert name != "adamw" or node.default == pytest.approx(expected[part]), part


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_prior_and_a_default_agree(name: str) -> None:
    """What is thought likely lies in the range, and the default lies where the prior expects values."""
    for path, node in nodes(named_space(name)).items():
        if isinstance(node, Float) and node.prior is not None:
            scale = log10 if node.log else float
            assert node.low <= node.prior.centre <= node.high, path
            assert abs(scale(node.default) - scale(node.prior.centre)) <= 2 * node.prior.width, path


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


def test_a_gain_exists_only_where_no_norm_divides_it_out() -> None:
    """A norm takes every factor of the weights before it away again, so the gain would change nothing."""
    space = named_space("init")
    assert find(space, "init.gain").conditions == {"norm": ("none",)}
    assert find(space, "init.scheme").conditions == {}


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
