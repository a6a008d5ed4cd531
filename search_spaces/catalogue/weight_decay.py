"""Weight decay on or off, and how strong, for each kind that torch's optimizers have.

torch's SGD, RMSprop and Adam add `weight_decay * parameter` to the gradient: *coupled* L2, which the adaptive
ones then rescale. AdamW, and NAdam if asked, shrink the parameter by `lr * weight_decay` beside the step:
*decoupled* decay (Loshchilov & Hutter 2019).
"""

from math import sqrt

from search_spaces.space.nodes import Choice, Float, Group, Node, Prior

EPOCHS = 30  # of a trial, where a study does not say
_KEY = "optimizer.init_args.weight_decay"


def coupled_decay(optimizer: str) -> dict[str, Node]:
    """Coupled L2 of one optimizer, by its rate."""
    rate = Float(
        1e-7, 1e-1, log=True, default=1e-4, prior=Prior(1e-3, 1.0),
        target=_KEY, when=_on(optimizer), unit="1 / weight",
        why="coupled L2: added to the gradient, before any rescaling",
        source="Loshchilov & Hutter 2019",
    )  # fmt: skip
    return {"weight_decay": _switch(), "weight_decay.rate": rate}


def decay_rate(optimizer: str) -> dict[str, Node]:
    """Decoupled decay of one optimizer, by its rate."""
    rate = Float(
        1e-4, 10.0, log=True, default=1e-2, target=_KEY, when=_on(optimizer), unit="1 / lr",
        why="decoupled decay: a step shrinks weights by lr * rate",
        source="Loshchilov & Hutter 2019",
    )  # fmt: skip
    return {"weight_decay": _switch(), "weight_decay.rate": rate}


def decay_timescale(optimizer: str, epochs: int) -> dict[str, Node]:
    """Decoupled decay of one optimizer, by its timescale, in a training of `epochs`.

    The rate is `1 / (timescale * lr * steps per epoch)`; since that takes the data, a callback works it out
    when the fit begins.
    """
    timescale = Float(
        0.3, 30.0 * epochs, log=True, default=max(epochs / 3, 0.3), prior=Prior(sqrt(epochs), 0.6),
        target="callbacks.decay.init_args.timescale", when=_on(optimizer), unit="epochs",
        why="weights are an average of updates over this time; unlike the rate, it hardly hangs on lr",
        source="Wang & Aitchison 2024",
    )  # fmt: skip
    callback = {
        "class_path": "tuner.callbacks.DecayTimescale",
        "init_args": {"timescale": timescale.default},
    }
    return {
        "weight_decay": _switch(Group(set={"callbacks.decay": callback})),
        "weight_decay.timescale": timescale,
    }


def _switch(on: Group | None = None) -> Choice:
    return Choice(
        {"none": Group(set={_KEY: 0.0}), "on": on or Group()},
        default="on",
        why="off is a choice of its own, not a very small rate",
        source="Kadra et al. 2021",
    )


def _on(optimizer: str) -> dict[str, tuple[str, ...]]:
    return {f"optimizer.{optimizer}.weight_decay": ("on",)}
