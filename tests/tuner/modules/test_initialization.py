"""The weights that each scheme draws."""

import math

import pytest
import torch
from torch import nn

from tuner.modules.initialization import initialize

INPUTS, OUTPUTS = 400, 200
DEVIATIONS = {
    "torch": math.sqrt(1 / (3 * INPUTS)),  # uniform in +-1 / sqrt(inputs)
    "kaiming": math.sqrt(2 / INPUTS),
    "xavier": math.sqrt(2 / (INPUTS + OUTPUTS)),
    "orthogonal": math.sqrt(1 / INPUTS),
}


@pytest.mark.parametrize("gain", [1.0, 0.3])
@pytest.mark.parametrize("scheme", list(DEVIATIONS))
def test_weights_have_the_deviation_of_their_scheme(scheme: str, gain: float) -> None:
    """Each scheme draws with the deviation of its paper, times the gain."""
    torch.manual_seed(0)
    layer = nn.Linear(INPUTS, OUTPUTS)
    initialize(nn.Sequential(nn.ReLU(), layer), scheme, gain)
    # 80,000 draws estimate a deviation to 0.25 %; four times that is never met by chance.
    assert layer.weight.std().item() == pytest.approx(gain * DEVIATIONS[scheme], rel=0.01)


def test_orthogonal_weights_are_orthogonal() -> None:
    """The rows of an orthogonal matrix have length `gain` and are perpendicular."""
    layer = nn.Linear(INPUTS, OUTPUTS)
    initialize(layer, "orthogonal", 2.0)
    torch.testing.assert_close(layer.weight @ layer.weight.T, 4 * torch.eye(OUTPUTS), atol=1e-4, rtol=0)


@pytest.mark.parametrize("scheme", ["kaiming", "xavier", "orthogonal"])
def test_biases_start_at_zero(scheme: str) -> None:
    """Every scheme but torch's own sets the biases to zero, and a layer without a bias is no error."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 4, bias=False), nn.Linear(4, 2))
    initialize(network, scheme)
    assert not network[0].bias.any()
    assert not network[2].bias.any()


def test_norm_layers_keep_their_weights() -> None:
    """Only layers with a weight matrix are drawn anew."""
    norm = nn.BatchNorm1d(4)
    initialize(norm, "kaiming", 3.0)
    assert torch.equal(norm.weight, torch.ones(4))
