"""A regression that obeys the catalogue's choices."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.catalogue.recipes import cocktail_for_regression
from search_spaces.catalogue.weight_decay import EPOCHS
from search_spaces.space.nodes import Group
from tuner.callbacks.augmentation import mixup
from tuner.errors import BadConfiguration
from tuner.modules.initialization import Scheme
from tuner.modules.layers import Activation, DropoutPlacement, Norm, NormPlacement
from tuner.modules.networks import multilayer_perceptron
from tuner.modules.shaped_by_data import ShapedByData
from tuner.modules.train_loss import TrainLoss


class MLPRegressor(ShapedByData, TrainLoss):
    """A multilayer perceptron that predicts a quantity from vectors by least squares.

    It logs, each once an epoch, `train_loss`, `val_loss` and `test_loss`: the mean squared error of the
    standardized target, so that predicting the mean of the training part scores about 1, and 1 - loss is the
    share of the variance explained; and `val_rmse`, `val_mae`, `test_rmse` and `test_mae`: the root of the
    mean squared error and the mean absolute error, in the target's own unit, for data that tell how they
    standardized it by `target_mean` and `target_scale`. Its optimizer is LightningCLI's `optimizer` section.

    Args:
        features: length of an input vector; null takes what the data have.
        hidden: width of each hidden layer; without any, the model is linear.
        activation, norm, norm_placement, dropout, dropout_placement, dropout_input, skip, drop_path: as
            `regularized_stack` describes them.
        init_scheme, init_gain: how the weights of every layer are drawn, as `initialize` describes it.
        mixup_alpha: as `mixup` takes it, which mixes targets too; 0 turns it off.

    Raises:
        ValueError: a share or probability lies outside its range.
        BadConfiguration: when the data are set up, `features` is not theirs, or they have classes to predict.
    """

    target_mean: Tensor
    target_scale: Tensor

    def __init__(  # noqa: PLR0917 - LightningCLI gives them by name
        self,
        features: int | None = None,
        hidden: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        norm: Norm = "none",
        norm_placement: NormPlacement = "pre",
        dropout: float = 0.0,
        dropout_placement: DropoutPlacement = "after_last_norm",
        dropout_input: float = 0.0,
        skip: bool = False,  # noqa: FBT001, FBT002 - LightningCLI gives it by name
        drop_path: float = 0.0,
        init_scheme: Scheme = "torch",
        init_gain: float = 1.0,
        mixup_alpha: float = 0.0,
    ) -> None:
        super().__init__()
        if mixup_alpha < 0:
            raise ValueError(f"mixup_alpha >= 0 must hold, but got mixup_alpha={mixup_alpha}; 0 turns it off")
        self.save_hyperparameters()
        self.mixup_alpha = mixup_alpha
        self.make = partial(
            multilayer_perceptron,
            hidden=hidden,
            activation=activation,
            norm=norm,
            norm_placement=norm_placement,
            dropout=dropout,
            dropout_placement=dropout_placement,
            dropout_input=dropout_input,
            skip=skip,
            drop_path=drop_path,
            init_scheme=init_scheme,
            init_gain=init_gain,
        )
        # Kept with the weights, because without them a prediction has no unit.
        self.register_buffer("target_mean", torch.tensor(0.0))
        self.register_buffer("target_scale", torch.tensor(1.0))
        self.errors: list[Tensor] = []
        self.take_sizes(features=features)

    def make_network(self, **sizes: int) -> nn.Module:
        """Make the network from vectors `(batch, features)` to one number each, `(batch, 1)`."""
        return self.make(sizes["features"], 1)

    def adapt_to(self, data: Any) -> None:
        """Take the size and the target's unit from the data.

        Raises:
            BadConfiguration: the size contradicts the data's, or they have classes to predict.
        """
        if getattr(data, "classes", None) is not None:
            raise BadConfiguration(
                "model.class_path",
                f"{type(self).__name__} predicts a quantity, but the target has {data.classes} classes; use "
                f"MLPClassifier, or write data.init_args.task: regression.",
            )
        super().adapt_to(data)
        self.target_mean.fill_(getattr(data, "target_mean", 0.0))
        self.target_scale.fill_(getattr(data, "target_scale", 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Predict the quantity of vectors `(batch, features)`, `(batch,)`, in its own unit."""
        return self.standardized(x) * self.target_scale + self.target_mean

    def standardized(self, x: Tensor) -> Tensor:
        """Predict the standardized quantity of vectors `(batch, features)`, `(batch,)`."""
        prediction: Tensor = self.network(x).squeeze(dim=1)
        return prediction

    def plain_loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Give the mean squared error of a batch, of the standardized target, without mixing."""
        x, y = batch
        return functional.mse_loss(self.standardized(x), y)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean squared error of a batch."""
        x, y = batch
        if self.mixup_alpha:
            x, y = mixup(x, y, self.mixup_alpha)
        loss = functional.mse_loss(self.standardized(x), y)
        self.keep_loss(loss, len(y))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Keep the errors of a batch."""
        self.keep_errors(batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Keep the errors of a batch."""
        self.keep_errors(batch)

    def on_validation_epoch_end(self) -> None:
        """Log `val_loss`, `val_rmse` and `val_mae`."""
        self.log_scores("val")

    def on_test_epoch_end(self) -> None:
        """Log `test_loss`, `test_rmse` and `test_mae`."""
        self.log_scores("test")

    def keep_errors(self, batch: tuple[Tensor, Tensor]) -> None:
        """Keep the errors of a batch until the epoch is over: a root is no mean over batches."""
        x, y = batch
        self.errors.append(self.standardized(x) - y)

    def log_scores(self, part: str) -> None:
        """Log the three scores of the errors kept; in several processes, the mean of each one's."""
        if not self.errors:
            return
        errors = torch.cat(self.errors)
        self.errors.clear()
        squared = errors.square().mean()
        scores = {
            f"{part}_loss": squared,
            f"{part}_rmse": squared.sqrt() * self.target_scale,
            f"{part}_mae": errors.abs().mean() * self.target_scale,
        }
        self.log_dict(scores, sync_dist=True)

    @staticmethod
    def search_space(epochs: int = EPOCHS) -> Group:
        """Give the space that this module obeys, `recipe.cocktail_for_regression`, for so many epochs."""
        return cocktail_for_regression(epochs=epochs)
