"""Modules as other people write them, one of each shape, for both Lightnings; none knows of the tuner."""

from dataclasses import dataclass, field
from typing import Any

HEAD = """
from functools import partial
from typing import Any, Optional
import torch
from torch import nn
from {package} import LightningDataModule, LightningModule
from {package}.cli import LightningCLI, LRSchedulerCallable, OptimizerCallable

def batches(width=2, size=4, count=20):
    rows = torch.linspace(0, 1, width * count).reshape(count, width)
    return torch.utils.data.DataLoader(rows, batch_size=size)

class Data(LightningDataModule):
    def __init__(self, batch_size: int = 4, num_features: int = 2):
        super().__init__()
        self.batch_size, self.num_features = batch_size, num_features

    def train_dataloader(self):
        return batches(self.num_features, self.batch_size)

    val_dataloader = train_dataloader
"""


@dataclass(frozen=True)
class Shape:
    """A module's source behind `HEAD`, how `tuner init` is asked, and what the user's configuration is.

    In each text `{module}` stands for the module's import path, and `{package}` for the Lightning. `sections`
    are the user's own, as LightningCLI reads them.
    """

    source: str
    asked: str = "--model {module}.Own --data {module}.Data"
    config: str = ""
    sections: dict[str, Any] = field(
        default_factory=lambda: {
            "model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.Data"}
        }
    )  # fmt: skip
    metric: str = "val_loss"
    searched: tuple[str, ...] = ()
    trainer: str = "max_epochs: 2"


CALLABLES = Shape(
    """
class Net(nn.Module):
    def __init__(self, hidden_dim: int = 8, dropout_p: float = 0.1, activation: type[nn.Module] = nn.ReLU):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden_dim), activation(), nn.Linear(hidden_dim, 1))

    def forward(self, x):
        return self.layers(x)

class Own(LightningModule):
    def __init__(self, net: nn.Module, optimizer: OptimizerCallable = torch.optim.Adam,
                 lr_scheduler: Optional[LRSchedulerCallable] = None):
        super().__init__()
        self.net, self.optimizer, self.lr_scheduler = net, optimizer, lr_scheduler

    def training_step(self, batch, batch_idx):
        loss = self.net(batch).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.net(batch).square().mean())

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        if self.lr_scheduler is None:
            return optimizer
        return {{"optimizer": optimizer, "lr_scheduler": self.lr_scheduler(optimizer)}}
""",
    asked="--config config.yaml",
    config="""
seed_everything: 7
trainer: {{max_epochs: 3, logger: true, callbacks: null, accelerator: cpu, fast_dev_run: false}}
model:
  class_path: {module}.Own
  init_args:
    net: {{class_path: {module}.Net, init_args: {{hidden_dim: 12}}}}
    optimizer: {{class_path: torch.optim.SGD, init_args: {{lr: 0.02, momentum: 0.8}}}}
    lr_scheduler: {{class_path: torch.optim.lr_scheduler.ExponentialLR, init_args: {{gamma: 0.9}}}}
data: {{class_path: {module}.Data}}
ckpt_path: null
""",
    sections={
        "model": {
            "class_path": "{module}.Own",
            "init_args": {
                "net": {"class_path": "{module}.Net", "init_args": {"hidden_dim": 12}},
                "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.02, "momentum": 0.8}},
                "lr_scheduler": {
                    "class_path": "torch.optim.lr_scheduler.ExponentialLR",
                    "init_args": {"gamma": 0.9},
                },
            },
        },
        "data": {"class_path": "{module}.Data"},
    },
    searched=(
        "model.init_args.net.init_args.hidden_dim", "model.init_args.net.init_args.dropout_p",
        "model.init_args.optimizer.init_args.lr", "model.init_args.optimizer.init_args.momentum",
        "model.init_args.lr_scheduler.init_args.gamma",
    ),
)  # fmt: skip

DEFAULT_CALLABLES = Shape(
    """
class Own(LightningModule):
    def __init__(self, optimizer: OptimizerCallable = lambda p: torch.optim.SGD(p, lr=0.3), scale=2.0):
        super().__init__()
        self.layer, self.optimizer = nn.Linear(2, 1), optimizer

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch).square().mean())

    def configure_optimizers(self):
        return self.optimizer(self.parameters())
""",
    searched=("model.init_args.optimizer.init_args.lr", "model.init_args.optimizer.init_args.weight_decay"),
)

