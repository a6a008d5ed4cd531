"""A convolutional classifier that obeys the catalogue's choices."""

from collections.abc import Sequence
from functools import partial

from torch import nn

from search_spaces.catalogue.recipes import cocktail_for_images
from search_spaces.catalogue.weight_decay import EPOCHS
from search_spaces.space.nodes import Group
from tuner.modules.classifier import Classifier
from tuner.modules.initialization import Scheme
from tuner.modules.layers import Activation, DropoutPlacement, Norm, NormPlacement
from tuner.modules.networks import convolutional_network


class ConvClassifier(Classifier):
    """A small convolutional network that classifies images; `Classifier` says what it logs.

    As it stands it has 72,442 parameters for one channel and ten classes.

    Args:
        channels: of the images; null takes what the data have.
        classes: number of classes; null takes what the data have.
        widths, blocks: of the convolutions, as `convolutional_network` describes them.
        activation, norm, norm_placement, dropout, dropout_placement: as `regularized_block` describes them
            for images: batch norm and layer norm take all pixels of a channel or of an image together,
            dropout takes out whole channels.
        dropout_input, skip, drop_path: as `convolutional_network` describes them.
        init_scheme, init_gain: how the weights of every layer are drawn, as `initialize` describes it.
        label_smoothing, mixup_alpha, cutmix_probability, cutout_probability, cutout_patch: as `Classifier`
            takes them.

    Raises:
        ValueError: a share or probability lies outside its range.
        BadConfiguration: when the data are set up, `channels` or `classes` is not theirs.
    """

    def __init__(  # noqa: PLR0917 - LightningCLI gives them by name
        self,
        channels: int | None = None,
        classes: int | None = None,
        widths: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
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
        cutmix_probability: float = 0.0,
        cutout_probability: float = 0.0,
        cutout_patch: float = 0.5,
    ) -> None:
        super().__init__(
            label_smoothing=label_smoothing,
            mixup_alpha=mixup_alpha,
            cutmix_probability=cutmix_probability,
            cutout_probability=cutout_probability,
            cutout_patch=cutout_patch,
        )
        self.save_hyperparameters()
        self.make = partial(
            convolutional_network,
            widths=widths,
            blocks=blocks,
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
        self.take_sizes(channels=channels, classes=classes)

    def make_network(self, **sizes: int) -> nn.Module:
        """Make the network from images `(batch, channels, height, width)` to logits `(batch, classes)`."""
        return self.make(sizes["channels"], sizes["classes"])

    @staticmethod
    def search_space(epochs: int = EPOCHS) -> Group:
        """Give the space that this module obeys, `recipe.cocktail_for_images`, for so many epochs."""
        return cocktail_for_images(epochs=epochs)
