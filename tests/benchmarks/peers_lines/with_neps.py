"""NePS, which goes on by itself in the folder of its results and writes its best into it."""

import neps
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from own_module import Own, OwnData


class Space(neps.PipelineSpace):
    """What varies."""

    lr = neps.Float(3e-4, 0.3, log=True)
    weight_decay = neps.Float(1e-5, 1e-2, log=True)
    dropout = neps.Float(0.0, 0.5)


def train(lr: float, weight_decay: float, dropout: float) -> float:
    """Train one trial."""
    seed_everything(0)
    trainer = Trainer(
        max_epochs=10, callbacks=[EarlyStopping("val_loss")], enable_checkpointing=False, logger=False
    )
    trainer.fit(Own(lr, weight_decay, dropout), OwnData())
    return trainer.callback_metrics["val_loss"].item()


neps.run(train, Space(), root_directory="neps_results", total_evaluations_to_spend=20)
