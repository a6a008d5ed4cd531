"""The catalogue by name: what `tuner spaces` lists and `use:` in a study file accepts."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from search_spaces import initialization, normalization, optimizers, recipe, regularizers, schedules
from search_spaces.errors import UnknownSpace
from search_spaces.space import Group

CATALOGUE: Mapping[str, Callable[[], Group]] = {
    "recipe.quick": recipe.quick,
    "optimizer": optimizers.optimizer,
    "norm": normalization.norm,
    "init": initialization.norm_and_initialization,
    "dropout": regularizers.dropout,
    "schedule.cosine": schedules.cosine_with_warmup,
}


def named_space(name: str) -> Group:
    """Give the catalogue's space of that name.

    Raises:
        UnknownSpace: the catalogue has no such entry.
    """
    if name not in CATALOGUE:
        near = get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(CATALOGUE)}."
        raise UnknownSpace(f"The catalogue has no space {name!r}; {hint}")
    return CATALOGUE[name]()
