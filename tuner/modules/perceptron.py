"""A classifier of vectors that obeys the catalogue's choices."""

from collections.abc import Sequence
from functools import partial

from torch import nn

from search_spaces.catalogue.recipes import cocktail
from search_spaces.catalogue.weight_decay import EPOCHS
from search_spaces.space.nodes import Group
from tuner.modules.classifier import Classifier
from tuner.modules.initialization import Scheme
from tuner.modules.layers import Activation, DropoutPlacement, Norm, NormPlacement
from tuner.modules.networks import multilayer_perceptron


class MLPClassifier(Classifier):
    """A multilayer perceptron that classifies vectors by cross-entropy; `Classifier` says what it logs.

    Args:
        features: length of an input vector; null takes what the data have.
        classes: number of classes; null takes what the data have.
        hidden: width of each hidden layer; without any, the model is linear.
        activation, norm, norm_placement, dropout, dropout_placement, dropout_input, skip, drop_path: as
            `regularized_stack` describes them.
        init_scheme, init_gain: how the weights of every layer are drawn, as `initialize` describes it.
        label_smoothing, mixup_alpha: as `Classifier` takes them.

    Raises:
        ValueError: a share or probability lies outside its range.
        BadConfiguration: when the data are set up, `features` or `classes` is not theirs.
    """

    def __init__(  # noqa: PLR0917 - LightningCLI gives them by name
        self,
        features: int | None = 64,
        classes: int | None = 10,
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
        label_smoothing: float = 0.0,
        mixup_alpha: float = 0.0,
    ) -> None:
        super().__init__(label_smoothing=label_smoothing, mixup_alpha=mixup_alpha)
        self.save_hyperparameters()
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
        self.take_sizes(features=features, classes=classes)

    def make_network(self, **sizes: int) -> nn.Module:
        """Make the network from vectors `(batch, features)` to logits `(batch, classes)`."""
        return self.make(sizes["features"], sizes["classes"])

    @staticmethod
    def search_space(epochs: int = EPOCHS) -> Group:
        """Give the space that this module obeys, `recipe.cocktail`, for trials of so many epochs."""
        return cocktail(epochs=epochs)
