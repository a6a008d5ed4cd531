"""What was found out about a user's classes, as values that can cross to another process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Asked:
    """What `tuner init` is asked for: LightningCLI's sections, and the key of what named each.

    `source` is what messages call the place where the sections come from. `seed` is the configuration's.
    """

    sections: Mapping[str, Any]
    source: str
    seed: int = 0


@dataclass(frozen=True)
class Argument:
    """One argument of a class.

    `state` says where the value comes from: the user's configuration, the class, or, in a subclass of
    LightningCLI, a link; `missing` is a value that the user has to give. `kind` is its type.
    `shown` is a default that is no plain data, in Python's words. `part` is the class that the value names.
    """

    name: str
    kind: str
    state: Literal["given", "default", "missing", "linked"]
    value: Any = None
    shown: str = ""
    part: "Part | None" = None


@dataclass(frozen=True)
class Part:
    """A class that a configuration names, with its arguments in their order.

    `is_given` says that the user's configuration names it, and not the default of an argument.
    """

    class_path: str
    arguments: tuple[Argument, ...]
    is_given: bool = True


@dataclass(frozen=True)
class Metric:
    """A metric that a module logs: where, whether for a whole epoch, and how sure it is."""

    name: str
    where: str
    is_whole: bool = True
    direction: Literal["minimize", "maximize"] | None = None


@dataclass(frozen=True)
class Found:
    """What there is to write about.

    `parts` are the sections that name a class. `trainer` holds what the user has set, `left_out` the keys of
    the trainer that a search does without. `exposed` are the user's own values by parameter where the module
    exposes a space, else None. `own_optimizer` says that the module configures its optimizers, `is_manual`
    that it steps them itself.
    """

    name: str
    cli: str | None
    parts: Mapping[str, Part]
    trainer: Mapping[str, Any]
    left_out: tuple[str, ...]
    metrics: tuple[Metric, ...]
    exposed: Mapping[str, Any] | None
    own_optimizer: bool
    is_manual: bool
    seed: int


def arguments_of(part: Part, key: str) -> Iterator[tuple[str, Argument, Part]]:
    """Go through the arguments of a class and of those within, each with its key and its class."""
    for argument in part.arguments:
        inside = f"{key}.init_args.{argument.name}"
        yield inside, argument, part
        if argument.part is not None:
            yield from arguments_of(argument.part, inside)