OWN_SCHEDULE = Shape(
    """
class Own(LightningModule):
    def __init__(self, lr: float = 0.1, weight_decay: float = 1e-4, warmup_epochs: int = 1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(2, 1)

    def shared_step(self, batch, stage):
        loss = self.layer(batch).square().mean()
        self.log_dict({{f"{{stage}}_loss": loss, f"{{stage}}_acc": 1 - loss}})
        return loss

    def training_step(self, batch, batch_idx):
        return self.shared_step(batch, "train")

    def validation_step(self, batch, batch_idx):
        self.shared_step(batch, "val")

    def configure_optimizers(self):
        chosen = torch.optim.SGD(self.parameters(), self.hparams.lr, weight_decay=self.hparams.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(chosen, steps)
        return [chosen], [{{"scheduler": schedule, "interval": "step"}}]
""",
    searched=("model.init_args.lr", "model.init_args.weight_decay", "data.init_args.batch_size"),
)

GAN = Shape(
    """
class Own(LightningModule):
    def __init__(self, latent_dim: int = 3, g_lr: float = 0.01, d_lr: float = 0.02, b1=0.5, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator, self.discriminator = nn.Linear(latent_dim, 2), nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        g_opt, d_opt = self.optimizers()
        fake = self.generator(torch.zeros(len(batch), self.hparams.latent_dim))
        d_loss = self.discriminator(batch).square().mean() + self.discriminator(fake.detach()).mean() ** 2
        d_opt.zero_grad()
        self.manual_backward(d_loss)
        d_opt.step()
        g_loss = self.discriminator(self.generator(torch.ones(4, self.hparams.latent_dim))).square().mean()
        g_opt.zero_grad()
        self.manual_backward(g_loss)
        g_opt.step()
        self.log_dict({{"g_loss": g_loss, "d_loss": d_loss}}, prog_bar=True, on_step=False, on_epoch=True)

    def configure_optimizers(self):
        return [torch.optim.Adam(self.generator.parameters(), lr=self.hparams.g_lr),
                torch.optim.Adam(self.discriminator.parameters(), lr=self.hparams.d_lr)], []

class TrainData(LightningDataModule):
    def train_dataloader(self):
        return batches()
""",
    asked="--model {module}.Own --data {module}.TrainData",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.TrainData"}},
    metric="g_loss",
    searched=("model.init_args.g_lr", "model.init_args.d_lr"),
)

REINFORCEMENT = Shape(
    """
class Steps(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.linspace(0, 1, 24).reshape(12, 2))

class Own(LightningModule):
    def __init__(self, env: str = "cart", gamma: float = 0.99, lr=3e-3, batch_size: int = 4, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.layer = nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = self.layer(batch).square().mean()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def on_train_epoch_end(self):
        self.log("avg_ep_reward", -self.layer.weight.square().mean())

    def train_dataloader(self):
        return torch.utils.data.DataLoader(Steps(), batch_size=self.hparams.batch_size)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
""",
    asked="--model {module}.Own",
    sections={"model": {"class_path": "{module}.Own"}},
    metric="avg_ep_reward",
    searched=("model.init_args.lr", "model.init_args.batch_size"),
)

FACTORY = Shape(
    """
class Own(LightningModule):
    def __init__(self, features, learning_rate: float = 0.03, hidden_size: int = 4, loss: Any = None):
        super().__init__()
        self.save_hyperparameters(ignore=["loss"])
        self.layers = nn.Sequential(nn.Linear(len(features), hidden_size), nn.Linear(hidden_size, 1))

    @classmethod
    def from_dataset(cls, name: str = "xy", learning_rate: float = 0.03, **kwargs) -> LightningModule:
        return cls(features=list(name), learning_rate=learning_rate, loss=object(), **kwargs)

    def training_step(self, batch, batch_idx):
        return self.layers(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layers(batch).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.learning_rate)

def make_data(batch_size: int = 5) -> Data:
    return Data(batch_size)
""",
    asked="--model {module}.Own.from_dataset --data {module}.make_data",
    sections={
        "model": {"class_path": "{module}.Own.from_dataset"}, "data": {"class_path": "{module}.make_data"}
    },
    searched=("model.init_args.learning_rate", "data.init_args.batch_size"),
)  # fmt: skip

LINKED = Shape(
    """
class Own(LightningModule):
    def __init__(self, width: int, batch_size: int, lr: float = 0.05):
        super().__init__()
        self.lr, self.scale = lr, batch_size
        self.layer = nn.Linear(width, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean() * self.scale

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch).square().mean() * self.scale)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

class MyCLI(LightningCLI):
    def add_arguments_to_parser(self, parser):
        parser.link_arguments("data.num_features", "model.init_args.width", apply_on="instantiate")
        parser.link_arguments("data.init_args.batch_size", "model.init_args.batch_size")
        parser.set_defaults({{"trainer.max_epochs": 2}})
""",
    asked="--model {module}.Own --data {module}.Data --cli {module}.MyCLI",
    searched=("model.init_args.lr", "data.init_args.batch_size"),
)

