"""The shape of the network and of a batch: shortcuts, the activation function, the size of a batch."""

from search_spaces.space.nodes import Categorical, Choice, Float, Group


def skip() -> Group:
    """Shortcuts around blocks or not; if so, how often a block is left out.

    Writes `model.init_args.skip` and `model.init_args.drop_path`.
    """
    use, drop = "model.init_args.skip", "model.init_args.drop_path"
    return Group(
        {
            "skip": Choice(
                {"none": Group(set={use: False, drop: 0.0}), "on": Group(set={use: True})}, default="none",
                why="gradients reach the first layers of a deep network unchanged",
                source="He et al. 2016",
            ),
            "drop_path": Float(
                0.0, 0.5, default=0.1, target=drop, when={"skip": ("on",)}, unit="share of samples",
                why="the share of samples that take the shortcut alone: a dropout of whole blocks",
                source="Huang et al. 2016, Deep networks with stochastic depth",
            ),
        }
    )  # fmt: skip


def activation() -> Group:
    """Choose the activation function. Writes `model.init_args.activation`."""
    node = Categorical(
        ("relu", "gelu", "silu"),
        default="relu",
        target="model.init_args.activation",
        why="smooth ones pass a gradient where relu has none",
        source="Hendrycks & Gimpel 2016",
    )
    return Group({"activation": node})


def batch_size() -> Group:
    """Choose the size of a batch among powers of two. Writes `data.init_args.batch_size`.

    More of it is more noise taken out of each gradient and fewer steps an epoch; the learning rate has to
    grow with it. Tuned for its own sake it mostly trades one for the other, so only ask for it where time
    counts.
    """
    node = Categorical(
        (16, 32, 64, 128, 256, 512),
        default=64,
        target="data.init_args.batch_size",
        unit="samples",
        why="decides the noise of a gradient and the number of steps; the best lr grows with it",
        source="Shallue et al. 2019",
    )
    return Group({"batch_size": node})
