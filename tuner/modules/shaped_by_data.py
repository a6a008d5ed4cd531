"""Modules whose input and output sizes the data can tell.

Data that know their sizes tell the module of them at the end of their `setup`, before any callback looks at
the weights. Lightning's own hook for networks that are made late, `configure_model`, comes after the
optimizer of LightningCLI and after the callbacks' `setup`, in which averages of the weights begin.
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from tuner.errors import BadConfiguration


def adapt_module_to(data: Any) -> None:
    """Tell the module that is about to be trained or tested with `data` of them, if it wants to know.

    A data module calls this at the end of its `setup`. The module may read what the data have as attributes:
    `features`, `channels`, `classes`, `loss_weights`, `target_mean`, `target_scale`.
    """
    module = None if data.trainer is None else data.trainer.lightning_module
    if isinstance(module, ShapedByData):
        module.adapt_to(data)


class ShapedByData:
    """Hooks of a LightningModule whose network takes its sizes from the data where they are left open.

    A subclass calls `take_sizes` when it is made, and has a `make_network`. Sizes that were given have to be
    the data's. What the data told is kept in checkpoints, so that these can be loaded without data.
    """

    network: nn.Module
    sizes: dict[str, int | None]

    def take_sizes(self, **sizes: int | None) -> None:
        """Make the network of these sizes; one that is left open (None) is 1 for now."""
        self.sizes = sizes
        if None in sizes.values():
            # The draw of the real weights is that of a network whose sizes were given.
            with torch.random.fork_rng(devices=[]):
                self.network = self.make_network(**{name: size or 1 for name, size in sizes.items()})
        else:
            self.network = self.make_network(**cast("dict[str, int]", sizes))

    def make_network(self, **sizes: int) -> nn.Module:
        """Make the network of these sizes; they change nothing in the names of its parameters."""
        raise NotImplementedError

    def adapt_to(self, data: Any) -> None:
        """Take from the data what was left open.

        Raises:
            BadConfiguration: a size is another one than the data's, or neither given nor told by the data.
        """
        told = {name: getattr(data, name, None) for name in self.sizes}
        for name, given in self.sizes.items():
            key = f"model.init_args.{name}"
            if given is None and told[name] is None:
                raise BadConfiguration(
                    key, f"is left open, and {type(data).__name__} does not tell it; write the number."
                )
            if None not in (given, told[name]) and given != told[name]:
                raise BadConfiguration(
                    key,
                    f"is {given}, but the data have {told[name]}; write {told[name]}, or null for theirs.",
                )
        self._settle(told)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the sizes."""
        checkpoint["sizes"] = dict(self.sizes)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take from a checkpoint what was left open."""
        self._settle(checkpoint.get("sizes", {}))

    def _settle(self, told: Mapping[str, int | None]) -> None:
        is_open = [name for name, size in self.sizes.items() if size is None]
        self.sizes |= {name: told.get(name) for name in is_open}
        if not is_open or None in self.sizes.values():
            return
        made = self.make_network(**cast("dict[str, int]", self.sizes))
        # The parameters stay who they are, since LightningCLI has given them to the optimizer long before.
        for name, parameter in self.network.named_parameters():
            owner, _, leaf = name.rpartition(".")
            parameter.data = made.get_parameter(name).data
            setattr(made.get_submodule(owner), leaf, parameter)
        self.network = made
