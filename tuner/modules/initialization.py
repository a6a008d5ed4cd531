"""The weights before the first step."""

from typing import Literal

import torch
from torch import nn

Scheme = Literal["torch", "kaiming", "xavier", "orthogonal"]

WEIGHTED_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def initialize(module: nn.Module, scheme: Scheme, gain: float = 1.0) -> None:
    """Draw the weights of every linear and convolutional layer of `module` anew, in place.

    `torch` is what the layer does by itself. `kaiming` is normal with a variance of 2 / inputs (He et al.
    2015, equation 10), `xavier` uniform with a variance of 2 / (inputs + outputs) (Glorot & Bengio 2010,
    equation 16), `orthogonal` a random orthogonal matrix (Saxe et al. 2014); these three set the biases to
    zero. `gain` multiplies the weights afterwards.
    """
    for layer in module.modules():
        if isinstance(layer, WEIGHTED_LAYERS):
            draw_weights(layer, scheme)
            with torch.no_grad():
                layer.weight.mul_(gain)


def draw_weights(layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d, scheme: Scheme) -> None:
    """Draw the weights and biases of one layer anew, in place, as `initialize` describes."""
    if scheme == "torch":
        layer.reset_parameters()
        return
    if scheme == "kaiming":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    elif scheme == "xavier":
        nn.init.xavier_uniform_(layer.weight)
    else:
        nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
