"""Do regularizers lead to flatter minima, and do flat minima generalise? 200 networks on the digits data.

`python -m tests.benchmarks.flat_minima` trains the networks that `flat_minima.csv` lacks, each of its own
learning rate, weight decay, dropout, batch size, optimizer, with batch norm or without, drawn
quasi-randomly; measures how sharp the training loss is where each ended; and prints rank correlations with
90 % intervals. It can be interrupted and goes on.
"""

import csv
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from scipy.stats import qmc, rankdata
from torch import Tensor, nn
from torch.nn import functional

from tuner.data.digits import Digits
from tuner.modules.networks import multilayer_perceptron
from tuner.training.sharpness.loss import LossOfWeights
from tuner.training.sharpness.measure import sharpness_of

FILE = Path(__file__).with_suffix(".csv")
NETWORKS = 200
EPOCHS = 30
HIDDEN = (64, 64)
SETTLED = 0.01  # training error up to which a network counts as trained to its end
RESAMPLES = 2000
FACTORS = ("learning_rate", "decay", "dropout", "batch_norm", "batch_size")
MEASURES = ("eigenvalue", "trace", "adaptive")


@dataclass(frozen=True)
class Network:
    """How a network was trained, what it scores, and how sharp the loss is there.

    Learning rates of SGD (momentum .9) and of AdamW span ranges of their own. `decay` is decoupled: each step
    shrinks the weights by the learning rate times it.
    """

    number: int
    optimizer: str
    learning_rate: float
    decay: float
    dropout: float
    batch_norm: int
    batch_size: int
    train_loss: float
    train_error: float
    test_loss: float
    test_error: float
    eigenvalue: float
    trace: float
    adaptive: float


class Classifier(nn.Module):
    """A network with the loss that is measured."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def plain_loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Give the mean cross-entropy."""
        return functional.cross_entropy(self.network(batch[0]), batch[1])


def parts() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Give the training part, and what is held out: validation, which chooses nothing, and test."""
    data = Digits()
    data.load("fit")
    data.load("test")
    held_out = [torch.cat(both) for both in zip(data.parts["val"], data.parts["test"], strict=True)]
    return data.parts["train"], (held_out[0], held_out[1])


def place(number: int) -> np.ndarray:
    """Give the place of a network in the cube."""
    return qmc.Sobol(6, scramble=True, rng=0).random(256)[number]


def train_one(number: int) -> Network:
    """Train one network and measure it."""
    u = place(number)
    torch.manual_seed(number)
    optimizer = "sgd" if u[0] < 0.5 else "adamw"
    rate = float(10 ** (-2.0 + 1.5 * u[1])) if optimizer == "sgd" else float(10 ** (-3.0 + 1.5 * u[1]))
    decay, dropout = float(10 ** (-4 + 4 * u[2])), float(0.5 * u[3])
    norm, size = int(u[4] < 0.5), int(2 ** round(5 + 3 * u[5]))
    (x, y), (x_test, y_test) = parts()
    network = multilayer_perceptron(
        x.shape[1], 10, hidden=HIDDEN, norm="batch" if norm else "none", dropout=dropout
    )
    model = Classifier(network)
    # Decoupled for both, so that decay means the same: w <- w - rate * decay * w.
    make = torch.optim.SGD if optimizer == "sgd" else torch.optim.AdamW
    options = {"momentum": 0.9, "weight_decay": 0.0} if optimizer == "sgd" else {"weight_decay": 0.0}
    stepper = make(model.parameters(), lr=rate, **options)
    steps = EPOCHS * (len(x) // size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, steps)
    model.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for rows in order[: len(x) // size * size].split(size):
            stepper.zero_grad()
            model.plain_loss((x[rows], y[rows])).backward()
            with torch.no_grad():
                now = schedule.get_last_lr()[0]
                for weight in model.parameters():
                    weight.mul_(1 - now * decay)
            stepper.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        scores = [
            (float(functional.cross_entropy(logits, to)), float((logits.argmax(1) != to).float().mean()))
            for logits, to in ((network(x), y), (network(x_test), y_test))
        ]
    found = sharpness_of(LossOfWeights(model, [(x, y)], [len(x)]), number)
    return Network(
        number, optimizer, rate, decay, dropout, norm, size, *scores[0], *scores[1],
        *(found[name] for name in MEASURES),
    )  # fmt: skip


def stored() -> list[Network]:
    """Read the networks of the file."""
    if not FILE.exists():
        return []
    kinds = {field.name: field.type for field in fields(Network)}
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [Network(**{name: kinds[name](text) for name, text in row.items()}) for row in rows]


def store(network: Network) -> None:
    """Add a network to the file."""
    is_new = not FILE.exists()
    with FILE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Network)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(network))


def correlation(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> float:
    """Give Spearman's correlation of x and y, with the ranks of other columns `(n, k)` taken out of both."""
    ranks = [rankdata(column) for column in (x, y, *given.T)]
    others = np.column_stack([np.ones(len(x)), *ranks[2:]])
    left, right = (r - others @ np.linalg.lstsq(others, r, rcond=None)[0] for r in ranks[:2])
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def with_interval(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> str:
    """Write a correlation with its 90 % interval by the bootstrap over networks."""
    random = np.random.default_rng(0)
    drawn = [
        correlation(x[rows], y[rows], given[rows])
        for rows in (random.integers(0, len(x), len(x)) for _ in range(RESAMPLES))
    ]
    low, high = np.quantile(drawn, [0.05, 0.95])
    return f"{correlation(x, y, given):+.2f} ({low:+.2f} to {high:+.2f})"


def report(networks: list[Network]) -> None:
    """Print the tables of the docs."""
    settled = [n for n in networks if n.train_error <= SETTLED]
    print(f"{len(networks)} networks, {len(settled)} of them with a training error of at most {SETTLED:.0%}")
    for title, chosen in (("all", networks), ("trained to the end", settled)):
        columns = {
            name: np.array([getattr(n, name) for n in chosen], dtype=float) for name in (*FACTORS, *MEASURES)
        }
        columns["adamw"] = np.array([float(n.optimizer == "adamw") for n in chosen])
        gap = np.array([n.test_loss - n.train_loss for n in chosen])
        errors = np.array([n.test_error - n.train_error for n in chosen])
        train = np.array([n.train_loss for n in chosen])
        print(f"\n{title}: {len(chosen)}\n| | {' | '.join(MEASURES)} |\n| --- |{' --- |' * len(MEASURES)}")
        for factor in FACTORS:
            others = np.column_stack([columns[each] for each in (*FACTORS, "adamw") if each != factor])
            cells = [with_interval(columns[factor], columns[measure], others) for measure in MEASURES]
            print(f"| {factor} | {' | '.join(cells)} |")
        nothing = np.empty((len(chosen), 0))
        for name, of, given in (
            ("gap of the loss", gap, nothing),
            ("gap of the error", errors, nothing),
            ("test error", np.array([n.test_error for n in chosen]), nothing),
            ("gap of the loss, training loss held", gap, train[:, None]),
            ("gap of the error, training loss held", errors, train[:, None]),
        ):
            print(f"| {name} | {' | '.join(with_interval(columns[m], of, given) for m in MEASURES)} |")


def main(count: int = NETWORKS) -> None:
    """Train what is missing, and print what was found."""
    torch.set_num_threads(1)
    there = {network.number for network in stored()}
    for number in range(count):
        if number not in there:
            store(train_one(number))
            print(f"network {number + 1} of {count}", file=sys.stderr, flush=True)
    report([network for network in stored() if network.number < count])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
