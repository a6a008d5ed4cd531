"""Parameter groups that leave norms and biases out of the weight decay.

Decay pulls a weight matrix towards a simpler function; the scale of a norm and a bias hold no such
complexity, and pulling them to zero only loses fit (Goyal et al. 2017; Loshchilov & Hutter leave
the choice open).
"""

from collections.abc import Collection
from typing import Any

import pytorch_lightning
from torch import nn
from torch.optim import Optimizer

from tuner.callbacks.optimizer_edits import Configured, Module, OptimizerEdit, Trainer
from tuner.errors import IllegalTraining

NORM_LAYERS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.LazyBatchNorm1d,
    nn.LazyBatchNorm2d,
    nn.LazyBatchNorm3d,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LazyInstanceNorm1d,
    nn.LazyInstanceNorm2d,
    nn.LazyInstanceNorm3d,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)
EMBEDDING_LAYERS = (nn.Embedding, nn.EmbeddingBag)


def undecayed_parameters(module: nn.Module, *, embeddings: bool = False) -> list[nn.Parameter]:
    """List the parameters that weight decay should leave alone, each once.

    They are all parameters of torch's norm layers, every parameter that has the word `bias` in its own name
    (`bias`, `in_proj_bias`, `bias_hh_l0`), and, if asked for, the tables of embedding layers.
    """
    exempt_layers = NORM_LAYERS + EMBEDDING_LAYERS if embeddings else NORM_LAYERS
    found = {
        parameter: None
        for layer in module.modules()
        for name, parameter in layer.named_parameters(recurse=False)
        if isinstance(layer, exempt_layers) or "bias" in name.split("_")
    }
    return list(found)


def undecayed_groups(module: nn.Module, *, embeddings: bool = False) -> list[dict[str, Any]]:
    """Make the parameter groups that a module's own `configure_optimizers` hands to its optimizer.

    `torch.optim.AdamW(undecayed_groups(self), weight_decay=0.01)` decays the first group by 0.01 and the
    second not at all.
    """
    exempt = undecayed_parameters(module, embeddings=embeddings)
    spared = set(exempt)
    decayed = [parameter for parameter in module.parameters() if parameter not in spared]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": exempt, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def exempt_from_decay(optimizer: Optimizer, parameters: Collection[nn.Parameter]) -> None:
    """Move `parameters` of an optimizer into groups of their own with a weight decay of zero, in place.

    Each group that decays some of them is divided in two; the new one keeps every other option and stands
    behind all old ones. Groups without weight decay stay as they are, so a second call changes nothing.
    """
    spared = set(parameters)
    for group in list(optimizer.param_groups):
        exempt = [position for position, parameter in enumerate(group["params"]) if parameter in spared]
        if not exempt or not group.get("weight_decay"):
            continue
        if len(exempt) == len(group["params"]):
            group["weight_decay"] = 0.0
            continue
        # Made with `named_parameters()`, an optimizer keeps the names beside the parameters and wants pairs
        # for a new group.
        names = group.get("param_names")
        members = group["params"] if names is None else list(zip(names, group["params"], strict=True))
        options = {key: value for key, value in group.items() if key not in {"params", "param_names"}}
        moved = [members[position] for position in exempt]
        kept = [position for position in range(len(members)) if position not in set(exempt)]
        group["params"] = [group["params"][position] for position in kept]
        if names is not None:
            group["param_names"] = [names[position] for position in kept]
        optimizer.add_param_group({**options, "params": moved, "weight_decay": 0.0})


def decays_any(optimizer: Optimizer, parameters: Collection[nn.Parameter]) -> bool:
    """Say whether an optimizer decays one of `parameters`."""
    spared = set(parameters)
    return any(
        parameter in spared
        for group in optimizer.param_groups
        if group.get("weight_decay")
        for parameter in group["params"]
    )


class UndecayedGroupsEdit(OptimizerEdit):
    """Leave norms and biases out of the weight decay of every optimizer of a module, whoever made it.

    Args:
        embeddings: leave the tables of embedding layers out as well.

    Raises:
        IllegalTraining: when the fit begins, if a scheduler already follows groups that would have to be
        divided.
    """

    phase = 1

    def __init__(self, *, embeddings: bool = False) -> None:
        super().__init__()
        self.embeddings = embeddings

    def edit(self, trainer: Trainer, pl_module: Module, configured: Configured) -> object:
        """Divide the groups in place; what the module returned stays as it is."""
        exempt = undecayed_parameters(pl_module, embeddings=self.embeddings)
        decaying = [optimizer for optimizer in configured.optimizers if decays_any(optimizer, exempt)]
        if decaying and configured.schedulers:
            # torch's schedulers count the groups once, when they are made, and fail at the first step after
            # that changed.
            raise IllegalTraining(
                f"{type(self).__name__} cannot divide the parameter groups of {type(decaying[0]).__name__}, "
                "which a scheduler already follows; make the optimizer from undecayed_groups(self) in "
                "configure_optimizers, or leave the scheduler to LearningRateSchedule"
            )
        for optimizer in decaying:
            exempt_from_decay(optimizer, exempt)
        return None


class UndecayedGroups(UndecayedGroupsEdit, pytorch_lightning.Callback):
    """Leave norms and biases undecayed, as `UndecayedGroupsEdit` does, for `pytorch_lightning`."""
