"""What follows a linear layer: its norm, its activation and its dropout, in the order that the choices say.

Both functions return ordinary `torch.nn` layers side by side, so that iterating over a network shows its
order, and so that any module can take them apart or put its own layers between them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

from torch import nn

Activation = Literal["relu", "gelu", "silu"]
Norm = Literal["none", "batch", "layer"]
NormPlacement = Literal["pre", "post"]
DropoutPlacement = Literal["each", "before_norm", "after_last_norm"]

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
NORMS: dict[Norm, Callable[[int], nn.Module] | None] = {
    "none": None,
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


def regularized_block(
    features: int,
    *,
    activation: Activation = "relu",
    norm: Norm = "none",
    norm_placement: NormPlacement = "pre",
    dropout: float = 0.0,
    dropout_placement: DropoutPlacement = "after_last_norm",
    is_last: bool = False,
) -> list[nn.Module]:
    """List the layers that stand behind one linear layer of `features` outputs.

    Args:
        features: the width of the layer in front, which the norm has to know.
        activation: the nonlinearity.
        norm: batch norm, layer norm, or none.
        norm_placement: `pre` puts the norm before the activation, `post` behind it.
        dropout: the probability of zeroing an element; 0 means that no dropout layer is made.
        dropout_placement: `each` drops at the end of every block, `after_last_norm` only at the end of the
            last one, behind its norm and its activation; `before_norm` drops directly before the norm of
            every block, or, without a norm, where `norm_placement` would have put it.
        is_last: whether this is the last block of its network.

    Returns:
        Layers that map `(batch, features)` to `(batch, features)`.

    Raises:
        ValueError: `dropout` is not a probability.
    """
    make_norm = NORMS[norm]
    normalization = [] if make_norm is None else [make_norm(features)]
    # Compared with zero, so that torch still refuses a negative rate.
    drop: list[nn.Module] = [] if dropout == 0 else [nn.Dropout(dropout)]
    if dropout_placement == "before_norm":
        normalization, drop = [*drop, *normalization], []
    elif dropout_placement == "after_last_norm" and not is_last:
        drop = []
    activated = [ACTIVATIONS[activation]()]
    ordered = normalization + activated if norm_placement == "pre" else activated + normalization
    return ordered + drop


def regularized_stack(
    widths: Sequence[int],
    *,
    activation: Activation = "relu",
    norm: Norm = "none",
    norm_placement: NormPlacement = "pre",
    dropout: float = 0.0,
    dropout_placement: DropoutPlacement = "after_last_norm",
) -> nn.Sequential:
    """Stack linear layers, each with a `regularized_block`: `[64, 128, 128]` makes two of width 128.

    Every linear layer keeps its bias. Batch norm directly behind it would make the bias redundant, but then
    the number of parameters, and with it the initial weights that a seed gives, would hang on the choice of
    norm.

    Returns:
        A network that maps `(batch, widths[0])` to `(batch, widths[-1])`; empty if there is only one width.

    Raises:
        ValueError: `dropout` is not a probability.
    """
    layers: list[nn.Module] = []
    for position, (inputs, outputs) in enumerate(pairwise(widths), start=2):
        layers.append(nn.Linear(inputs, outputs))
        layers += regularized_block(
            outputs,
            activation=activation,
            norm=norm,
            norm_placement=norm_placement,
            dropout=dropout,
            dropout_placement=dropout_placement,
            is_last=position == len(widths),
        )
    return nn.Sequential(*layers)
