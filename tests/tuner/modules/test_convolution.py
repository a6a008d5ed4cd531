"""That the convolutional classifier obeys its choices, through a configuration, and learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.tuner.data.idx_files import write_fashion
from tests.tuner.training.probes import IN_MEMORY, read
from tuner.modules.convolution import ConvClassifier
from tuner.modules.layers import Residual

pytestmark = IN_MEMORY

CONV = "tuner.modules.ConvClassifier"


def images_fit(root: Path, *, epochs: int = 1, lr: float = 0.01, **model: Any) -> dict[str, Any]:
    """Write the configuration of a fit of small images."""
    return {
        "model": {"class_path": CONV, "init_args": {"widths": [4, 8], **model}},
        "data": {
            "class_path": "tuner.data.FashionMNIST",
            "init_args": {"root": str(root), "batch_size": 50},
        },
        "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": lr}},
        "trainer": {"max_epochs": epochs},
    }


def network(**model: Any) -> nn.Sequential:
    """The layers that a configuration makes."""
    made: nn.Sequential = read(images_fit(Path(), channels=1, classes=10, **model)).model.network
    return made


def test_it_learns_images(tmp_path: Path) -> None:
    """A row that tells the class is found in three epochs, where guessing has an error of 0.9."""
    write_fashion(tmp_path)
    cli = read(images_fit(tmp_path, epochs=3, widths=[8, 16], norm="batch", cutmix_probability=0.1))
    cli.trainer.fit(cli.model, cli.datamodule)
    assert cli.trainer.callback_metrics["val_error"] < 0.5
    assert cli.model.sizes == {"channels": 1, "classes": 10}


def test_a_configuration_decides_every_layer() -> None:
    """Each choice of the `model` section reaches the network, in the forms that images need."""
    made = network(
        activation="silu",
        norm="layer",
        norm_placement="post",
        dropout=0.25,
        dropout_placement="before_norm",
        dropout_input=0.1,
        blocks=2,
    )
    block = [nn.Conv2d, nn.SiLU, nn.Dropout2d, nn.GroupNorm]
    head = [nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear]
    assert [type(layer) for layer in made] == [nn.Dropout, *block * 6, *head]
    strides = [layer.stride[0] for layer in made if isinstance(layer, nn.Conv2d)]
    assert strides == [2, 1, 1, 2, 1, 1]
    assert {layer.num_groups for layer in made if isinstance(layer, nn.GroupNorm)} == {1}
    assert {layer.p for layer in made if isinstance(layer, nn.Dropout2d)} == {0.25}


def test_its_backward_pass_is_deterministic_on_a_gpu() -> None:
    """Pooling to a single pixel is a mean; torch refuses the pooling's own backward pass there."""
    waiting, names = [network()(torch.ones(2, 1, 28, 28)).grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None:
            names.add(node.name())
            waiting += [following for following, _ in node.next_functions]
    assert any(name.startswith("Mean") for name in names)
    assert not [name for name in names if "Pool" in name]


def test_batch_norm_is_that_of_images_and_dropout_after_the_last_norm_is_one() -> None:
    """The defaults of the catalogue: BatchNorm2d before the activation, one dropout at the end."""
    made = network(norm="batch", dropout=0.5)
    block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(layer) for layer in made][:13] == [*block * 4, nn.Dropout2d]


def test_skips_are_where_width_and_size_are_kept() -> None:
    """With `skip` a convolution that does not halve the image is a residual, dropped as `drop_path` says."""
    made = network(skip=True, drop_path=0.3)
    residuals = [layer for layer in made if isinstance(layer, Residual)]
    assert [(residual.branch[0].out_channels, residual.drop_path) for residual in residuals] == [
        (4, 0.3),
        (8, 0.3),
    ]
    assert made(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_the_first_weights_have_the_schemes_deviation(gain: float) -> None:
    """He's scheme draws a 3 x 3 convolution of n channels with variance 2 / 9n, times the gain."""
    made = network(widths=[64], init_scheme="kaiming", init_gain=gain)
    last = [layer for layer in made if isinstance(layer, nn.Conv2d)][-1]
    assert last.weight.std().item() == pytest.approx(gain * (2 / (9 * 64)) ** 0.5, rel=0.03)
    assert not last.bias.any()


def test_as_it_stands_it_is_as_small_as_its_docstring_says() -> None:
    """The default network has 72,442 parameters."""
    module = ConvClassifier(channels=1, classes=10)
    assert sum(parameter.numel() for parameter in module.parameters()) == 72_442
