"""What the training facts cost: the CPU time spent in their hooks, as a share of that of the whole fit.

The share is taken within each fit, so other work on the machine hardly touches it. The bar is 2 %.

Usage: python tests/benchmarks/facts_cost.py
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning
import torch

from tuner.training.configuration.assembly import assemble
from tuner.training.fitting.facts import FactsHooks
from tuner.workers.processes.quiet import silence

REPEATS = 5
HOOKS = (
    "on_train_start",
    "on_before_optimizer_step",
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_train_end",
)
CASES = {
    "digits, 2 layers of 64, 20 epochs": {"hidden": [64, 64]},
    "digits, 2 layers of 1024, 20 epochs": {"hidden": [1024, 1024]},
}


class Timed(FactsHooks, pytorch_lightning.Callback):
    """The facts, with a clock around each hook."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        for name in HOOKS:
            setattr(self, name, self.timed(getattr(self, name)))

    def timed(self, hook: Callable[..., None]) -> Callable[..., None]:
        """Add the CPU time of a hook to the sum."""

        def run(*given: Any, **named: Any) -> None:
            began = time.process_time()
            hook(*given, **named)
            self.seconds += time.process_time() - began

        return run


def share(model: dict[str, Any]) -> float:
    """Fit once, and give the share of the CPU time that the facts took."""
    configuration = {
        "trainer": {"max_epochs": 20},
        "model": {"class_path": "tuner.modules.MLPClassifier", "init_args": model},
        "data": {"class_path": "tuner.data.Digits"},
        "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-3}},
    }
    watch = Timed()
    assembly = assemble(configuration, [watch])
    began = time.process_time()
    assembly.trainer.fit(assembly.module, datamodule=assembly.data)
    watch.facts(assembly.trainer.callback_metrics, "val_loss")
    return watch.seconds / (time.process_time() - began)


def main() -> None:
    """Print the share for each case."""
    silence()
    torch.set_num_threads(1)
    print("| case | share of the fit's CPU time | bar |\n| --- | --- | --- |")
    for name, model in CASES.items():
        found = statistics.median(share(model) for _ in range(REPEATS))
        print(f"| {name} (median of {REPEATS}) | {found:.2%} | 2 % |", flush=True)


if __name__ == "__main__":
    main()
