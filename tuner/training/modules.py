"""Modules that expose the catalogue's choices."""

from collections.abc import Sequence

from torch import nn

from search_spaces.recipe import cocktail
from search_spaces.space import Group
from search_spaces.weight_decay import EPOCHS
from tuner.training.classification import Classifier
from tuner.training.initialization import Scheme, initialize
from tuner.training.layers import Activation, DropoutPlacement, Norm, NormPlacement, regularized_stack


class MLPClassifier(Classifier):
    """A multilayer perceptron that classifies vectors by cross-entropy; `Classifier` says what it logs.

    Args:
        features: length of an input vector.
        classes: number of classes.
        hidden: width of each hidden layer; without any, the model is linear.
        activation, norm, norm_placement, dropout, dropout_placement, dropout_input, skip, drop_path: as
            `regularized_stack` describes them.
        init_scheme, init_gain: how the weights of every layer are drawn, as `initialize` describes it.
        label_smoothing, mixup_alpha: as `Classifier` takes them.

    Raises:
        ValueError: a share or probability lies outside its range.
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
        dropout_input: float = 0.0,
        skip: bool = False,  # noqa: FBT001, FBT002 - LightningCLI gives it by name
        drop_path: float = 0.0,
        init_scheme: Scheme = "torch",
        init_gain: float = 1.0,
        label_smoothing: float = 0.0,
        mixup_alpha: float = 0.0,
    ) -> None:
        super().__init__(classes=classes, label_smoothing=label_smoothing, mixup_alpha=mixup_alpha)
        self.save_hyperparameters()
        widths = [features, *hidden]
        body = regularized_stack(
            widths,
            activation=activation,
            norm=norm,
            norm_placement=norm_placement,
            dropout=dropout,
            dropout_placement=dropout_placement,
            dropout_input=dropout_input,
            skip=skip,
            drop_path=drop_path,
        )
        self.network = nn.Sequential(*body, nn.Linear(widths[-1], classes))
        initialize(self.network, init_scheme, init_gain)

    @staticmethod
    def search_space(epochs: int = EPOCHS) -> Group:
        """Give the space that this module obeys, `recipe.cocktail`, for trials of so many epochs."""
        return cocktail(epochs=epochs)
