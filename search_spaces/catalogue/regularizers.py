"""Regularizers of weights, activations and targets: dropout, L1, max-norm, clipping, smoothing."""

from typing import Any

from search_spaces.space.nodes import Categorical, Choice, Float, Group, Prior


def dropout(*, of_input: bool = True) -> Group:
    """Dropout on or off; if on, its rate, its place among the layers, and the rate of the input.

    Writes `model.init_args.dropout` (the rate, 0 where it is off), `model.init_args.dropout_placement` and,
    with `of_input`, `model.init_args.dropout_input`.
    """
    off: dict[str, Any] = {"model.init_args.dropout": 0.0}
    off |= {"model.init_args.dropout_input": 0.0} if of_input else {}
    when = {"dropout": ("on",)}
    group = Group(
        {
            "dropout": Choice(
                {"none": Group(set=off), "on": Group()}, default="none",
                why="noise in the activations; replaces part of the weight decay",
                source="Srivastava et al. 2014",
            ),
            "dropout.rate": Float(
                0.05, 0.7, default=0.25, prior=Prior(0.25, 0.15), target="model.init_args.dropout", when=when,
                unit="share of units", why="the share of units set to zero in a training step",
                source="Kadra et al. 2021",
            ),
            "dropout.placement": Categorical(
                ("each", "before_norm", "after_last_norm"), default="after_last_norm",
                target="model.init_args.dropout_placement", when=when,
                why="before a norm, dropout shifts the variance that the norm has learnt",
                source="Li et al. 2019, Understanding the disharmony between dropout and batch normalization",
            ),
        }
    )  # fmt: skip
    if not of_input:
        return group
    share = Float(
        0.0, 0.3, default=0.0, target="model.init_args.dropout_input", when=when, unit="share of inputs",
        why="the share of inputs set to zero in a training step; inputs bear less of it than hidden units",
        source="Srivastava et al. 2014, appendix A.4",
    )  # fmt: skip
    return Group({**group.children, "dropout.input": share})


def l1() -> Group:
    """L1 on or off; if on, its strength, by a proximal step that leaves exact zeros."""
    return Group(
        {
            "l1": Choice(
                {"none": Group(), "on": Group(set=_callback("l1", "ProximalL1", strength=1e-5))},
                default="none", why="takes weights out altogether, where L2 only makes them small",
                source="Tibshirani 1996",
            ),
            "l1.strength": Float(
                1e-7, 1e-2, log=True, default=1e-5, prior=Prior(1e-5, 1.0),
                target="callbacks.l1.init_args.strength", when={"l1": ("on",)}, unit="loss / weight",
                why="the factor of the sum of absolute weights that is added to the loss",
                source="Yun et al. 2021, Adaptive proximal gradient methods",
            ),
        }
    )  # fmt: skip


def max_norm() -> Group:
    """Max-norm on or off, for SGD with dropout; if on, the bound of each unit's incoming weights.

    It needs the choices `optimizer` and `dropout` before it.
    """
    when = {"optimizer": ("sgd",), "dropout": ("on",)}
    return Group(
        {
            "max_norm": Choice(
                {"none": Group(), "on": Group(set=_callback("max_norm", "MaxNorm", limit=3.0))},
                default="none", when=when,
                why="lets dropout use large learning rates, whose noise would blow the weights up",
                source="Srivastava et al. 2014, section 5.1",
            ),
            "max_norm.limit": Float(
                1.0, 5.0, log=True, default=3.0, prior=Prior(3.0, 0.2),
                target="callbacks.max_norm.init_args.limit", when={"max_norm": ("on",)}, unit="weight",
                why="the largest length of the weights that lead into a unit",
                source="Srivastava et al. 2014, appendix A.3",
            ),
        }
    )  # fmt: skip


def label_smoothing() -> Group:
    """Label smoothing on or off; if on, its rate. Writes `model.init_args.label_smoothing`."""
    key = "model.init_args.label_smoothing"
    return Group(
        {
            "label_smoothing": Choice(
                {"none": Group(set={key: 0.0}), "on": Group()}, default="none",
                why="keeps logits from growing for ever once every training sample is right",
                source="Szegedy et al. 2016",
            ),
            "label_smoothing.rate": Float(
                0.01, 0.3, default=0.1, prior=Prior(0.1, 0.1), target=key, when={"label_smoothing": ("on",)},
                unit="share of the target", why="the share of the target that is spread over all classes",
                source="Szegedy et al. 2016; Müller et al. 2019",
            ),
        }
    )  # fmt: skip


def gradient_clipping() -> Group:
    """Clip the gradient's norm or not; if so, at which norm. Writes `trainer.gradient_clip_val`."""
    value, kind = "trainer.gradient_clip_val", "trainer.gradient_clip_algorithm"
    return Group(
        {
            "grad_clip": Choice(
                {"none": Group(set={value: None}), "on": Group(set={kind: "norm"})}, default="none",
                why="one bad batch cannot throw the weights far away", source="Pascanu et al. 2013",
            ),
            "grad_clip.norm": Float(
                0.1, 10.0, log=True, default=1.0, prior=Prior(1.0, 0.5), target=value,
                when={"grad_clip": ("on",)}, unit="gradient norm",
                why="the largest norm of the whole gradient; a larger one is scaled down to it",
                source="Deep Learning Tuning Playbook, Godbole et al. 2023",
            ),
        }
    )  # fmt: skip


def _callback(name: str, cls: str, **init_args: float) -> dict[str, Any]:
    return {f"callbacks.{name}": {"class_path": f"tuner.callbacks.constraints.{cls}", "init_args": init_args}}
