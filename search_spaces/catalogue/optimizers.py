"""Optimizers, each with a learning rate of its own and with the kind of weight decay that it really has."""

from search_spaces.catalogue.weight_decay import EPOCHS, coupled_decay, decay_rate, decay_timescale
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Node, Prior

UNDECAYED = {"callbacks.undecayed": {"class_path": "tuner.callbacks.UndecayedGroups", "init_args": {}}}


def optimizer(*, epochs: int = EPOCHS, timescale: bool = True, wide: bool = False) -> Group:
    """Choose an optimizer; biases and the parameters of norms are never decayed.

    Args:
        epochs: of a trial; the range of a decay's timescale follows from it.
        timescale: whether a decoupled decay is searched by its timescale, or by its rate.
        wide: whether what is rarely worth a search varies too: beta2 and eps of the Adam family.
    """

    def decay(name: str) -> dict[str, Node]:
        return decay_timescale(name, epochs) if timescale else decay_rate(name)

    branches = {
        "sgd": sgd(),
        "rmsprop": Group({"lr": _lr(), **coupled_decay("rmsprop")}, class_path="torch.optim.RMSprop"),
        "adam": Group({**_adam(wide=wide), **coupled_decay("adam")}, class_path="torch.optim.Adam"),
        "adamw": Group({**_adam(wide=wide), **decay("adamw")}, class_path="torch.optim.AdamW"),
        "nadamw": Group(
            {**_adam(wide=wide), **decay("nadamw")},
            class_path="torch.optim.NAdam",
            set={"optimizer.init_args.decoupled_weight_decay": True},
        ),
    }
    choice = Choice(
        branches,
        target="optimizer",
        default="adamw",
        why="each has its own best learning rate and its own kind of decay",
        source="Choi et al. 2020",
    )
    return Group({"optimizer": choice}, set=UNDECAYED)


def wide_optimizer(*, epochs: int = EPOCHS) -> Group:
    """Choose an optimizer, with beta2 and eps of the Adam family besides."""
    return optimizer(epochs=epochs, wide=True)


def optimizer_by_rate() -> Group:
    """Choose an optimizer, with its decay by its rate, for data whose epochs have no known length."""
    return optimizer(timescale=False)


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
            **coupled_decay("sgd"),
        },
        class_path="torch.optim.SGD",
    )  # fmt: skip


def _adam(*, wide: bool) -> dict[str, Node]:
    narrow: dict[str, Node] = {"lr": _lr(), "one_minus_beta1": _one_minus_beta1()}
    if not wide:
        return narrow
    return {
        **narrow,
        "one_minus_beta2": Float(
            1e-4, 0.2, log=True, default=1e-3,
            why="1 - beta2: steps over which squared gradients are averaged are its inverse",
            source="AlgoPerf baselines, Dahl et al. 2023",
        ),
        "eps": Float(
            1e-10, 1e-3, log=True, default=1e-8,
            why="added to the root of the squared gradients; where it is large, Adam turns into SGD",
            source="Choi et al. 2020",
        ),
    }  # fmt: skip


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
