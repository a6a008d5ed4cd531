"""The positive list of classes that any study may name: where they are found, where defined, what they are.

A test goes through everything that the modules of the list hold.
"""

_LIGHTNINGS = ("pytorch_lightning", "lightning.pytorch")
_OURS = ("callbacks", "data", "modules")
_SEARCHING = ("studies.proposing.model", "studies.proposing.pausing")

# Modules in which a class path may end; with a star, those below it as well.
DOORS = (
    *(f"tuner.{name}.*" for name in _OURS),
    *("torch.nn", "torch.nn.modules.*", "torch.optim.*", "torchmetrics"),
    *("torchmetrics.classification.*", "torchmetrics.regression.*"),
    *("optuna.samplers", "optuna.samplers.nsgaii", "optuna.pruners"),
    *_SEARCHING,
    *(
        f"{package}.{part}"
        for package in _LIGHTNINGS
        for part in (
            *("accelerators.*", "callbacks.*", "loggers", "loggers.csv_logs", "loggers.tensorboard"),
            *("plugins.*", "profilers.*", "strategies.*"),
        )
    ),
)
# Modules that may define such a class. Those of loggers that speak to servers are missing, and so is Optuna's
# CMA-ES, which unpickles what it finds in the database.
HOMES = (
    *(door.removesuffix(".*") for door in DOORS if door.endswith(".*")),
    *("optuna.pruners", "pytorch_lightning.loggers.csv_logs", "pytorch_lightning.loggers.tensorboard"),
    *("lightning.pytorch.loggers.csv_logs", "lightning.pytorch.loggers.tensorboard"),
    *(f"optuna.samplers.{name}" for name in ("_gp", "_nsgaiii", "_partial_fixed", "_qmc", "_random", "_tpe")),
    *("optuna.samplers._ga", "optuna.samplers.nsgaii"),
    *_SEARCHING,
    *("lightning_fabric.plugins", "lightning.fabric.plugins"),
)
# What a training is made of; one of these stands among the bases of every class that we know.
KINDS = frozenset(
    {
        *("torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer"),
        "torch.optim.lr_scheduler.LRScheduler",
        *("optuna.samplers._base.BaseSampler", "optuna.pruners._base.BasePruner"),
        "optuna.samplers.nsgaii._crossovers._base.BaseCrossover",
        *(
            f"{package}.{kind}"
            for package in _LIGHTNINGS
            for kind in (
                *("core.module.LightningModule", "core.datamodule.LightningDataModule"),
                *("callbacks.callback.Callback", "loggers.logger.Logger", "profilers.profiler.Profiler"),
                *("strategies.strategy.Strategy", "accelerators.accelerator.Accelerator"),
                *("plugins.precision.precision.Precision", "plugins.layer_sync.LayerSync"),
            )
        ),
        *(
            f"{package}.plugins.{kind}"
            for package in ("lightning_fabric", "lightning.fabric")
            for kind in (
                "environments.cluster_environment.ClusterEnvironment",
                "io.checkpoint_io.CheckpointIO",
            )
        ),
    }
)
# jsonargparse judges by prefixes, and finds a class by its bare name too, so what lies beside the homes in a
# module of the list is shut.
SHUT = (
    *("torch.nn.functional", "torch.nn.parallel", "torch.nn.utils"),
    *("optuna.samplers.CmaEsSampler", "optuna.samplers._cmaes"),
    *(f"{package}.loggers" for package in _LIGHTNINGS),
)
OPEN = (
    *(door.removesuffix(".*") for door in DOORS if door != "torchmetrics" and not door.endswith(".loggers")),
    *(f"{package}.loggers.{name}" for package in _LIGHTNINGS for name in ("CSVLogger", "TensorBoardLogger")),
)
