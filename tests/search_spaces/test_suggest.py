"""Suggestion: exactly what exists is asked for."""

import optuna
from hypothesis import given
from optuna.samplers import RandomSampler

from search_spaces.space.nodes import Categorical, Choice, Group
from search_spaces.space.parameters import active_names
from search_spaces.suggest import distribution, distributions, suggest
from tests.search_spaces.strategies import can_be, existing, nodes, spaces, suggestions


@given(spaces())
def test_exactly_what_exists_is_suggested(space: Group) -> None:
    """Every suggestion of any space holds the parameters whose conditions hold, and no other."""
    for values in suggestions(space, 5):
        assert set(values) == existing(space, values)
        assert active_names(space, values) == set(values)


@given(spaces())
def test_a_suggested_value_lies_in_its_range(space: Group) -> None:
    """A suggested value is one that its node can have, of the node's own type."""
    tree = nodes(space)
    assert all(
        can_be(tree[name], value) for values in suggestions(space, 3) for name, value in values.items()
    )


@given(spaces())
def test_a_trial_records_the_distributions_of_the_space(space: Group) -> None:
    """What a trial was asked for is what `distributions` says, parameter by parameter."""
    trial = optuna.create_study(sampler=RandomSampler(seed=0)).ask()
    suggest(trial, space)
    said = distributions(space)
    assert trial.distributions == {name: said[name] for name in trial.distributions}
    assert set(said) == set(nodes(space))


def test_the_order_of_choices_is_one_for_optuna() -> None:
    """Two orders of the same choices are one distribution, for Optuna refuses choices that come reordered."""
    assert distribution(Categorical((16, 128, 32))) == distribution(Categorical((128, 32, 16)))
    assert distribution(Choice({"b": Group(), "a": Group()})) == distribution(Categorical(("a", "b")))
