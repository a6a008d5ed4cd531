"""The best constant answer on the test part: what a model must beat before its score means anything."""

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

MOST_SAMPLES = 10_000_000  # whose targets are kept; of more no baseline is told


class ConstantAnswerHooks:
    """Hooks of a Lightning callback that keep the targets of the test part, of batches `(samples, targets)`.

    Targets that are whole numbers, `(batch,)`, are classes, real ones a quantity; of others nothing is told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[Tensor] = []
        self.is_understood = True

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: int
    ) -> None:
        """Keep the targets of a batch."""
        is_pair = isinstance(batch, list | tuple) and len(batch) == 2  # noqa: PLR2004 - samples and targets
        target = batch[1] if is_pair else None
        if not isinstance(target, Tensor) or target.ndim != 1 or target.is_complex():
            self.is_understood = False
        if self.is_understood and sum(map(len, self.targets)) > MOST_SAMPLES:
            self.is_understood = False
        if self.is_understood and isinstance(target, Tensor):
            self.targets.append(target.detach().cpu())
        else:
            self.targets.clear()

    def told(self, data: Any) -> dict[str, Any] | None:
        """Give what the best constant answer scores, as plain data; None where targets were not understood.

        Of classes: the most frequent one, `answer`, and its `error`. Of a quantity, in the unit that `data`
        tell by `target_scale`: the mean absolute error `mae` of its median, and the root `rmse` of the mean
        squared error of its mean. `samples` were looked at.
        """
        if not self.is_understood or not self.targets:
            return None
        target = torch.cat(self.targets)
        if not target.is_floating_point():
            (answer, count), *_ = Counter(target.tolist()).most_common(1)
            names = getattr(data, "class_names", ())
            known = names[answer] if 0 <= answer < len(names) else str(answer)
            error = 1 - count / len(target)
            return {"answer": known, "error": error, "samples": len(target)}
        scale = float(getattr(data, "target_scale", 1.0))
        target = target.double()
        return {
            "mae": scale * float((target - target.median()).abs().mean()),
            "rmse": scale * float(target.std(correction=0)),
            "samples": len(target),
        }


def constant_answer_class(package: str) -> Callable[[], Any]:
    """Give `ConstantAnswerHooks` as a callback of the Lightning that `package` names."""
    return type("ConstantAnswer", (ConstantAnswerHooks, importlib.import_module(package).Callback), {})
