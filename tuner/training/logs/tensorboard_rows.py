"""Rows of Lightning's TensorBoardLogger, which adds a file in every fit and takes none back."""

from typing import Any


def hide_from(logger: Any, trainer: Any) -> None:
    """Hide the rows of an earlier fit that this fit writes again, as `purge_step` of its writer does.

    TensorBoard then shows no row whose step is that of the batch that comes next, or later.
    """
    if "TensorBoardLogger" not in {parent.__name__ for parent in type(logger).__mro__}:
        return
    writer = logger.experiment
    writer.close()  # it opens its next file with the first row, and looks at `purge_step` then
    # A private name, because loggers are given this number, and `global_step` is another one where a module
    # has several optimizers. A test watches the name.
    writer.purge_step = trainer.fit_loop.epoch_loop._batches_that_stepped  # noqa: SLF001
