"""Measuring how sharp the training loss is around trained weights, as plain data."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import seed_everything

from tuner.training.configuration.assembly import assemble
from tuner.training.kept_weights import held_objects
from tuner.training.process.ranks import on_one_device
from tuner.training.sharpness.curvature import leading, trace
from tuner.training.sharpness.loss import LossOfWeights, NoLoss, batches_of, merged
from tuner.training.sharpness.neighbourhood import RADIUS, adaptive_sharpness, along


def measure(configuration: Mapping[str, Any], checkpoint: Path, seed: int) -> dict[str, Any]:
    """Measure the training loss around a checkpoint's weights.

    Lightning validates the checkpoint first, so that data and module are made ready as in training.

    Args:
        configuration: what has been trained.
        checkpoint: its weights.
        seed: of the training; data that are split at random are then split as they were in it.

    Returns:
        See `sharpness_of`.

    Raises:
        NoLoss: the module has no loss whose curvature can be measured, or its weights are not loaded.
    """
    if held := held_objects(checkpoint):
        raise NoLoss(held)
    seed_everything(seed, workers=True, verbose=False)
    assembly = assemble(on_one_device(configuration))
    assembly.trainer.validate(assembly.module, datamodule=assembly.data, ckpt_path=checkpoint, verbose=False)
    source: Any = assembly.data or assembly.module
    if assembly.data is not None:
        assembly.data.setup("fit")
    batches, sizes = batches_of(source.train_dataloader())
    device = assembly.trainer.strategy.root_device
    module: Any = assembly.module.to(device)
    batches = [module.transfer_batch_to_device(batch, device, 0) for batch in batches]
    if hasattr(module, "plain_loss"):  # a mean over samples
        batches, sizes = merged(batches, sizes)
    module.trainer = None  # what its training step logs goes nowhere
    return sharpness_of(LossOfWeights(module, batches, sizes), seed)


def sharpness_of(loss: LossOfWeights, seed: int) -> dict[str, Any]:
    """Measure a loss around the weights as they stand.

    Returns:
        Plain data: `loss`, the largest `eigenvalue` of the Hessian, its `trace` and the standard error
        `trace_error` of that, `adaptive` sharpness at a `radius`, `along` the leading direction pairs of a
        place (a part of the length of all weights) and the loss there, the number of `samples` and of
        `weights`, whether the loss is plain (`is_plain`), and the `seconds` that it took.
    """
    began = time.monotonic()
    value = loss.value()
    eigenvalue, direction = leading(loss, seed)
    whole, error = trace(loss, seed, (eigenvalue, direction))
    return {
        "loss": value,
        "eigenvalue": eigenvalue,
        "trace": whole,
        "trace_error": error,
        "adaptive": adaptive_sharpness(loss, seed),
        "radius": RADIUS,
        "along": [list(pair) for pair in along(loss, direction)],
        "samples": loss.samples,
        "weights": loss.size,
        "is_plain": loss.is_plain,
        "seconds": time.monotonic() - began,
    }