SHORT_LINKS = Shape(
    LINKED.source.replace("model.init_args.", "model.").replace("data.init_args.", "data."),
    asked="--config config.yaml --model {module}.Own --data {module}.Data",
    config="""
cli: {module}.MyCLI
trainer: {{max_epochs: 2}}
model: {{lr: 0.07}}
data: {{batch_size: 5}}
""",
    sections={
        "model": {"class_path": "{module}.Own", "init_args": {"lr": 0.07}},
        "data": {"class_path": "{module}.Data", "init_args": {"batch_size": 5}},
    },
    searched=("model.init_args.lr", "data.init_args.batch_size"),
)

ITERABLE = Shape(
    """
class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.linspace(0, 1, 24).reshape(12, 2))

class Own(LightningModule):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.lr, self.layer = lr, nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("valid/rmse", self.layer(batch).square().mean().sqrt())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

class StreamData(LightningDataModule):
    def train_dataloader(self):
        return torch.utils.data.DataLoader(Stream(), batch_size=4)

    val_dataloader = train_dataloader
""",
    asked="--model {module}.Own --data {module}.StreamData",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.StreamData"}},
    metric="valid/rmse",
    searched=("model.init_args.lr",),
)

TRANSFORMER = Shape(
    """
class Own(LightningModule):
    def __init__(self, vocab_size: int = 11, d_model: int = 8, nhead: int = 2, num_layers: int = 1,
                 dropout: float = 0.0, learning_rate: float = 1e-3, tie: bool = False):
        super().__init__()
        self.save_hyperparameters()
        self.embedding = nn.Embedding(vocab_size, d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, 2 * d_model, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, vocab_size)

    def loss(self, batch):
        seen = self.head(self.encoder(self.embedding(batch))).mean(1)
        return nn.functional.cross_entropy(seen, batch[:, 0])

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_perplexity", self.loss(batch).exp())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate)

class Tokens(LightningDataModule):
    def __init__(self, batch_size: int = 4):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.arange(60).reshape(12, 5) % 11, batch_size=self.batch_size)

    val_dataloader = train_dataloader
""",
    asked="--model {module}.Own --data {module}.Tokens",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.Tokens"}},
    metric="val_perplexity",
    searched=("model.init_args.d_model", "model.init_args.num_layers", "model.init_args.dropout"),
)

OPTIMIZER_SECTION = Shape(
    """
class Own(LightningModule):
    def __init__(self, width: int = 3, depth_note: str = "${{free}}"):
        super().__init__()
        self.layer = nn.Linear(2, width)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch).square().mean())
        self.log("val_acc", self.layer(batch).mean())
""",
    asked="--config config.yaml",
    config="""
fit:
  seed_everything: 3
  trainer:
    max_epochs: 3
    gradient_clip_val: 0.5
    enable_progress_bar: null
    callbacks:
    - {{class_path: {package}.callbacks.ModelCheckpoint, init_args: {{monitor: val_acc, mode: max}}}}
    - {{class_path: {package}.callbacks.EarlyStopping, init_args: {{monitor: val_acc, mode: max}}}}
    - {{class_path: {package}.callbacks.LearningRateMonitor}}
  model: {{class_path: {module}.Own, init_args: {{width: 6}}}}
  data: {{class_path: {module}.Data, init_args: {{batch_size: "${{fit_batch}}", num_features: 2}}}}
  optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: 0.02}}}}
  lr_scheduler: {{class_path: torch.optim.lr_scheduler.StepLR, init_args: {{step_size: 1}}}}
""".replace('"${{fit_batch}}"', "5"),
    sections={
        "model": {"class_path": "{module}.Own", "init_args": {"width": 6}},
        "data": {"class_path": "{module}.Data", "init_args": {"batch_size": 5, "num_features": 2}},
    },
    metric="val_acc",
    searched=("optimizer.init_args.lr", "optimizer.init_args.weight_decay", "trainer.gradient_clip_val"),
)

SHAPES = {
    "callables and a nested module": CALLABLES,
    "callables by default": DEFAULT_CALLABLES,
    "a schedule of its own": OWN_SCHEDULE,
    "manual optimization": GAN,
    "reinforcement": REINFORCEMENT,
    "a factory": FACTORY,
    "links": LINKED,
    "links for fixed classes": SHORT_LINKS,
    "data without a length": ITERABLE,
    "a transformer": TRANSFORMER,
    "an optimizer of the configuration": OPTIMIZER_SECTION,
}
