"""The weights before the first step: the scheme that draws them, and how much larger than drawn they are."""

from search_spaces.catalogue.normalization import norm
from search_spaces.space.algebra import combine
from search_spaces.space.nodes import Categorical, Float, Group, Prior


def initialization() -> Group:
    """Choose the scheme that draws the weights and, without a norm, the gain that multiplies them.

    The gain exists only where the choice `norm` is `none`, because a norm divides it out again; so that
    choice has to stand before this group: `combine(norm(), initialization())`.

    Writes `model.init_args.init_scheme` and `model.init_args.init_gain`.
    """
    return Group(
        {
            "init.scheme": Categorical(
                ("torch", "kaiming", "xavier", "orthogonal"), default="kaiming",
                target="model.init_args.init_scheme",
                why="keeps signals of a deep network from fading or exploding before the first step",
                source="He et al. 2015; Glorot & Bengio 2010; Saxe et al. 2014",
            ),
            "init.gain": Float(
                0.1, 3.0, log=True, default=1.0, prior=Prior(1.0, 0.2),
                target="model.init_args.init_gain", when={"norm": ("none",)},
                why="times the scheme's weights; behind a layer, a norm would divide it out again",
                source="Ioffe & Szegedy 2015",
            ),
        }
    )  # fmt: skip


def norm_and_initialization() -> Group:
    """Combine the norm and the initialisation that depends on it."""
    return combine(norm(), initialization())
