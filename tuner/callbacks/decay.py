"""Decoupled weight decay by its timescale."""

from math import ceil, inf

import pytorch_lightning

from tuner.callbacks.optimizer_edits import Configured, Module, OptimizerEdit, Trainer
from tuner.callbacks.step_rules import rule_of
from tuner.errors import IllegalTraining


class DecayTimescaleEdit(OptimizerEdit):
    """Set the weight decay of every optimizer of a module so that weights forget over `timescale` epochs.

    AdamW makes its weights an exponential average of its updates, over `1 / (lr * weight_decay)` steps (Wang
    & Aitchison 2024). So `weight_decay = 1 / (timescale * lr * steps per epoch)`, with the full
    learning rate of each group; under a schedule the decay falls with the rate, as AdamW's always does. No
    timescale is taken shorter than a step, which would turn weights around. Groups without decay stay so
    where others have one. SGD's decay is summed up by its momentum, so it is set lower by that factor.

    Args:
        timescale: in epochs, positive.

    Raises:
        IllegalTraining: `timescale` is not positive; or, when the fit begins, an epoch has no known length,
            or an optimizer rescales its decay with the gradient, as Adam does, or is not known.
    """

    phase = 0

    def __init__(self, timescale: float) -> None:
        super().__init__()
        if not timescale > 0:
            raise IllegalTraining(f"timescale > 0 must hold, but got timescale={timescale}; name epochs")
        self.timescale = timescale

    def edit(self, trainer: Trainer, pl_module: Module, configured: Configured) -> object:
        """Set the decay of the groups in place; what the module returned stays as it is."""
        steps = max(self.timescale * steps_per_epoch(trainer, type(self).__name__), 1.0)
        for optimizer in configured.optimizers:
            rule = rule_of(optimizer)
            groups = [group for group in optimizer.param_groups if "weight_decay" in group]
            decayed = [group for group in groups if group["weight_decay"]] or groups
            shares = [None if rule is None else rule.decay(group) for group in decayed]
            if not decayed or None in shares:
                raise IllegalTraining(
                    f"{type(self).__name__} needs a weight decay that shrinks weights by lr * weight_decay "
                    f"a step, but that of {type(optimizer).__name__} is none, coupled or not known; choose "
                    f"AdamW, NAdam or RAdam with decoupled_weight_decay, SGD, or the decay by its rate"
                )
            for group, share in zip(decayed, shares, strict=True):
                group["weight_decay"] = 1.0 / (steps * float(group["lr"]) * float(share or 1.0))
        return None


def steps_per_epoch(trainer: Trainer, asked_by: str) -> int:
    """Count the optimizer steps of an epoch on this rank.

    Raises:
        IllegalTraining: the training data have no length; `asked_by` needs it.
    """
    trainer.fit_loop.setup_data()
    batches = trainer.num_training_batches
    if batches == inf:
        raise IllegalTraining(
            f"{asked_by} needs to know the steps of an epoch, but the training data have no length; set "
            "trainer.limit_train_batches, or take the weight decay by its rate: `use: optimizer.rate`"
        )
    return ceil(batches / trainer.accumulate_grad_batches)


class DecayTimescale(DecayTimescaleEdit, pytorch_lightning.Callback):
    """Set the decay by its timescale, as `DecayTimescaleEdit` does, for `pytorch_lightning`."""
