"""Ray Tune, with its callback for PyTorch Lightning."""

import json
from pathlib import Path

from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from own_module import Own, OwnData
from ray import tune
from ray.tune.integration.pytorch_lightning import TuneReportCheckpointCallback
from ray.tune.schedulers import ASHAScheduler


def train(config: dict[str, float]) -> None:
    """Train one trial."""
    seed_everything(0)
    report = TuneReportCheckpointCallback({"val_loss": "val_loss"}, on="validation_end")
    trainer = Trainer(
        max_epochs=10,
        callbacks=[EarlyStopping("val_loss"), report],
        enable_checkpointing=False,
        logger=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Own(**config), OwnData())


place = str(Path("ray_results/own").resolve())
if tune.Tuner.can_restore(place):
    tuner = tune.Tuner.restore(place, train, resume_unfinished=True)
else:
    tuner = tune.Tuner(
        train,
        param_space={
            "lr": tune.loguniform(3e-4, 0.3),
            "weight_decay": tune.loguniform(1e-5, 1e-2),
            "dropout": tune.uniform(0.0, 0.5),
        },
        tune_config=tune.TuneConfig(metric="val_loss", mode="min", num_samples=20, scheduler=ASHAScheduler()),
        run_config=tune.RunConfig(name="own", storage_path=str(Path("ray_results").resolve())),
    )
best = tuner.fit().get_best_result(metric="val_loss", mode="min")
Path("ray_best.json").write_text(json.dumps(best.config))
