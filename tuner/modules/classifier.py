"""What every classifier of ours does, whatever its network: its loss, its regularizers, what it logs."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tuner.callbacks.augmentation import Augmentation
from tuner.errors import BadConfiguration
from tuner.modules.shaped_by_data import ShapedByData
from tuner.modules.train_loss import TrainLoss


class Classifier(ShapedByData, TrainLoss):
    """Classify by cross-entropy; a subclass makes the network, which maps samples to logits.

    It logs, each once an epoch, `train_loss`, `val_loss` and `test_loss` (mean cross-entropy a sample, in
    nats, without label smoothing), `val_error` and `test_error` (share of samples whose likeliest class is
    wrong) and `val_balanced_error` and `test_balanced_error` (the same share of each class, averaged over the
    classes; one minus the balanced accuracy). Smoothing and augmentation act in training only, so
    `train_loss` is that of the augmented samples. Data with `loss_weights` weight each sample of a loss by
    its class. Its optimizer is LightningCLI's `optimizer` section.

    Args:
        label_smoothing: share of the target that is spread over all classes alike (Szegedy et al. 2016).
        mixup_alpha, cutmix_probability, cutout_probability, cutout_patch: as `Augmentation` takes them.

    Raises:
        ValueError: `label_smoothing` is not in [0, 1), or as `Augmentation` raises it.
    """

    loss_weights: Tensor | None

    def __init__(
        self,
        *,
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
            mixup_alpha=mixup_alpha,
            cutmix_probability=cutmix_probability,
            cutout_probability=cutout_probability,
            cutout_patch=cutout_patch,
        )
        self.hits: Tensor | None = None  # of each class, and how often it occurred
        self.register_buffer("loss_weights", None, persistent=False)

    def adapt_to(self, data: Any) -> None:
        """Take sizes and weights from the data.

        Raises:
            BadConfiguration: a size contradicts the data's, or they have a quantity to predict.
        """
        if getattr(data, "classes", 0) is None:
            raise BadConfiguration(
                "model.class_path",
                f"{type(self).__name__} predicts classes, but the target is a quantity; use MLPRegressor, or "
                f"write data.init_args.task: classification.",
            )
        super().adapt_to(data)
        self.loss_weights = getattr(data, "loss_weights", None)

    def cross_entropy(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Give the mean cross-entropy of classes `(batch,)` or probabilities `(batch, classes)`, weighted."""
        if self.loss_weights is None:
            return functional.cross_entropy(logits, targets, label_smoothing=label_smoothing)
        # Divided by the number of samples and not by the sum of their weights, whose mean over the training
        # part is one, so that the mean over batches is that over samples.
        each = functional.cross_entropy(
            logits, targets, self.loss_weights, label_smoothing=label_smoothing, reduction="none"
        )
        return each.mean()

    def forward(self, x: Tensor) -> Tensor:
        """Map samples `(batch, ...)` to class logits `(batch, classes)`."""
        logits: Tensor = self.network(x)
        return logits

    def plain_loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Give the mean cross-entropy of a batch, neither augmented nor smoothed."""
        x, y = batch
        return self.cross_entropy(self.network(x), y)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of a batch, augmented and smoothed."""
        x, y = batch
        x, targets = self.augmentation(x, y, self.sizes["classes"] or 0)
        logits = self.network(x)
        loss = self.cross_entropy(logits, targets, self.label_smoothing)
        is_plain = self.label_smoothing == 0
        self.keep_loss(loss if is_plain else self.cross_entropy(logits.detach(), targets), len(y))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `val_loss` and `val_error`."""
        self.log_scores("val", batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `test_loss` and `test_error`."""
        self.log_scores("test", batch)

    def on_validation_epoch_end(self) -> None:
        """Log `val_balanced_error`."""
        self.log_balanced_error("val")

    def on_test_epoch_end(self) -> None:
        """Log `test_balanced_error`."""
        self.log_balanced_error("test")

    def log_scores(self, part: str, batch: tuple[Tensor, Tensor]) -> None:
        """Log cross-entropy and error as `{part}_loss` and `{part}_error`, averaged over the samples."""
        x, y = batch
        logits = self.network(x)
        is_right = logits.argmax(dim=1) == y
        scores = {
            f"{part}_loss": self.cross_entropy(logits, y),
            f"{part}_error": (~is_right).float().mean(),
        }
        self.log_dict(scores, batch_size=len(y), sync_dist=True)
        classes = logits.shape[1]
        counts = torch.stack([torch.bincount(of, minlength=classes) for of in (y[is_right], y)])
        self.hits = counts if self.hits is None else self.hits + counts

    def log_balanced_error(self, part: str) -> None:
        """Log the mean error of the classes that occurred; in several processes, the mean of theirs."""
        if self.hits is not None:
            right, occurred = self.hits[:, self.hits[1] > 0]
            self.log(f"{part}_balanced_error", 1 - (right / occurred).mean(), sync_dist=True)
        self.hits = None
