"""The order of layers that each choice of norm, activation and dropout stands for."""

import pytest
import torch
from torch import nn

from tuner.modules.layers import regularized_block, regularized_stack

INITIALS = {
    nn.Linear: "L",
    nn.BatchNorm1d: "B",
    nn.LayerNorm: "Y",
    nn.ReLU: "r",
    nn.GELU: "g",
    nn.SiLU: "s",
    nn.Dropout: "D",
}


def order(network: nn.Sequential) -> str:
    """Write the layers of a network as a row of initials."""
    return "".join(INITIALS[type(layer)] for layer in network)


@pytest.mark.parametrize(
    ("norm", "norm_placement", "dropout_placement", "expected"),
    [
        ("none", "pre", "each", "LrD LrD"),
        ("none", "pre", "after_last_norm", "Lr LrD"),
        ("none", "pre", "before_norm", "LDr LDr"),
        ("none", "post", "before_norm", "LrD LrD"),
        ("batch", "pre", "each", "LBrD LBrD"),
        ("batch", "pre", "after_last_norm", "LBr LBrD"),
        ("batch", "pre", "before_norm", "LDBr LDBr"),
        ("batch", "post", "each", "LrBD LrBD"),
        ("batch", "post", "after_last_norm", "LrB LrBD"),
        ("batch", "post", "before_norm", "LrDB LrDB"),
        ("layer", "pre", "each", "LYrD LYrD"),
        ("layer", "post", "before_norm", "LrDY LrDY"),
    ],
)
def test_layers_stand_in_the_order_that_the_placements_name(
    norm: str, norm_placement: str, dropout_placement: str, expected: str
) -> None:
    """Norm and dropout stand exactly where their placements say."""
    network = regularized_stack(
        [5, 4, 3], norm=norm, norm_placement=norm_placement, dropout=0.5, dropout_placement=dropout_placement
    )
    assert order(network) == expected.replace(" ", "")


@pytest.mark.parametrize("placement", ["each", "before_norm", "after_last_norm"])
def test_without_dropout_no_dropout_layer_is_made(placement: str) -> None:
    """A rate of zero leaves no trace, whatever the placement."""
    assert order(regularized_stack([5, 4, 3], norm="batch", dropout_placement=placement)) == "LBrLBr"


@pytest.mark.parametrize(("activation", "initial"), [("relu", "r"), ("gelu", "g"), ("silu", "s")])
def test_the_activation_is_the_one_named(activation: str, initial: str) -> None:
    """Each name makes its own activation."""
    assert order(regularized_stack([5, 4], activation=activation)) == f"L{initial}"


def test_widths_and_rate_reach_the_layers() -> None:
    """Linear layers, norms and dropout get the widths and the rate that were named."""
    network = regularized_stack([5, 4, 3], norm="batch", dropout=0.3, dropout_placement="each")
    assert [tuple(layer.weight.shape) for layer in network if isinstance(layer, nn.Linear)] == [
        (4, 5),
        (3, 4),
    ]
    assert [layer.num_features for layer in network if isinstance(layer, nn.BatchNorm1d)] == [4, 3]
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout)] == [0.3, 0.3]


def test_a_single_width_makes_no_layer() -> None:
    """Without a second width there is nothing to connect."""
    assert len(regularized_stack([5])) == 0


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_that_is_no_probability_is_refused(rate: float) -> None:
    """A dropout rate outside [0, 1] is an error, not a layer."""
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        regularized_block(4, dropout=rate, is_last=True)


def test_one_seed_gives_one_set_of_weights_under_every_norm() -> None:
    """The initial weights hang on the seed and the widths alone; choices are compared on equal terms."""
    weights = []
    for norm in ("none", "batch", "layer"):
        torch.manual_seed(0)
        network = regularized_stack([5, 4, 3], norm=norm, dropout=0.5)
        weights.append([layer.weight for layer in network if isinstance(layer, nn.Linear)])
    for other in weights[1:]:
        assert all(torch.equal(first, second) for first, second in zip(weights[0], other, strict=True))
