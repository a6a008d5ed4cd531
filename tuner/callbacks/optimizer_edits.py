"""Callbacks that change what a module's `configure_optimizers` returns, before Lightning reads it.

LightningCLI gives a module its `configure_optimizers` by assigning it on the instance; an editing callback
does the same, for the time of one fit, around whichever method stands there. It therefore serves
LightningCLI's `optimizer` section and a module's own method alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pytorch_lightning
from torch.optim import Optimizer

from tuner.errors import IllegalTraining

if TYPE_CHECKING:  # it need not be installed
    import lightning.pytorch

Trainer: TypeAlias = "pytorch_lightning.Trainer | lightning.pytorch.Trainer"
Module: TypeAlias = "pytorch_lightning.LightningModule | lightning.pytorch.LightningModule"


@dataclass(frozen=True)
class Configured:
    """What `configure_optimizers` returned, in one form: optimizers, and the schedulers that follow them."""

    optimizers: tuple[Optimizer, ...]
    schedulers: tuple[object, ...]


def read_configured(returned: object) -> Configured:
    """Read any form that Lightning lets `configure_optimizers` return.

    The forms are an optimizer, several in a list or tuple, a pair of lists (optimizers, schedulers), a
    dictionary with `optimizer` and perhaps `lr_scheduler`, several such dictionaries, and None for no
    optimizer.

    Raises:
        IllegalTraining: it is none of these, or an optimizer is not one of torch's.
    """
    optimizers, schedulers = separate(returned)
    if not all(isinstance(optimizer, Optimizer) for optimizer in optimizers):
        raise IllegalTraining(
            f"configure_optimizers returned {returned!r}, which is no form of torch optimizers that "
            "Lightning documents; return an optimizer, a list of them, or a dictionary with the key optimizer"
        )
    return Configured(tuple(optimizers), tuple(schedulers))


def separate(returned: object) -> tuple[list[Any], list[Any]]:
    """Separate optimizers from schedulers by the form alone, whatever they are."""
    match returned:
        case None:
            return [], []
        case [list(optimizers), schedulers]:
            return optimizers, schedulers if isinstance(schedulers, list) else [schedulers]
        case list() | tuple():
            parts = list(returned)
        case _:
            parts = [returned]
    if not all(isinstance(part, dict) for part in parts):
        return parts, []
    schedulers = [part.get("lr_scheduler") for part in parts]
    return [part.get("optimizer") for part in parts], [found for found in schedulers if found is not None]


class OptimizerEdit:
    """The hooks of an editing callback of either Lightning; inherit from it and that package's `Callback`.

    Callbacks may stand in any order: the first of a trainer's editing callbacks wraps the method once, with
    all of them sorted by `phase`, because a schedule has to see the parameter groups that it will follow.
    """

    phase: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.restore_method: Callable[[], None] | None = None

    def edit(self, trainer: Trainer, pl_module: Module, configured: Configured) -> object:
        """Return what shall stand for what `configure_optimizers` returned, or None to leave it at that."""
        raise NotImplementedError

    def setup(self, trainer: Trainer, pl_module: Module, stage: str) -> None:
        """Stand in for the module's `configure_optimizers` during a fit."""
        self.restore()
        callbacks: list[object] = trainer.callbacks  # type: ignore[union-attr] # documented, but set from outside
        edits = [callback for callback in callbacks if isinstance(callback, OptimizerEdit)]
        if stage != "fit" or edits[0] is not self:
            return
        edits.sort(key=lambda edit: edit.phase)
        configure: Callable[[], object] = pl_module.configure_optimizers
        was_assigned = "configure_optimizers" in vars(pl_module)

        def configure_edited() -> object:
            returned = configure()
            for callback in edits:
                edited = callback.edit(trainer, pl_module, read_configured(returned))
                returned = returned if edited is None else edited
            return returned

        def restore_method() -> None:
            if was_assigned:
                pl_module.configure_optimizers = configure  # type: ignore[assignment, method-assign]
            else:
                del pl_module.configure_optimizers

        pl_module.configure_optimizers = configure_edited  # type: ignore[assignment, method-assign]
        self.restore_method = restore_method

    def teardown(self, trainer: Trainer, pl_module: Module, stage: str) -> None:
        """Give the module its own method back."""
        self.restore()

    def on_exception(self, trainer: Trainer, pl_module: Module, exception: BaseException) -> None:
        """Give the module its own method back; Lightning calls no `teardown` for a fit that failed."""
        self.restore()

    def restore(self) -> None:
        """Undo `setup`, if it is still in force."""
        if self.restore_method is not None:
            self.restore_method()
            self.restore_method = None
