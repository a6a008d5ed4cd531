"""Searching another parameter in the place of one."""

import pytest

from search_spaces.configuration import configure
from search_spaces.errors import UnknownParameter
from search_spaces.space.exchange import exchange
from search_spaces.space.nodes import Choice, Float, Group
from search_spaces.space.parameters import parameters

RATE = Float(1e-4, 1.0, log=True)
SLOWNESS = Float(0.01, 1.0, log=True)
SPACE = Group(
    {
        "optimizer": Choice(
            {
                "sgd": Group({"lr": RATE, "one_minus_momentum": SLOWNESS}, class_path="torch.optim.SGD"),
                "adam": Group({"lr": RATE}, class_path="torch.optim.Adam"),
            },
            target="optimizer",
        ),
        "decay": Float(0.0, 0.1, target="optimizer.init_args.weight_decay", when={"optimizer": ("sgd",)}),
    }
)


def test_only_the_named_parameter_is_exchanged() -> None:
    """The new one stands on the same branch and fills the argument of its own name; all else stays."""
    found = exchange(SPACE, "optimizer.sgd.lr", "lr_effective", Float(0.01, 1.0, log=True))
    assert {p.name for p in parameters(found)} == {
        "optimizer",
        "optimizer.sgd.lr_effective",
        "optimizer.sgd.one_minus_momentum",
        "optimizer.adam.lr",
        "decay",
    }
    values = {
        "optimizer": "sgd",
        "optimizer.sgd.lr_effective": 0.5,
        "optimizer.sgd.one_minus_momentum": 0.1,
        "decay": 0.01,
    }
    arguments = configure({}, found, values)["optimizer"]["init_args"]
    assert arguments == pytest.approx({"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01})


def test_a_condition_and_a_target_outlive_an_exchange() -> None:
    """A parameter that stands elsewhere keeps its condition, and its target but for the last part."""
    found = exchange(SPACE, "decay", "decay_rate", Float(0.0, 1.0))
    (parameter,) = (p for p in parameters(found) if p.name == "decay_rate")
    assert parameter.conditions == {"optimizer": ("sgd",)}
    assert parameter.target == "optimizer.init_args.decay_rate"


def test_what_a_space_does_not_hold_is_not_exchanged() -> None:
    """An unknown name is refused, with the nearest one."""
    with pytest.raises(UnknownParameter, match=r"did you mean optimizer\.sgd\.lr"):
        exchange(SPACE, "optimizer.sgd.l", "lr_effective", RATE)
