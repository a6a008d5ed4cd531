"""The soft rules are sound data about parameters that the catalogue has."""

from search_spaces.catalogue.optimizers import optimizer
from search_spaces.catalogue.registry import named_space
from search_spaces.catalogue.regularizers import dropout
from search_spaces.catalogue.rules import PREFERENCES, SHIFTS, Preference, Shift, rules_of
from search_spaces.space.algebra import combine
from search_spaces.space.nodes import Float
from search_spaces.space.parameters import find


def test_every_rule_speaks_of_the_catalogue() -> None:
    """Each is about a range on a log scale, or a value that can be, of a ready-made space or one like it."""
    spaces = [named_space("recipe.wide"), named_space("recipe.quick")]
    covered = {rule for space in spaces for rule in map(repr, rules_of(space))}
    left = {rule.parameter for rule in (*SHIFTS, *PREFERENCES) if repr(rule) not in covered}
    # A study that searches SGD by its plain rate has to add that parameter itself.
    assert left == {"optimizer.sgd.lr"}
    for rule in rules_of(spaces[0]):
        node = find(spaces[0], rule.parameter).node
        if isinstance(rule, Shift):
            assert isinstance(node, Float)
            assert node.log
        elif rule.bounds is not None:
            assert isinstance(node, Float)
            assert rule.bounds[0] < node.high
        assert rule.source
        assert rule.statement.endswith(".")


def test_a_space_has_the_rules_of_its_own_choices() -> None:
    """Without a norm nothing is said of norms, and without a batch size nothing of batches."""
    rules = rules_of(combine(optimizer(), dropout()))
    assert {rule.gate for rule in rules if isinstance(rule, Shift)} == {"dropout"}
    assert not [rule for rule in rules if isinstance(rule, Preference)]
