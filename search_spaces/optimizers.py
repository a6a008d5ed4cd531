"""Optimizers, each with a learning rate of its own and with the kind of weight decay that it really has.

torch's SGD, RMSprop and Adam add `weight_decay * parameter` to the gradient: *coupled* L2, which the adaptive
ones then rescale. AdamW shrinks the parameter by `lr * weight_decay` beside the step: *decoupled* decay
(Loshchilov & Hutter 2019).
"""

from search_spaces.space import Categorical, Choice, Float, Group, Node, Prior

UNDECAYED = {"callbacks.undecayed": {"class_path": "tuner.training.groups.UndecayedGroups", "init_args": {}}}


def sgd() -> Group:
    """SGD with momentum, searched along `lr / (1 - momentum)`, the length of its long-run step."""
    return Group(
        {
            "lr_effective": Float(
                1e-3, 100.0, log=True, default=0.5, prior=Prior(0.5, 0.7),
                why="lr / (1 - momentum): the best lr falls as momentum rises, this product hardly moves",
                source="Shallue et al. 2019",
            ),
            "one_minus_momentum": Float(
                0.005, 1.0, log=True, default=0.1, prior=Prior(0.1, 0.4),
                why="1 - momentum: steps of averaging are its inverse, so it is searched on a log scale",
                source="Choi et al. 2020",
            ),
            "nesterov": Categorical((False, True), default=True, why="looks ahead along the momentum",
            source="Sutskever et al. 2013"),
            **_weight_decay("sgd", coupled=True),
        },
        class_path="torch.optim.SGD",
    )  # fmt: skip


def rmsprop() -> Group:
    """RMSprop without momentum."""
    return Group({"lr": _lr(), **_weight_decay("rmsprop", coupled=True)}, class_path="torch.optim.RMSprop")


def adam() -> Group:
    """Adam, whose weight decay in torch is coupled L2."""
    return Group(
        {"lr": _lr(), "one_minus_beta1": _one_minus_beta1(), **_weight_decay("adam", coupled=True)},
        class_path="torch.optim.Adam",
    )


def adamw() -> Group:
    """Adam with decoupled weight decay."""
    return Group(
        {"lr": _lr(), "one_minus_beta1": _one_minus_beta1(), **_weight_decay("adamw", coupled=False)},
        class_path="torch.optim.AdamW",
    )


def optimizer() -> Group:
    """Choose an optimizer; biases and the parameters of norms are never decayed."""
    branches = {"sgd": sgd(), "rmsprop": rmsprop(), "adam": adam(), "adamw": adamw()}
    choice = Choice(
        branches, target="optimizer", default="adamw",
        why="each has its own best learning rate and its own kind of decay", source="Choi et al. 2020",
    )  # fmt: skip
    return Group({"optimizer": choice}, set=UNDECAYED)


def _lr() -> Float:
    return Float(
        1e-5, 1e-1, log=True, default=1e-3, prior=Prior(2e-3, 0.6),
        why="the size of a step of every parameter", source="AlgoPerf baselines, Dahl et al. 2023",
    )  # fmt: skip


def _one_minus_beta1() -> Float:
    return Float(
        0.004, 0.5, log=True, default=0.1, prior=Prior(0.1, 0.4),
        why="1 - beta1: steps of averaging are its inverse", source="AlgoPerf baselines, Dahl et al. 2023",
    )  # fmt: skip


def _weight_decay(optimizer: str, *, coupled: bool) -> dict[str, Node]:
    """Weight decay on or off, and its rate; `optimizer` is the branch it belongs to."""
    key = "optimizer.init_args.weight_decay"
    switch = Choice(
        {"none": Group(set={key: 0.0}), "on": Group()}, default="on",
        why="off is a choice of its own, not a very small rate", source="Kadra et al. 2021",
    )  # fmt: skip
    when = {f"optimizer.{optimizer}.weight_decay": ("on",)}
    if coupled:
        rate = Float(
            1e-7, 1e-1, log=True, default=1e-4, prior=Prior(1e-3, 1.0),
            target=key, when=when, unit="1 / weight",
            why="coupled L2: added to the gradient, before any rescaling",
            source="Loshchilov & Hutter 2019",
        )  # fmt: skip
    else:
        rate = Float(
            1e-4, 10.0, log=True, default=1e-2, target=key, when=when, unit="1 / lr",
            why="decoupled decay: a step shrinks weights by lr * rate",
            source="Loshchilov & Hutter 2019",
        )  # fmt: skip
    return {"weight_decay": switch, "weight_decay.rate": rate}
