"""Soft rules between the catalogue's choices: what the literature expects, as data.

The search starts from some, and the report says whether the data agreed; none is ever enforced. What is
certain is no rule but part of the spaces: SGD is searched along lr / (1 - momentum), and the initial gain
exists without a norm only. Names are full names of the ready-made spaces; a rule speaks of a space that has
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from search_spaces.space.nodes import Group, Value
from search_spaces.space.parameters import options, parameters

Strength = Literal["weak", "medium", "strong"]


@dataclass(frozen=True)
class Shift:
    """A rule: with `gate` at `on` instead of `off` the best value of `parameter` is `factor` times as large.

    `parameter` is on a log scale and `gate` a choice; names are those of the space. `written` is the option
    for which the catalogue's prior of `parameter` is written; a search that is led by priors moves it at the
    other one. Without, the rule leads no search: it is contested, or speaks of more than two options.
    """

    statement: str
    parameter: str
    gate: str
    on: Value
    off: Value
    factor: float
    source: str
    strength: Strength = "medium"
    written: Value | None = None


@dataclass(frozen=True)
class Preference:
    """A rule: where each choice in `when` has the value beside it, `parameter` is best at `value`.

    For a range it is best within `bounds` instead, both included.
    """

    statement: str
    parameter: str
    when: Mapping[str, Value]
    source: str
    strength: Strength = "medium"
    value: Value | None = None
    bounds: tuple[float, float] | None = None


ADAPTIVE = ("rmsprop", "adam", "adamw", "nadamw")
SGD_RATES = ("lr_effective", "lr")

SHIFTS: tuple[Shift, ...] = (
    *(
        Shift(
            "With batch norm SGD's best learning rate is larger.",
            f"optimizer.sgd.{name}", "norm", "batch", "none", 3.0,
            "Ioffe and Szegedy 2015; Santurkar et al. 2018", "strong", "batch",
        )
        for name in SGD_RATES
    ),
    Shift(
        "With batch norm SGD needs less coupled L2.",
        "optimizer.sgd.weight_decay.rate", "norm", "batch", "none", 0.5, "van Laarhoven 2017", "medium",
        "batch",
    ),
    *(
        Shift(
            f"With dropout {spelled}'s best learning rate is not smaller.",
            f"optimizer.{name}.lr", "dropout", "on", "none", 1.4, "the catalogue", "medium",
            "none",
        )
        for name, spelled in (("adam", "Adam"), ("adamw", "AdamW"), ("nadamw", "NAdamW"))
    ),
    *(
        Shift(
            f"With dropout {spelled} needs less weight decay.",
            f"optimizer.{name}.weight_decay.rate", "dropout", "on", "none", 0.6, "Srivastava et al. 2014",
            "weak", "none",
        )
        for name, spelled in (("sgd", "SGD"), ("rmsprop", "RMSprop"), ("adam", "Adam"), ("adamw", "AdamW"))
    ),
    *(
        Shift(
            f"With dropout {spelled} needs less weight decay, which is a longer timescale.",
            f"optimizer.{name}.weight_decay.timescale", "dropout", "on", "none", 1 / 0.6,
            "Srivastava et al. 2014", "weak", "none",
        )
        for name, spelled in (("adamw", "AdamW"), ("nadamw", "NAdamW"))
    ),
    *(
        Shift(
            "With dropout and no max-norm SGD's best learning rate is smaller.",
            f"optimizer.sgd.{name}", "dropout", "on", "none", 0.4, "Srivastava et al. 2014, appendix A.2",
            "medium",
        )
        for name in SGD_RATES
    ),
    *(
        Shift(
            "SGD's best learning rate is proportional to the batch size.",
            f"optimizer.sgd.{name}", "batch_size", 256, 64, 4.0, "Goyal et al. 2017", "medium",
        )
        for name in SGD_RATES
    ),
    *(
        Shift(
            "The best learning rate of adaptive optimizers grows with the root of the batch size.",
            f"optimizer.{name}.lr", "batch_size", 256, 64, 2.0, "Malladi et al. 2022", "medium",
        )
        for name in ADAPTIVE
    ),
)  # fmt: skip

PREFERENCES: tuple[Preference, ...] = (
    Preference(
        "With batch norm dropout belongs behind the last norm.",
        "dropout.placement", {"norm": "batch", "dropout": "on"}, "Li et al. 2019", "strong",
        "after_last_norm",
    ),
    Preference(
        "With batch norm at most half of the units are dropped.",
        "dropout.rate", {"norm": "batch", "dropout": "on"}, "Li et al. 2019", "strong", bounds=(0.0, 0.5),
    ),
)  # fmt: skip


def rules_of(space: Group) -> tuple[Shift | Preference, ...]:
    """Give the rules of which a space has every parameter and every value."""
    known = {parameter.name: parameter.node for parameter in parameters(space)}

    def can_be(name: str, value: Value) -> bool:
        return name in known and value in options(known[name])

    every: tuple[Shift | Preference, ...] = (*SHIFTS, *PREFERENCES)
    return tuple(
        rule
        for rule in every
        if rule.parameter in known and all(can_be(name, value) for name, value in _needs(rule))
    )


def _needs(rule: Shift | Preference) -> list[tuple[str, Value]]:
    if isinstance(rule, Shift):
        return [(rule.gate, rule.on), (rule.gate, rule.off)]
    own = [] if rule.value is None else [(rule.parameter, rule.value)]
    return [*rule.when.items(), *own]
