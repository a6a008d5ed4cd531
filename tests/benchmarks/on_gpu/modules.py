"""Modules that use a GPU as other people's do, and go wrong on it in one way each."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from sklearn.datasets import load_digits
from torch import Tensor, nn

from tuner.data import load_batches

KINDS = ("plain", "attribute", "generator", "manual")


class Images(LightningDataModule):
    """The digits of scikit-learn as images of 16 by 16 pixels, `(batch, 1, 16, 16)`."""

    channels, classes = 1, 10

    def __init__(self, batch_size: int = 128) -> None:
        super().__init__()
        self.batch_size = batch_size
        pixels, classes = load_digits(return_X_y=True)
        small = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
        self.x = nn.functional.interpolate(small, scale_factor=2)
        self.y = torch.tensor(classes, dtype=torch.int64)

    def train_dataloader(self) -> object:
        """Give the first 1,280 images."""
        return load_batches(self.x[:1280], self.y[:1280], batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> object:
        """Give the others."""
        return load_batches(self.x[1280:], self.y[1280:], batch_size=self.batch_size)


class OwnConvolutions(LightningModule):
    """Convolutions with dropout and batch norm, and a state that no checkpoint of Lightning holds.

    Args:
        lr: of Adam, or of SGD where the steps are taken by hand.
        kind: what it keeps: nothing; a tensor in an attribute; a generator of its own; gradients over epochs.
        size: GiB that its first step asks for.
        label: a class that the targets are moved by, beyond which there is none.
        wants: the kind of device on which it has to be.
    """

    def __init__(
        self, lr: float = 0.01, kind: str = "plain", size: int = 0, label: int = 0, wants: str = ""
    ) -> None:
        super().__init__()
        self.lr, self.kind, self.size, self.label, self.wants = lr, kind, size, label, wants
        self.automatic_optimization = kind != "manual"
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),  # no pooling, of which torch has no deterministic backward pass on a GPU
            nn.Linear(2048, 10),
        )

    def on_fit_start(self) -> None:
        """Put on the device what is kept there."""
        if self.wants and self.device.type != self.wants:
            raise RuntimeError(f"it trains on {self.device}, and not on {self.wants}")
        if self.kind == "attribute":
            self.mean = torch.zeros(10, device=self.device)
            self.history = [torch.zeros((), device=self.device)]
        if self.kind == "generator":
            self.own = torch.Generator(self.device).manual_seed(7)

    def loss(self, batch: list[Tensor]) -> Tensor:
        """Give the cross-entropy of a batch."""
        return nn.functional.cross_entropy(self.layers(batch[0]), batch[1] + self.label)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor | None:
        """Return the loss, with what is kept in it; or step by hand in every third batch."""
        if self.size:
            torch.empty(self.size * 2**30, dtype=torch.uint8, device=self.device)
        loss = self.loss(batch)
        if self.kind == "attribute":
            self.mean = 0.9 * self.mean + 0.1 * self.layers(batch[0]).detach().float().mean(0)
            self.history.append(loss.detach())
            del self.history[:-3]
            loss = loss * (1 + 0.01 * self.mean.square().mean() + 0.01 * self.history[0])
        if self.kind == "generator":
            loss = loss * (1 + 0.1 * torch.rand((), generator=self.own, device=self.device))
        if self.kind != "manual":
            return loss
        self.manual_backward(loss)
        if self.global_step == 0 or batch_idx % 3 == 0:
            optimizer: Any = self.optimizers()
            optimizer.step()
            optimizer.zero_grad()
        return None

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Log the loss."""
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose an optimizer with a state."""
        kind: Any = torch.optim.SGD if self.kind == "manual" else torch.optim.Adam
        return kind(self.parameters(), lr=self.lr)  # type: ignore[no-any-return]


class OwnCompiled(OwnConvolutions):
    """The same, compiled."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)
        self.layers = torch.compile(self.layers)  # type: ignore[assignment]


class OwnLasting(OwnConvolutions):
    """The same, with a file that names its process, and epochs that take their time."""

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor | None:
        """Note the process once it has used the GPU, and take ten seconds for a thousand steps."""
        import os
        import time

        loss = super().training_step(batch, batch_idx)
        Path(f"process-{os.getpid()}").touch()
        time.sleep(0.01)
        return loss


# A module's file that does, while it is imported, what does not survive a fork.
TOUCHING = """
import os
{before}
import torch
from tests.benchmarks.on_gpu.modules import OwnConvolutions
{touches}

class Touching(OwnConvolutions):
    {attribute}
    def loss(self, batch):
        return super().loss(batch) + 0.0 * self.extra().sum()
    def extra(self):
        return {extra}
"""
TOUCHES = {
    "a tensor on the GPU": {"touches": "TABLE = torch.ones(3, device='cuda')", "extra": "TABLE"},
    "a class attribute on the GPU": {
        "attribute": "TABLE = torch.ones(3, device='cuda')",
        "extra": "self.TABLE",
    },
    "the name of the GPU": {"touches": "NAME = torch.cuda.get_device_name(0)"},
    "whether there is a GPU": {"touches": "DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'"},
    "whether there is one, not by NVML": {
        "before": "os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'] = '0'",
        "touches": "assert torch.cuda.is_available()",
    },
    "another library": {"touches": "import cupy; BEGUN = cupy.zeros(3)"},
    "the driver": {"touches": "import ctypes; ctypes.CDLL('libcuda.so.1').cuInit(0)"},
}


def touching(kind: str) -> str:
    """Write the file of a module that touches a GPU while it is imported."""
    usual = {"before": "", "touches": "", "attribute": "pass", "extra": "torch.zeros(1)"}
    return TOUCHING.format(**(usual | TOUCHES[kind]))
