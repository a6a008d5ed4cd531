"""The catalogue by name: what `tuner spaces` lists and `use:` in a study file accepts."""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from search_spaces.catalogue import (
    augmentation,
    averaging,
    initialization,
    normalization,
    optimizers,
    recipes,
    regularizers,
    schedules,
    structure,
)
from search_spaces.errors import UnknownSpace
from search_spaces.space.nodes import Group

CATALOGUE: Mapping[str, Callable[..., Group]] = {
    "recipe.quick": recipes.quick,
    "recipe.cocktail": recipes.cocktail,
    "recipe.cocktail.images": recipes.cocktail_for_images,
    "recipe.cocktail.regression": recipes.cocktail_for_regression,
    "recipe.wide": recipes.wide,
    "recipe.wide.images": recipes.wide_for_images,
    "recipe.wide.regression": recipes.wide_for_regression,
    "optimizer": optimizers.optimizer,
    "optimizer.wide": optimizers.wide_optimizer,
    "optimizer.rate": optimizers.optimizer_by_rate,
    "schedule": schedules.schedule,
    "schedule.cosine": schedules.cosine_with_warmup,
    "norm": normalization.norm,
    "init": initialization.norm_and_initialization,
    "dropout": regularizers.dropout,
    "l1": regularizers.l1,
    "label_smoothing": regularizers.label_smoothing,
    "grad_clip": regularizers.gradient_clipping,
    "augment": augmentation.mixup,
    "augment.images": augmentation.augmentation_of_images,
    "averaging": averaging.averaging,
    "skip": structure.skip,
    "activation": structure.activation,
    "batch_size": structure.batch_size,
}


def named_space(name: str, epochs: int | None = None) -> Group:
    """Give the catalogue's space of that name, for trials of `epochs` if that is known.

    Raises:
        UnknownSpace: the catalogue has no such entry.
    """
    if name not in CATALOGUE:
        near = get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(CATALOGUE)}."
        raise UnknownSpace(f"The catalogue has no space {name!r}; {hint}")
    return made_for(CATALOGUE[name], epochs)


def made_for(make: Callable[..., Group], epochs: int | None) -> Group:
    """Let `make` know the epochs of a trial, if they are known and it asks for them."""
    if epochs is None or "epochs" not in inspect.signature(make).parameters:
        return make()
    return make(epochs=epochs)
