"""Modules of public packages, tuned unedited; plain LightningCLI trains each winner to the same digits.

Run by hand after `pip install pytorch-forecasting chemprop 'gluonts[torch]'`, by
`python -m tests.benchmarks.public_packages FOLDER`, in which a folder for each package is made anew.
"""

import csv
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FORECASTING = """
import numpy as np
import pandas as pd
from lightning.pytorch import LightningDataModule
from pytorch_forecasting import TemporalFusionTransformer, TimeSeriesDataSet

def waves():
    time = np.arange(60)
    sold = {str(n): 5 + n + np.sin(time / 3 + n) for n in range(4)}
    shops = [pd.DataFrame({"time": time, "shop": shop, "sold": row}) for shop, row in sold.items()]
    return pd.concat(shops, ignore_index=True)

def training():
    return TimeSeriesDataSet(waves().query("time < 48"), time_idx="time", target="sold", group_ids=["shop"],
        max_encoder_length=12, max_prediction_length=6, static_categoricals=["shop"],
        time_varying_known_reals=["time"], time_varying_unknown_reals=["sold"])

def transformer(hidden_size: int = 8, dropout: float = 0.1,
                learning_rate: float = 0.01) -> TemporalFusionTransformer:
    return TemporalFusionTransformer.from_dataset(
        training(), hidden_size=hidden_size, dropout=dropout, learning_rate=learning_rate)

class Data(LightningDataModule):
    def train_dataloader(self):
        return training().to_dataloader(train=True, batch_size=32)

    def val_dataloader(self):
        whole = TimeSeriesDataSet.from_dataset(training(), waves(), min_prediction_idx=48)
        return whole.to_dataloader(train=False, batch_size=64)
"""
MOLECULES = """
from chemprop.data import MoleculeDatapoint, MoleculeDataset, build_dataloader
from lightning.pytorch import LightningDataModule

SMILES = ["C" * n + end for n in range(1, 13) for end in ("O", "N", "Cl", "C=O", "")]

class Data(LightningDataModule):
    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size
        points = [MoleculeDatapoint.from_smi(smi, [len(smi) / 5]) for smi in SMILES]
        self.training, self.validation = MoleculeDataset(points[::2]), MoleculeDataset(points[1::2])

    def train_dataloader(self):
        return build_dataloader(self.training, self.batch_size)

    def val_dataloader(self):
        return build_dataloader(self.validation, 64, shuffle=False)
"""
WINDOWS = """
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

class Data(LightningDataModule):
    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size
        waves = (torch.arange(400) / 5).sin().unfold(0, 30, 1) + 2
        self.rows = [{"past_target": row[:24], "future_target": row[24:],
                      "past_observed_values": torch.ones(24), "future_observed_values": torch.ones(6)}
                     for row in waves]

    def train_dataloader(self):
        return DataLoader(self.rows[:250], self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.rows[250:], 64)
"""
NETWORKS = """
model:
  class_path: chemprop.models.MPNN
  init_args:
    message_passing: {class_path: chemprop.nn.BondMessagePassing, init_args: {d_h: 32}}
    agg: {class_path: chemprop.nn.MeanAggregation}
    predictor: {class_path: chemprop.nn.RegressionFFN, init_args: {input_dim: 32, hidden_dim: 32}}
data: {class_path: rows.Data}
"""
FEED_FORWARD = """
model:
  class_path: gluonts.torch.model.simple_feedforward.SimpleFeedForwardLightningModule
  init_args:
    model_kwargs: {prediction_length: 6, context_length: 24, hidden_dimensions: [16]}
data: {class_path: rows.Data}
"""
CASES = {
    "pytorch-forecasting": (FORECASTING, "", "--model rows.transformer --data rows.Data"),
    "chemprop": (MOLECULES, NETWORKS, "--config config.yaml"),
    "gluonts": (WINDOWS, FEED_FORWARD, "--config config.yaml"),
}
PLAIN = "from lightning.pytorch.cli import LightningCLI; LightningCLI()"


def compare(package: str, folder: Path) -> str:
    """Tune the module of a package in an empty folder, and say whether plain Lightning reaches each digit."""
    rows, config, asked = CASES[package]
    folder.mkdir(parents=True)
    (folder / "rows.py").write_text(rows)
    (folder / "config.yaml").write_text(config)
    environment = {**os.environ, "PYTHONPATH": ".", "OMP_NUM_THREADS": "1"}

    def run(*line: str) -> str:
        return subprocess.run(
            line, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def tuner(line: str) -> str:
        return run(str(Path(sys.executable).with_name("tuner")), *line.split())

    changes = "--set trainer.max_epochs=2 --set study.name=own --set study.trials=3"
    tuner(f"init {asked} --output study.yaml")
    tuner(f"validate study.yaml {changes}")
    tuner(f"run study.yaml --quiet {changes}")
    best = json.loads(tuner("best own --export best.yaml --json"))
    curve = json.loads(tuner(f"trial own {best['number']} --json"))["curve"]
    run(sys.executable, "-W", "ignore", "-c", PLAIN, "fit", "--config", "best.yaml")
    (written,) = folder.glob("lightning_logs/*/metrics.csv")
    with written.open() as file:
        scores = [float(row["val_loss"]) for row in csv.DictReader(file) if row.get("val_loss")]
    told = [curve[epoch] for epoch in sorted(curve, key=int)]
    return "the same digits" if scores == told else f"{scores} instead of {told}"


def main(folder: Path) -> None:
    """Print a row for each package; one that is not installed is named."""
    for package in CASES:
        try:
            print(f"| {package} {version(package)} | {compare(package, folder / package)} |")
        except PackageNotFoundError:
            print(f"| {package} | not installed |")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
