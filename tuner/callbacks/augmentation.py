"""Samples mixed with one another or partly hidden, in training only: mixup, cutmix and cutout.

Each function takes and returns a whole batch. What mixes samples also mixes their targets, which are class
probabilities `(batch, classes)` then. All randomness is torch's global generator's.
"""

from math import sqrt

import torch
from torch import Tensor
from torch.distributions import Beta
from torch.nn import functional

IMAGES = 4  # dimensions of a batch of images: (batch, channels, height, width)


def mixup(x: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Mix every sample with another one: `share * x + (1 - share) * x'`, and the targets likewise.

    One share is drawn for the batch from Beta(alpha, alpha) (Zhang et al. 2018, equation 1); the partners are
    the batch in another order.

    Args:
        x: samples of any shape, `(batch, ...)`.
        targets: real numbers, `(batch, ...)`: class probabilities, or what a regression predicts.
        alpha: positive; the larger, the nearer to one half the share.
    """
    share = Beta(alpha, alpha, validate_args=False).sample()
    partners = torch.randperm(len(x))
    return torch.lerp(x[partners], x, share), torch.lerp(targets[partners], targets, share)


def cutmix(x: Tensor, targets: Tensor, probability: float) -> tuple[Tensor, Tensor]:
    """Replace a rectangle of every image by that of another one, and the targets by its share of the area.

    With the given `probability` a batch is mixed. The rectangle has the proportions of the image, a uniform
    area and a uniform centre, and is cut off at the borders (Yun et al. 2019, section 3.2).

    Args:
        x: images, `(batch, channels, height, width)`.
        targets: class probabilities, `(batch, classes)`.
        probability: in [0, 1].
    """
    if torch.rand(()) >= probability:
        return x, targets
    height, width = x.shape[2:]
    side = sqrt(1 - float(torch.rand(())))
    top, bottom = _cut(height, side)
    left, right = _cut(width, side)
    partners = torch.randperm(len(x))
    mixed = x.clone()
    mixed[:, :, top:bottom, left:right] = x[partners, :, top:bottom, left:right]
    replaced = (bottom - top) * (right - left) / (height * width)
    return mixed, torch.lerp(targets, targets[partners], replaced)


def _cut(length: int, side: float) -> tuple[int, int]:
    centre, half = int(torch.randint(length, ())), int(length * side) // 2
    return max(centre - half, 0), min(centre + half, length)


def cutout(x: Tensor, probability: float, patch: float) -> Tensor:
    """Set a square of some images to zero (DeVries & Taylor 2017).

    Args:
        x: images, `(batch, channels, height, width)`.
        probability: the share of images that lose a square, in [0, 1].
        patch: side of the square as a share of the image's shorter side; a square with its centre near the
            border is cut off there.
    """
    samples, _, height, width = x.shape
    half = patch * min(height, width) / 2

    def inside(length: int) -> Tensor:
        centres = torch.rand(samples, 1) * length
        return (torch.arange(length) + 0.5 - centres).abs() <= half

    rows, columns = inside(height), inside(width)
    chosen = torch.rand(samples) < probability
    hidden = rows[:, None, :, None] & columns[:, None, None, :] & chosen[:, None, None, None]
    return x.masked_fill(hidden.to(x.device), 0.0)


class Augmentation:
    """Augment the batches of a classification as its arguments say; at zero each of them does nothing.

    Args:
        mixup_alpha: as `mixup` takes it.
        cutmix_probability: as `cutmix` takes it.
        cutout_probability, cutout_patch: as `cutout` takes them.

    Raises:
        ValueError: an argument is negative, or a probability or share is above one; when called, cutmix or
            cutout is on and the samples are no images.
    """

    def __init__(
        self,
        *,
        mixup_alpha: float = 0.0,
        cutmix_probability: float = 0.0,
        cutout_probability: float = 0.0,
        cutout_patch: float = 0.5,
    ) -> None:
        if mixup_alpha < 0:
            raise ValueError(f"mixup_alpha >= 0 must hold, but got mixup_alpha={mixup_alpha}; 0 turns it off")
        shares = {
            "cutmix_probability": cutmix_probability,
            "cutout_probability": cutout_probability,
            "cutout_patch": cutout_patch,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"0 <= {name} <= 1 must hold, but got {name}={share}; name a share")
        self.mixup_alpha = mixup_alpha
        self.cutmix_probability = cutmix_probability
        self.cutout_probability = cutout_probability
        self.cutout_patch = cutout_patch

    def __call__(self, x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Augment a batch of samples `(batch, ...)` with classes `(batch,)` out of so many.

        Returns:
            The samples, and their classes `(batch,)` or, where samples were mixed, the probabilities
            `(batch, classes)`.
        """
        if (self.cutout_probability or self.cutmix_probability) and x.ndim != IMAGES:
            raise ValueError(
                "cutmix and cutout are for images (batch, channels, height, width), but the samples have the "
                f"shape {tuple(x.shape)}; turn them off, or use mixup"
            )
        if self.cutout_probability:
            x = cutout(x, self.cutout_probability, self.cutout_patch)
        if not self.mixup_alpha and not self.cutmix_probability:
            return x, y
        targets = functional.one_hot(y, classes).to(x.dtype)
        if self.mixup_alpha:
            x, targets = mixup(x, targets, self.mixup_alpha)
        if self.cutmix_probability:
            x, targets = cutmix(x, targets, self.cutmix_probability)
        return x, targets
