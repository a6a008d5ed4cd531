"""Ready-made compositions of the catalogue."""

from search_spaces.catalogue.augmentation import augmentation_of_images, mixup
from search_spaces.catalogue.averaging import averaging
from search_spaces.catalogue.initialization import initialization
from search_spaces.catalogue.normalization import norm
from search_spaces.catalogue.optimizers import optimizer
from search_spaces.catalogue.regularizers import dropout, gradient_clipping, l1, label_smoothing, max_norm
from search_spaces.catalogue.schedules import cosine_with_warmup, schedule
from search_spaces.catalogue.structure import activation, batch_size, skip
from search_spaces.catalogue.weight_decay import EPOCHS
from search_spaces.space.algebra import combine, narrow
from search_spaces.space.nodes import Group


def quick() -> Group:
    """Combine what everyone tunes: optimizer, learning rate, weight decay, dropout, BatchNorm's placement."""
    optimizers = narrow(optimizer(timescale=False), "optimizer", choices=["sgd", "rmsprop", "adam", "adamw"])
    norms = narrow(norm(), "norm", choices=["none", "batch"])
    return combine(optimizers, norms, dropout(of_input=False), cosine_with_warmup())


def cocktail(
    *, epochs: int = EPOCHS, images: bool = False, classification: bool = True, wide: bool = False
) -> Group:
    """Combine the whole catalogue but what is only searched when asked for; for a classifier.

    A module obeys it that takes these `init_args`: norm, norm_placement, init_scheme, init_gain, dropout,
    dropout_placement, dropout_input, skip, drop_path, mixup_alpha and, of a classifier, label_smoothing.
    Everything else is written to the optimizer, the trainer and its callbacks.

    Args:
        epochs: of a trial; the range of a decay's timescale follows from it.
        images: whether the samples are images, so that cutmix and cutout are choices; the module then takes
            cutmix_probability, cutout_probability and cutout_patch as well.
        classification: whether labels can be smoothed.
        wide: whether beta2 and eps of the Adam family vary too.
    """
    return combine(
        optimizer(epochs=epochs, wide=wide),
        schedule(),
        norm(),
        initialization(),
        dropout(),
        max_norm(),
        l1(),
        *([label_smoothing()] if classification else []),
        augmentation_of_images() if images else mixup(),
        gradient_clipping(),
        averaging(),
        skip(),
    )


def cocktail_for_images(*, epochs: int = EPOCHS) -> Group:
    """Combine what `recipe.cocktail` has and the augmentation of images."""
    return cocktail(epochs=epochs, images=True)


def cocktail_for_regression(*, epochs: int = EPOCHS) -> Group:
    """Combine what `recipe.cocktail` has but label smoothing."""
    return cocktail(epochs=epochs, classification=False)


def wide(*, epochs: int = EPOCHS, images: bool = False, classification: bool = True) -> Group:
    """Combine everything: `recipe.cocktail`, beta2 and eps, the activation function, the batch size."""
    whole = cocktail(epochs=epochs, images=images, classification=classification, wide=True)
    return combine(whole, activation(), batch_size())


def wide_for_images(*, epochs: int = EPOCHS) -> Group:
    """Combine everything, with the augmentation of images."""
    return wide(epochs=epochs, images=True)


def wide_for_regression(*, epochs: int = EPOCHS) -> Group:
    """Combine everything but label smoothing."""
    return wide(epochs=epochs, classification=False)
