"""What every classifier of ours does, whatever its network: its loss, its regularizers, what it logs."""

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from tuner.training.augmentation import Augmentation


class Classifier(LightningModule):
    """Classify by cross-entropy; a subclass makes `self.network`, which maps samples to logits.

    It logs `train_loss`, `val_loss` and `test_loss` (mean cross-entropy a sample, in nats, without label
    smoothing) and `val_error` and `test_error` (share of samples whose likeliest class is wrong), each once
    an epoch. Smoothing and augmentation act in training only, so `train_loss` is that of the augmented
    samples. Its optimizer is LightningCLI's `optimizer` section.

    Args:
        classes: number of classes.
        label_smoothing: share of the target that is spread over all classes alike (Szegedy et al. 2016).
        mixup_alpha, cutmix_probability, cutout_probability, cutout_patch: as `Augmentation` takes them.

    Raises:
        ValueError: `label_smoothing` is not in [0, 1), or as `Augmentation` raises it.
    """

    network: nn.Module

    def __init__(
        self,
        *,
        classes: int,
        label_smoothing: float = 0.0,
        mixup_alpha: float = 0.0,
        cutmix_probability: float = 0.0,
        cutout_probability: float = 0.0,
        cutout_patch: float = 0.5,
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"0 <= label_smoothing < 1 must hold, but got label_smoothing={label_smoothing}; 0.1 is usual"
            )
        self.label_smoothing = label_smoothing
        self.augmentation = Augmentation(
            classes,
            mixup_alpha=mixup_alpha,
            cutmix_probability=cutmix_probability,
            cutout_probability=cutout_probability,
            cutout_patch=cutout_patch,
        )
        self.epoch_losses: list[Tensor] = []
        self.epoch_sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        """Map samples `(batch, ...)` to class logits `(batch, classes)`."""
        logits: Tensor = self.network(x)
        return logits

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before, or of a fit that was interrupted."""
        self.epoch_losses.clear()
        self.epoch_sizes.clear()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of a batch, augmented and smoothed."""
        x, y = batch
        x, targets = self.augmentation(x, y)
        logits = self.network(x)
        loss = functional.cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        # A call of self.log on each step would make a small step a fifth slower; the mean over the epoch is
        # the same.
        is_plain = self.label_smoothing == 0
        self.epoch_losses.append(
            loss.detach() if is_plain else functional.cross_entropy(logits.detach(), targets)
        )
        self.epoch_sizes.append(len(y))
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the mean training loss of the epoch, as the weights stood at each step."""
        losses, sizes = torch.stack(self.epoch_losses), torch.tensor(self.epoch_sizes, device=self.device)
        self.log("train_loss", (losses * sizes).sum() / sizes.sum(), sync_dist=True)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `val_loss` and `val_error`."""
        self.log_scores("val", batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `test_loss` and `test_error`."""
        self.log_scores("test", batch)

    def log_scores(self, part: str, batch: tuple[Tensor, Tensor]) -> None:
        """Log cross-entropy and error as `{part}_loss` and `{part}_error`, averaged over the samples."""
        x, y = batch
        logits = self.network(x)
        scores = {
            f"{part}_loss": functional.cross_entropy(logits, y),
            f"{part}_error": (logits.argmax(dim=1) != y).float().mean(),
        }
        self.log_dict(scores, batch_size=len(y), sync_dist=True)
