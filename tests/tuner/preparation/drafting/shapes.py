"""Modules as other people write them, one of each shape, for both Lightnings; none knows of the tuner."""

from tests.tuner.preparation.drafting.research_shapes import GAN, ITERABLE, REINFORCEMENT, TRANSFORMER
from tests.tuner.preparation.drafting.shape import Shape

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
