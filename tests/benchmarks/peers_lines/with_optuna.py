"""Optuna, with the callback of its own for PyTorch Lightning."""

import json
from pathlib import Path

import optuna
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from optuna.trial import TrialState
from optuna_integration import PyTorchLightningPruningCallback
from own_module import Own, OwnData


def objective(trial: optuna.Trial) -> float:
    """Train one trial."""
    seed_everything(0)
    model = Own(
        lr=trial.suggest_float("lr", 3e-4, 0.3, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
    )
    stopping = [EarlyStopping("val_loss"), PyTorchLightningPruningCallback(trial, "val_loss")]
    trainer = Trainer(max_epochs=10, callbacks=stopping, enable_checkpointing=False, logger=False)
    trainer.fit(model, OwnData())
    return trainer.callback_metrics["val_loss"].item()


study = optuna.create_study(
    study_name="own",
    storage="sqlite:///optuna.db",
    load_if_exists=True,
    pruner=optuna.pruners.MedianPruner(),
)
ended = study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])
study.optimize(objective, n_trials=20 - len(ended))
Path("optuna_best.json").write_text(json.dumps(study.best_params))
