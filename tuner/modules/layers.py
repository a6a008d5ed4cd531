"""What follows a linear layer: its norm, its activation and its dropout, in the order that the choices say.

Both functions return ordinary `torch.nn` layers side by side, so that iterating over a network shows its
order, and so that any module can take them apart or put its own layers between them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

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


NORMS_OF_IMAGES: dict[Norm, Callable[[int], nn.Module] | None] = {
    "none": None,
    "batch": nn.BatchNorm2d,
    "layer": partial(nn.GroupNorm, 1),  # one group: the mean over all channels and pixels of an image
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
    images: bool = False,
) -> list[nn.Module]:
    """List the layers that stand behind one linear or convolutional layer of `features` outputs.

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
        images: whether the layers are for images of `features` channels, whose pixels a norm takes together
            and of which dropout takes out whole channels (Tompson et al. 2015).

    Returns:
        Layers that map `(batch, features)` or, for images, `(batch, features, height, width)` to the same.

    Raises:
        ValueError: `dropout` is not a probability.
    """
    make_norm = (NORMS_OF_IMAGES if images else NORMS)[norm]
    make_dropout = nn.Dropout2d if images else nn.Dropout
    normalization = [] if make_norm is None else [make_norm(features)]
    # Compared with zero, so that torch still refuses a negative rate.
    drop: list[nn.Module] = [] if dropout == 0 else [make_dropout(dropout)]
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
    dropout_input: float = 0.0,
    skip: bool = False,
    drop_path: float = 0.0,
) -> nn.Sequential:
    """Stack linear layers, each with a `regularized_block`: `[64, 128, 128]` makes two of width 128.

    Every linear layer keeps its bias. Batch norm directly behind it would make the bias redundant, but then
    the number of parameters, and with it the initial weights that a seed gives, would hang on the choice of
    norm.

    Args:
        widths: of the input and of each layer.
        activation: of each block, as `regularized_block` takes it.
        norm: likewise.
        norm_placement: likewise.
        dropout: likewise.
        dropout_placement: likewise.
        dropout_input: the probability of zeroing an element of the input.
        skip: whether a linear layer with its block becomes a `Residual` wherever it keeps the width.
        drop_path: the probability of leaving out such a residual, as `Residual` takes it.

    Returns:
        A network that maps `(batch, widths[0])` to `(batch, widths[-1])`; without a dropout of the input it
        is empty if there is only one width.

    Raises:
        ValueError: a dropout or `drop_path` is not a probability.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout_input)] if dropout_input else []
    for position, (inputs, outputs) in enumerate(pairwise(widths), start=2):
        block = [
            nn.Linear(inputs, outputs),
            *regularized_block(
                outputs,
                activation=activation,
                norm=norm,
                norm_placement=norm_placement,
                dropout=dropout,
                dropout_placement=dropout_placement,
                is_last=position == len(widths),
            ),
        ]
        layers += [Residual(nn.Sequential(*block), drop_path)] if skip and inputs == outputs else block
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Add what `branch` makes of its input to the input (He et al. 2016), now and then without the branch.

    In training each sample loses the branch with the probability `drop_path`, and the branches that stay are
    divided by 1 - drop_path, so the expectation is that of the whole, which is what evaluation uses (Huang et
    al. 2016, stochastic depth, with the scaling of dropout).

    Args:
        branch: maps `(batch, ...)` to the same shape.
        drop_path: in [0, 1).

    Raises:
        ValueError: `drop_path` is not in [0, 1).
    """

    def __init__(self, branch: nn.Module, drop_path: float = 0.0) -> None:
        super().__init__()
        if not 0 <= drop_path < 1:
            raise ValueError(f"0 <= drop_path < 1 must hold, but got drop_path={drop_path}; 0.1 is usual")
        self.branch = branch
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, ...)` to the same shape."""
        change: Tensor = self.branch(x)
        if self.training and self.drop_path:
            kept = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.drop_path
            change = change * kept / (1 - self.drop_path)
        return x + change
