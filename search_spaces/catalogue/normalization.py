"""Normalisation of activations, and its place beside the activation function."""

from search_spaces.space.nodes import Categorical, Choice, Group


def norm() -> Group:
    """No norm, batch norm or layer norm; with a norm, its place.

    Writes `model.init_args.norm` and `model.init_args.norm_placement`.
    """
    return Group(
        {
            "norm": Choice(
                {"none": Group(), "batch": Group(), "layer": Group()},
                default="batch",
                target="model.init_args.norm",
                why="allows larger learning rates and removes most of the sensitivity to the initial scale",
                source="Ioffe & Szegedy 2015; Ba et al. 2016",
            ),
            "norm.placement": Categorical(
                ("pre", "post"),
                default="pre",
                target="model.init_args.norm_placement",
                when={"norm": ("batch", "layer")},
                why="before or after the activation",
                source="Ioffe & Szegedy 2015",
            ),
        }
    )
