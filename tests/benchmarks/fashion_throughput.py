"""Batches a second of FashionMNIST's loader, beside torch's DataLoader over the same tensors.

Both shuffle the same 50,000 images and hand out batches of 128 in this process, of which a part of an epoch
is measured. They take turns within one run, so a busy machine slows both; the ratio is what counts.

Usage: python tests/benchmarks/fashion_throughput.py [FOLDER OF FASHION-MNIST]
"""

import statistics
import sys
import time
from itertools import islice

import torch
from torch.utils.data import DataLoader, TensorDataset

from tuner.data import FashionMNIST

BATCH, BATCHES, REPEATS = 128, 100, 9
BAR = 3.0  # times


def batches_a_second(loader: DataLoader[tuple[torch.Tensor, ...]]) -> float:
    """Draw some batches of an epoch, of which the first starts the clock."""
    drawn = iter(loader)
    next(drawn)
    began = time.perf_counter()
    count = sum(1 for _ in islice(drawn, BATCHES))
    return count / (time.perf_counter() - began)


def main() -> None:
    """Print both rates and their ratio."""
    torch.set_num_threads(1)
    data = FashionMNIST(*sys.argv[1:2], batch_size=BATCH)
    data.setup("fit")
    theirs = DataLoader(TensorDataset(*data.parts["train"]), batch_size=BATCH, shuffle=True)
    rates = [(batches_a_second(data.train_dataloader()), batches_a_second(theirs)) for _ in range(REPEATS)]
    ours, torchs = (statistics.median(column) for column in zip(*rates, strict=True))
    ratios = [one / other for one, other in rates]
    print("| loader | batches of 128 a second |\n| --- | --- |")
    print(f"| FashionMNIST | {ours:,.0f} |\n| torch's DataLoader | {torchs:,.0f} |")
    spread = f"{min(ratios):.1f} .. {max(ratios):.1f}"
    print(f"ratio {statistics.median(ratios):.1f} (median of {REPEATS}, {spread}); the bar is {BAR:.0f}")


if __name__ == "__main__":
    main()
