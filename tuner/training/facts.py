"""Training facts: a few numbers by which a fit can be called unstable, too slow or overfitted.

Gradients and weights are looked at in pairs of consecutive steps, spread over the fit, so that the cost stays
far below that of training; losses are kept as they come and read once an epoch.
"""

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

PAIRS = 8  # of consecutive steps that are looked at in a fit of known length
SPARSE = 100  # steps from one pair to the next where the length is not known
WINDOW = 32  # steps that a spike is measured against
SPIKE = 6.0  # robust standard deviations above the median of the window
FLOOR = 0.1  # and at least this share of the first losses, so that noise near zero is none


class FactsHooks:
    """Hooks of a Lightning callback that watch how a fit goes, without changing it.

    Its facts, each a number and absent where it could not be measured:

    - `gradient_norm`: median Euclidean norm of the gradient of a batch, before any clipping.
    - `gradient_noise`: share of a gradient's squared length that the next one does not confirm, in [0, 1]:
      1 - 2 g g' / (g g + g' g') for consecutive gradients g, g' (cf. McCandlish et al. 2018, section 2.2).
    - `update_ratio`: median length of an update as a share of the length of the weights.
    - `overshoot`: mean cosine between an update and the gradient after it. Below zero the loss still falls
      that way; above zero the step has gone past the bottom, and the learning rate nears the edge beyond
      which training diverges (cf. Cohen et al. 2021).
    - `weight_norm`: length of the weights at the end.
    - `loss_spikes`: steps whose training loss stands out above those before.
    - `loss_fall`: by which share the training loss fell from the fourth to the last fifth of the steps.
    - `gap`: the metric in validation minus in training, after the last epoch, where the module logs both
      `val_NAME` and `train_NAME`. What acts in training only (dropout, mixing) raises the latter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.every = SPARSE
        self.step = 0
        self.before: tuple[Tensor, Tensor] | None = None  # gradient and weights of the first step of a pair
        self.pairs: list[Tensor] = []
        self.pending: list[Tensor] = []  # losses of this epoch
        self.losses: list[float] = []
        self.weight_norm = math.nan

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Spread the pairs over the fit."""
        steps, self.step = trainer.estimated_stepping_batches, trainer.global_step
        self.every = max(2, int(steps) // PAIRS) if 1 <= steps < math.inf else SPARSE

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Look at gradient and weights, in two consecutive steps of many."""
        position = self.step % self.every
        self.step += 1  # Lightning's own count takes longer than all the rest of most steps
        if position > 1 or len(trainer.optimizers) != 1:
            return
        moving = [
            weight
            for group in optimizer.param_groups
            for weight in group["params"]
            if weight.grad is not None
        ]
        gradient = torch.cat([weight.grad.flatten() for weight in moving])
        weights = torch.cat([weight.detach().flatten() for weight in moving])
        if position == 0:
            self.before = gradient, weights
        elif self.before is not None and self.before[0].shape == gradient.shape:
            self.pairs.append(_compared(*self.before, gradient, weights))
            self.before = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            loss = loss.detach() if loss.requires_grad else loss
            self.pending.append(loss.mean() if loss.ndim else loss)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the losses of the epoch."""
        self.read()
        self.before = None  # a pair does not span a checkpoint

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the weights."""
        norms = [torch.linalg.vector_norm(weight.detach()) for weight in pl_module.parameters()]
        self.weight_norm = float(torch.linalg.vector_norm(torch.stack(norms))) if norms else math.nan

    def read(self) -> None:
        """Turn the pending losses into numbers, all at once."""
        if self.pending:
            self.losses += torch.stack(self.pending).float().cpu().tolist()
            self.pending.clear()

    def state_dict(self) -> dict[str, Any]:
        """Give what a resumed fit needs to end with the same facts."""
        return {"pairs": [pair.tolist() for pair in self.pairs], "losses": list(self.losses)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.pairs = [torch.tensor(pair) for pair in state_dict["pairs"]]
        self.losses = list(state_dict["losses"])

    def facts(self, logged: Mapping[str, Any], metric: str) -> dict[str, float]:
        """Give the facts of the fit so far.

        Args:
            logged: the last value of each metric.
            metric: the study's.
        """
        self.read()
        found = {**_of_pairs(self.pairs), **_of_losses(self.losses), "weight_norm": self.weight_norm}
        kind, _, name = metric.partition("_")
        if kind == "val" and {metric, f"train_{name}"} <= set(logged):
            found["gap"] = float(logged[metric]) - float(logged[f"train_{name}"])
        return {name: value for name, value in found.items() if math.isfinite(value)}


def _compared(gradient: Tensor, weights: Tensor, next_gradient: Tensor, next_weights: Tensor) -> Tensor:
    """Put what is kept of a pair of steps in one vector, without waiting for an accelerator."""
    update = next_weights - weights
    dot = torch.dot
    return torch.stack(
        [
            dot(gradient, gradient), dot(next_gradient, next_gradient), dot(gradient, next_gradient),
            dot(update, update), dot(update, next_gradient), dot(weights, weights),
        ]
    ).float()  # fmt: skip


def _of_pairs(pairs: list[Tensor]) -> dict[str, float]:
    if not pairs:
        return {}
    table = torch.stack(pairs).double().cpu().numpy()
    first, second, both, moved, along, size = table.T
    with np.errstate(all="ignore"):  # a gradient of zero says nothing of its direction
        noise = 1 - 2 * both / (first + second)
        cosine = along / np.sqrt(moved * second)
        ratio = np.sqrt(moved / size)
    return {
        "gradient_norm": _median(np.sqrt(first)),
        "gradient_noise": min(max(_median(noise), 0.0), 1.0) if np.isfinite(noise).any() else math.nan,
        "update_ratio": _median(ratio),
        "overshoot": float(np.mean(cosine[np.isfinite(cosine)])) if np.isfinite(cosine).any() else math.nan,
    }


def _median(values: Any) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan


def _of_losses(losses: list[float]) -> dict[str, float]:
    values = np.array(losses)
    found = {"loss_spikes": float(count_spikes(values))}
    fifth = len(values) // 5
    if fifth:
        last, earlier = float(values[-fifth:].mean()), float(values[-2 * fifth : -fifth].mean())
        found["loss_fall"] = (earlier - last) / abs(earlier) if earlier else math.nan
    return found


def count_spikes(losses: Any) -> int:
    """Count the losses, `(steps,)`, that stand out above the 32 before them.

    A spike lies more than six robust standard deviations (1.48 median absolute deviations), and more than a
    tenth of the first losses, above the median; a loss that is no number is one too.
    """
    values = losses[np.isfinite(losses)]
    broken = len(losses) - len(values)
    if len(values) <= WINDOW:
        return broken
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[:-1]
    medians = np.median(windows, axis=1)
    deviations = 1.48 * np.median(np.abs(windows - medians[:, None]), axis=1)
    floor = FLOOR * abs(float(np.mean(values[:8])))
    return broken + int(np.sum(values[WINDOW:] > medians + np.maximum(SPIKE * deviations, floor)))


def facts_class(package: str) -> Callable[[], Any]:
    """Give `FactsHooks` as a callback of the Lightning that `package` names; each accepts only its own."""
    return type("TrainingFacts", (FactsHooks, importlib.import_module(package).Callback), {})
