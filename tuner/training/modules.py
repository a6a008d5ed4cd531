"""Modules that expose the catalogue's choices."""

from collections.abc import Sequence

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.recipe import quick
from search_spaces.space import Group
from tuner.training.initialization import Scheme, initialize
from tuner.training.layers import Activation, DropoutPlacement, Norm, NormPlacement, regularized_stack


class MLPClassifier(LightningModule):
    """A multilayer perceptron that classifies vectors by cross-entropy.

    It logs `train_loss`, `val_loss` and `test_loss` (mean cross-entropy a sample, in nats) and `val_error`
    and `test_error` (share of samples whose likeliest class is wrong), each once an epoch. Its optimizer is
    LightningCLI's `optimizer` section.

    Args:
        features: length of an input vector.
        classes: number of classes.
        hidden: width of each hidden layer; without any, the model is linear.
        activation, norm, norm_placement, dropout, dropout_placement: as `regularized_block` describes them.
        init_scheme, init_gain: how the weights of every layer are drawn, as `initialize` describes it.

    Raises:
        ValueError: `dropout` is not a probability.
    """

    def __init__(  # noqa: PLR0917 - LightningCLI gives them by name
        self,
        features: int = 64,
        classes: int = 10,
        hidden: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        norm: Norm = "none",
        norm_placement: NormPlacement = "pre",
        dropout: float = 0.0,
        dropout_placement: DropoutPlacement = "after_last_norm",
        init_scheme: Scheme = "torch",
        init_gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        widths = [features, *hidden]
        body = regularized_stack(
            widths,
            activation=activation,
            norm=norm,
            norm_placement=norm_placement,
            dropout=dropout,
            dropout_placement=dropout_placement,
        )
        self.network = nn.Sequential(*body, nn.Linear(widths[-1], classes))
        initialize(self.network, init_scheme, init_gain)
        self.epoch_losses: list[Tensor] = []
        self.epoch_sizes: list[int] = []

    @staticmethod
    def search_space() -> Group:
        """Give the space that this module obeys: every choice of `recipe.quick`."""
        return quick()

    def forward(self, x: Tensor) -> Tensor:
        """Map vectors `(batch, features)` to class logits `(batch, classes)`."""
        logits: Tensor = self.network(x)
        return logits

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before, or of a fit that was interrupted."""
        self.epoch_losses.clear()
        self.epoch_sizes.clear()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        x, y = batch
        loss = functional.cross_entropy(self.network(x), y)
        # A call of self.log on each step would make a small step a fifth slower; the mean over the epoch is
        # the same.
        self.epoch_losses.append(loss.detach())
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
