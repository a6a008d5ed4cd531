"""Ranges around the user's own values."""

from typing import Any

import pytest

from search_spaces.space.notation import node_from_data
from tuner.preparation.drafting.ranges import range_of

KNOWN: dict[str, tuple[Any, ...]] = {
    "lr": (1e-3, 0.1, 3, 1e-9),
    "learning_rate": (1e-3,),
    "g_lr": (2e-4,),
    "weight_decay": (0.0, 1e-2, 0.5),
    "dropout": (0, 0.0, 0.3, 0.95),
    "drop_path_rate": (0.1,),
    "momentum": (0.0, 0.9, 0.999),
    "hidden_dim": (1, 64),
    "d_model": (512,),
    "num_layers": (1, 6),
    "batch_size": (1, 32, 100),
    "label_smoothing": (0.0, 0.1),
    "gradient_clip_val": (1.0, 1),
}
UNKNOWN: dict[str, tuple[Any, ...]] = {
    "lr_decay": (0.1,), "lr_scheduler_gamma": (0.5,), "warmup_lr_steps": (100,),
    "reduce_on_plateau_min_lr": (1e-5,), "in_dim": (3,),
    "num_classes": (10,), "gamma": (0.99,), "env": ("x",),
    "lr": (None, True, "0.1", 0.0, -1.0), "dropout": (False, 1.0, -0.1),
    "hidden_dim": (0, [64]), "val_batch_size": (8,), "momentum": (1.0,), "train": (True,),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in KNOWN for value in KNOWN[name]])
def test_no_value_lies_outside_its_range(name: str, value: Any) -> None:
    """The user's value is the default of a node that the space accepts, and something else can be chosen."""
    data = range_of(name, value, "my.Module", {})
    assert data is not None
    node = node_from_data(data, path=name)
    assert node.default == value
    if "low" in data:
        assert data["low"] < data["high"]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in UNKNOWN for value in UNKNOWN[name]])
def test_no_other_argument_is_searched(name: str, value: Any) -> None:
    """A name that only looks like a rate, and a value that no range can hold, stand as they are."""
    assert range_of(name, value, "my.Module", {}) is None


def test_no_width_is_left_that_its_heads_do_not_divide() -> None:
    """Attention divides the width among its heads."""
    data = range_of("d_model", 96, "my.Module", {"nhead": 12})
    assert data is not None
    assert data["choices"] == [24, 48, 96, 192]
    data = range_of("d_model", 36, "my.Module", {"nhead": 12})
    assert data is not None
    assert data["choices"] == [36, 72]


def test_no_momentum_is_lost_under_nesterov() -> None:
    """Torch refuses Nesterov's step without momentum."""
    data = range_of("momentum", 0.9, "torch.optim.SGD", {"nesterov": True})
    assert data is not None
    assert data["low"] == 0.5


def test_no_discount_is_taken_for_a_schedule() -> None:
    """`gamma` is a decay only where a scheduler takes it."""
    assert range_of("gamma", 0.9, "torch.optim.lr_scheduler.ExponentialLR", {}) is not None
    assert range_of("momentum", 0.1, "torch.nn.BatchNorm1d", {}) is None
