"""Whole networks made of regularized blocks, for vectors and for images."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from tuner.modules.initialization import Scheme, initialize
from tuner.modules.layers import Residual, regularized_block, regularized_stack

STRIDE = 2  # of the first convolution of each width: halves height and width


def multilayer_perceptron(
    features: int,
    outputs: int,
    *,
    hidden: Sequence[int],
    init_scheme: Scheme = "torch",
    init_gain: float = 1.0,
    **choices: Any,
) -> nn.Sequential:
    """Stack linear layers with a regularized block each, and a last one without.

    Args:
        features: width of the input.
        outputs: width of the output.
        hidden: width of each layer between; without any, the network is linear.
        init_scheme: how the weights are drawn, as `initialize` describes it.
        init_gain: likewise.
        **choices: as `regularized_stack` takes them.

    Returns:
        A network that maps `(batch, features)` to `(batch, outputs)`.
    """
    widths = [features, *hidden]
    network = nn.Sequential(*regularized_stack(widths, **choices), nn.Linear(widths[-1], outputs))
    initialize(network, init_scheme, init_gain)
    return network


def convolutional_network(
    channels: int,
    outputs: int,
    *,
    widths: Sequence[int],
    blocks: int = 1,
    dropout_input: float = 0.0,
    skip: bool = False,
    drop_path: float = 0.0,
    init_scheme: Scheme = "torch",
    init_gain: float = 1.0,
    **choices: Any,
) -> nn.Sequential:
    """Stack 3 x 3 convolutions with a regularized block each, then average over the image.

    Each width begins with a convolution that halves height and width, behind which `blocks` keep them.

    Args:
        channels: of the images.
        outputs: width of the output.
        widths: channels of the convolutions, at least one.
        blocks: how many convolutions of each width keep the size of the image.
        dropout_input: the probability of setting a pixel to zero.
        skip: whether the convolutions that keep width and size become a `Residual` each.
        drop_path: the probability of leaving out such a residual, as `Residual` takes it.
        init_scheme: how the weights are drawn, as `initialize` describes it.
        init_gain: likewise.
        **choices: as `regularized_block` takes them.

    Returns:
        A network that maps `(batch, channels, height, width)` to `(batch, outputs)`.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout_input)] if dropout_input else []
    inputs = channels
    for stage, width in enumerate(widths, start=1):
        for block in range(blocks + 1):
            is_last = (stage, block) == (len(widths), blocks)
            convolution = nn.Conv2d(inputs, width, 3, stride=1 if block else STRIDE, padding=1)
            made = [convolution, *regularized_block(width, is_last=is_last, images=True, **choices)]
            layers += [Residual(nn.Sequential(*made), drop_path)] if skip and block else made
            inputs = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, outputs)]
    network = nn.Sequential(*layers, *head)
    initialize(network, init_scheme, init_gain)
    return network
