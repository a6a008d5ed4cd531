"""Training facts: a few numbers by which a fit can be called unstable, too slow or overfitted.

Gradients and weights are looked at in pairs of consecutive steps, spread over the fit, so that the cost stays
far below that of training; losses are kept as they come and read once an epoch.
"""

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import numpy as np
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

PAIRS = 8  # of consecutive steps that are looked at in a fit of known length
SPARSE = 100  # steps from one pair to the next where the length is not known
WINDOW = 32  # steps that a spike is measured against
SPIKE = 6.0  # robust standard deviations above the median of the window
FLOOR = 0.1  # and at least this share of the first losses, so that noise near zero is none
MOST_PENDING = 1000  # losses that wait to be read, each a tensor of its own
BLOCK = 2**17  # losses whose windows are in memory at a time

_Arguments = ParamSpec("_Arguments")
_Hook = Callable[Concatenate["FactsHooks", _Arguments], None]


def watches(part: str) -> Callable[[_Hook[_Arguments]], _Hook[_Arguments]]:
    """Keep a hook from ending a fit: what it raises is noted, and it is not called again.

    Args:
        part: what the hook watches, such as `gradients`.
    """

    def decorate(hook: _Hook[_Arguments]) -> _Hook[_Arguments]:
        @wraps(hook)
        def watch(self: "FactsHooks", /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
            if part in self.missing:
                return
            try:
                hook(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
                said = (str(error).splitlines() or [""])[0]
                self.missing[part] = f"{type(error).__name__}: {said}"
                self.before = None
                self.pending.clear()  # what they hold is memory that the training may need

        return watch

    return decorate


class FactsHooks:
    """Hooks of a Lightning callback that watch how a fit goes, without changing it.

    A hook that raises an error is called no more, the fit goes on, and `missing` says which facts there are
    not, and why.

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
        self.missing: dict[str, str] = {}  # what could not be watched, and the error

    @watches("gradients")
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Spread the pairs over the fit."""
        steps, self.step = _steps(trainer), trainer.global_step
        self.every = max(2, int(steps) // PAIRS) if 1 <= steps < math.inf else SPARSE

    @watches("gradients")
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
        if not moving:
            return
        gradient, weights = _vector(weight.grad for weight in moving), _vector(moving)
        if position == 0:
            self.before = gradient, weights
        elif self.before is not None and self.before[0].shape == gradient.shape:
            self.pairs.append(_compared(*self.before, gradient, weights))
            self.before = None

    @watches("losses")
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            loss = loss.detach() if loss.requires_grad else loss
            self.pending.append(loss.mean() if loss.ndim else loss)
        if len(self.pending) >= MOST_PENDING:
            self.read()

    @watches("losses")
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the losses of the epoch."""
        self.read()
        self.before = None  # a pair does not span a checkpoint

    @watches("weights")
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the weights; whole numbers, and what has no values yet, have no length."""
        norms = [
            float(torch.linalg.vector_norm(_real(weight.detach())))
            for weight in pl_module.parameters()
            if (weight.is_floating_point() or weight.is_complex())
            and not weight.is_meta
            and not is_lazy(weight)
        ]
        self.weight_norm = math.hypot(*norms) if norms else math.nan

    def read(self) -> None:
        """Turn the pending losses into numbers, all at once."""
        if self.pending:
            self.losses += torch.stack(self.pending).float().cpu().tolist()
            self.pending.clear()

    def state_dict(self) -> dict[str, Any]:
        """Give what a resumed fit needs to end with the same facts."""
        return {
            "pairs": [pair.tolist() for pair in self.pairs],
            "losses": list(self.losses),
            "missing": dict(self.missing),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.pairs = [torch.tensor(pair) for pair in state_dict["pairs"]]
        self.losses = list(state_dict["losses"])
        self.missing = dict(state_dict.get("missing", {}))

    def told(self, logged: Mapping[str, Any], metric: str) -> dict[str, Any]:
        """Give the facts under `facts`, and under `facts_missing` what could not be watched, if anything.

        Args:
            logged: the last value of each metric.
            metric: the study's.
        """
        found: dict[str, float] = {}

        @watches("facts")
        def collect(self: FactsHooks) -> None:
            found.update(self.facts(logged, metric))

        collect(self)
        return {"facts": found, **({"facts_missing": dict(self.missing)} if self.missing else {})}

    def facts(self, logged: Mapping[str, Any], metric: str) -> dict[str, float]:
        """Give the facts of the fit so far.

        Args:
            logged: the last value of each metric.
            metric: the study's.
        """
        self.read()
        found = {"weight_norm": self.weight_norm}
        found |= {} if "gradients" in self.missing else _of_pairs(self.pairs)
        found |= {} if "losses" in self.missing else _of_losses(self.losses)
        kind, _, name = metric.partition("_")
        if kind == "val" and {metric, f"train_{name}"} <= set(logged):
            found["gap"] = float(logged[metric]) - float(logged[f"train_{name}"])
        return {name: value for name, value in found.items() if math.isfinite(value)}


def _steps(trainer: Trainer) -> float:
    """Count the optimizer steps of a fit; infinity where nobody knows.

    `Trainer.estimated_stepping_batches` may load the data anew, and refuses some trainings.
    """
    batches, epochs = trainer.num_training_batches, -1 if trainer.max_epochs is None else trainer.max_epochs
    most = trainer.max_steps if trainer.max_steps >= 0 else math.inf
    if epochs < 0 or not math.isfinite(batches):
        return most
    return min(most, math.ceil(batches / trainer.accumulate_grad_batches) * epochs)


def _vector(tensors: Iterable[Tensor | None]) -> Tensor:
    """Put tensors of any kind end to end in a copy."""
    return torch.cat([_real(tensor.detach()).flatten() for tensor in tensors if tensor is not None])


def _real(tensor: Tensor) -> Tensor:
    """Give a tensor as dense float32 numbers: squares of half precision would overflow."""
    dense = tensor if tensor.layout is torch.strided else tensor.to_dense()
    return (torch.view_as_real(dense) if dense.is_complex() else dense).float()


def _compared(gradient: Tensor, weights: Tensor, next_gradient: Tensor, next_weights: Tensor) -> Tensor:
    """Put what is kept of a pair of steps in one vector, without waiting for an accelerator."""
    update = next_weights - weights
    dot = torch.dot
    return torch.stack(
        [
            dot(gradient, gradient),
            dot(next_gradient, next_gradient),
            dot(gradient, next_gradient),
            dot(update, update),
            dot(update, next_gradient),
            dot(weights, weights),
        ]
    ).float()


def _of_pairs(pairs: list[Tensor]) -> dict[str, float]:
    if not pairs:
        return {}
    # Those of a fit that was resumed are on the CPU.
    table = torch.stack([pair.to(pairs[-1].device) for pair in pairs]).double().cpu().numpy()
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
    floor = FLOOR * abs(float(np.mean(values[:8])))
    for start in range(0, len(values) - WINDOW, BLOCK):
        block = values[start : start + BLOCK + WINDOW]
        windows = np.lib.stride_tricks.sliding_window_view(block, WINDOW)[:-1]
        medians = np.median(windows, axis=1)
        deviations = 1.48 * np.median(np.abs(windows - medians[:, None]), axis=1)
        broken += int(np.sum(block[WINDOW:] > medians + np.maximum(SPIKE * deviations, floor)))
    return broken


def facts_class(package: str) -> Callable[[], Any]:
    """Give `FactsHooks` as a callback of the Lightning that `package` names; each accepts only its own."""
    return type("TrainingFacts", (FactsHooks, importlib.import_module(package).Callback), {})
