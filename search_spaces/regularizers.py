"""Regularizers that live in the model: dropout, how much and where."""

from search_spaces.space import Categorical, Choice, Float, Group, Prior

_ON = {"dropout": ("on",)}


def dropout() -> Group:
    """Dropout on or off; if on, its rate and its place among the layers.

    Writes `model.init_args.dropout` (the rate, 0 where it is off) and `model.init_args.dropout_placement`.
    """
    return Group(
        {
            "dropout": Choice(
                {"none": Group(set={"model.init_args.dropout": 0.0}), "on": Group()}, default="none",
                why="noise in the activations; replaces part of the weight decay",
                source="Srivastava et al. 2014",
            ),
            "dropout.rate": Float(
                0.05, 0.7, default=0.25, prior=Prior(0.25, 0.15), target="model.init_args.dropout", when=_ON,
                unit="share of units", why="the share of units set to zero in a training step",
                source="Kadra et al. 2021",
            ),
            "dropout.placement": Categorical(
                ("each", "before_norm", "after_last_norm"), default="after_last_norm",
                target="model.init_args.dropout_placement", when=_ON,
                why="before a norm, dropout shifts the variance that the norm has learnt",
                source="Li et al. 2019, Understanding the disharmony between dropout and batch normalization",
            ),
        }
    )  # fmt: skip
