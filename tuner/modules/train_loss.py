"""The training loss of an epoch, logged once."""

import torch
from pytorch_lightning import LightningModule
from torch import Tensor


class TrainLoss(LightningModule):
    """A module that logs `train_loss`: the mean over the samples of an epoch, each as the weights stood then.

    A call of `self.log` on each step would make a small step a fifth slower; the mean over the epoch is the
    same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch_losses: list[Tensor] = []
        self.epoch_sizes: list[int] = []

    def keep_loss(self, loss: Tensor, samples: int) -> None:
        """Keep the mean loss of a batch of so many samples until the epoch is over."""
        self.epoch_losses.append(loss.detach())
        self.epoch_sizes.append(samples)

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before, or of a fit that was interrupted."""
        self.epoch_losses.clear()
        self.epoch_sizes.clear()

    def on_train_epoch_end(self) -> None:
        """Log the mean."""
        losses, sizes = torch.stack(self.epoch_losses), torch.tensor(self.epoch_sizes, device=self.device)
        self.log("train_loss", (losses * sizes).sum() / sizes.sum(), sync_dist=True)
