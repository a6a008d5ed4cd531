"""Augmentation of training samples, by mixing them or hiding parts of them."""

from search_spaces.space.nodes import Choice, Float, Group, Node, Prior

_OFF = {"mixup": "mixup_alpha", "cutmix": "cutmix_probability", "cutout": "cutout_probability"}


def mixup() -> Group:
    """Mix samples of any kind or not. Writes `model.init_args.mixup_alpha`."""
    return _augment("mixup")


def augmentation_of_images() -> Group:
    """Mix images by mixup or cutmix, hide squares by cutout, or neither.

    Writes `mixup_alpha`, `cutmix_probability`, `cutout_probability` and `cutout_patch` of the model's
    `init_args`.
    """
    return _augment("mixup", "cutmix", "cutout")


def _augment(*kinds: str) -> Group:
    keys = {kind: f"model.init_args.{_OFF[kind]}" for kind in kinds}
    inside: dict[str, dict[str, Node]] = {
        "mixup": {"alpha": _mixup_alpha()},
        "cutmix": {
            "probability": _probability(
                "the share of batches whose images get a rectangle of another image",
                "Yun et al. 2019",
                "model.init_args.cutmix_probability",
            )
        },
        "cutout": {
            "probability": _probability(
                "the share of images that lose a square",
                "DeVries & Taylor 2017",
                "model.init_args.cutout_probability",
            ),
            "patch": _patch(),
        },
    }
    # A branch turns the others off, so that none of them is left over from the study's own arguments.
    branches = {"none": Group(set=dict.fromkeys(keys.values(), 0.0))} | {
        kind: Group(inside[kind], set={key: 0.0 for other, key in keys.items() if other != kind})
        for kind in kinds
    }
    choice = Choice(
        branches,
        default="none",
        why="samples that the data do not hold, and less trust in each label",
        source="Kadra et al. 2021",
    )
    return Group({"augment": choice})


def _mixup_alpha() -> Float:
    return Float(
        0.05,
        1.0,
        default=0.2,
        prior=Prior(0.2, 0.3),
        target="model.init_args.mixup_alpha",
        why="Beta(alpha, alpha) gives the share of each of two samples: 1 is uniform, near 0 mixes little",
        source="Zhang et al. 2018",
    )


def _probability(why: str, source: str, target: str) -> Float:
    return Float(0.05, 1.0, default=0.5, prior=Prior(0.5, 0.3), target=target, why=why, source=source)


def _patch() -> Float:
    return Float(
        0.05, 0.8, default=0.4, prior=Prior(0.4, 0.2), target="model.init_args.cutout_patch",
        unit="share of the side", why="the side of the square, as a share of the image's shorter side",
        source="DeVries & Taylor 2017",
    )  # fmt: skip
