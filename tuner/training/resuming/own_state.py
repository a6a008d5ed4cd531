"""What users' objects keep between two epochs and Lightning's checkpoints leave out: generators and values.

A module that counts in an attribute, a data set with a generator of its own, a callback with a list:
Lightning saves none of them unless their author says how. They are found by going through the attributes of
the module, its data, its callbacks and its loaders.
"""

import io
import pickle
import random
from collections import deque
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias

import numpy as np
import torch
from pytorch_lightning.utilities import move_data_to_device
from torch import Tensor, nn
from torch.serialization import default_restore_location

DEPTH = 10  # attributes of attributes that are followed
OBJECTS = 5_000  # that are looked at in all
ITEMS = 64  # of a list or mapping of objects; a longer one holds data
VALUES = 10_000  # of a list or mapping of plain values
ELEMENTS = 100_000  # of a tensor or an array

Path: TypeAlias = tuple[str | int, ...]  # keys of attributes and items, from a name among the roots
Roots: TypeAlias = Mapping[str, Any]

_LIBRARIES = {"torch", "pytorch_lightning", "lightning", "lightning_fabric", "torchmetrics", "tuner", "numpy"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_ENDS = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType)
_UNFOLLOWED = {"_iterator", "_trainer", "trainer", "_parameters", "_fabric"}  # loops, and what state_dict has


def generators_of(roots: Roots) -> dict[Path, Any]:
    """Give the state of every generator object that is found."""
    return {path: _state(found) for path, found in _walk(roots) if _is_generator(found)}


def values_of(roots: Roots) -> dict[Path, Any]:
    """Give every plain value that an object of the user's own holds: a counter, a list of numbers."""
    return {path: found for path, found in _walk(roots) if not _is_generator(found)}


def fingerprints(values: Mapping[Path, Any]) -> dict[Path, bytes]:
    """Give for each value what tells it from a changed one."""
    return {path: pickle.dumps(value) for path, value in values.items()}


def put_generators(roots: Roots, states: Mapping[Path, Any]) -> None:
    """Put generators back to the states that `generators_of` gave."""
    for path, state in states.items():
        found = _at(roots, path)
        if found is not None:
            _set_state(found, state)


def put_values(roots: Roots, values: Mapping[Path, Any]) -> None:
    """Put values back where `values_of` found them, on the device of what stands there now."""
    for path, kept in values.items():
        owner, device = _at(roots, path[:-1]), _device_of(_at(roots, path))
        value = kept if device is None else move_data_to_device(kept, device)
        if isinstance(owner, dict | list):
            owner[path[-1]] = value  # type: ignore[index] # of the kind that was found there
        elif owner is not None and hasattr(owner, "__dict__"):
            vars(owner)[str(path[-1])] = value


def packed(values: Mapping[Path, Any]) -> bytes:
    """Give values as bytes, which tell of each tensor whether it was on an accelerator."""
    file = io.BytesIO()
    torch.save(dict(values), file)
    return file.getvalue()


def unpacked(data: bytes, device: torch.device) -> dict[Path, Any]:
    """Give the values that `packed` was given; what was on an accelerator is on `device`."""

    def placed(storage: Any, location: str) -> Any:
        if location == "cpu":
            return storage
        return default_restore_location(storage, str(device))  # type: ignore[no-untyped-call]

    found: dict[Path, Any] = torch.load(io.BytesIO(data), map_location=placed, weights_only=False)
    return found


def _walk(roots: Roots) -> Iterator[tuple[Path, Any]]:
    """Go through generators, and through plain values of objects that no library has defined."""
    seen: set[int] = set()
    waiting: deque[tuple[Path, Any]] = deque(((name,), root) for name, root in roots.items())
    while waiting and len(seen) < OBJECTS:
        path, found = waiting.popleft()
        if id(found) in seen or isinstance(found, _ENDS):
            continue
        seen.add(id(found))
        if _is_generator(found):
            yield path, found
            continue
        if len(path) > DEPTH:
            continue
        is_own = type(found).__module__.partition(".")[0] not in _LIBRARIES
        for key, value in _parts(found):
            if is_plain(value):
                if is_own and (isinstance(found, dict | list) or key != "training"):
                    yield (*path, key), value
            else:
                waiting.append(((*path, key), value))


def _parts(found: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(found, dict):
        if len(found) <= ITEMS:
            yield from ((key, value) for key, value in found.items() if isinstance(key, str | int))
    elif isinstance(found, list | tuple):
        if len(found) <= ITEMS:
            yield from enumerate(found)
    elif isinstance(found, nn.Module):
        yield from _parts_of_module(found)
    elif not isinstance(found, Tensor | np.ndarray | Mapping | set | frozenset):
        attributes = getattr(found, "__dict__", {})
        yield from ((key, value) for key, value in attributes.items() if key not in _UNFOLLOWED)


def _parts_of_module(module: nn.Module) -> Iterator[tuple[str | int, Any]]:
    attributes, of_torch = vars(module), vars(nn.Module())
    yield "_modules", attributes["_modules"]
    if "_hparams" in attributes:  # Lightning's hyperparameters, which a search for a learning rate changes
        yield "_hparams", attributes["_hparams"]
    temporary = attributes["_non_persistent_buffers_set"]  # which state_dict leaves out
    yield "_buffers", {name: attributes["_buffers"][name] for name in temporary}
    for key, value in attributes.items():
        # What Lightning's base classes keep has a leading underscore, and they keep it themselves.
        if key not in of_torch and key not in _UNFOLLOWED and not key.startswith("_"):
            yield key, value


def is_plain(value: Any, budget: int = VALUES) -> bool:
    """Say whether a value consists of numbers, texts and small tensors, so that it can be put back."""
    return _count(value, budget) <= budget


def _count(value: Any, budget: int) -> int:
    if isinstance(value, Tensor | np.ndarray):
        size = value.numel() if isinstance(value, Tensor) else value.size
        is_small = (
            size <= ELEMENTS
            and not isinstance(value, nn.Parameter)
            and not (isinstance(value, Tensor) and (value.requires_grad or value.layout is not torch.strided))
        )
        is_object = isinstance(value, np.ndarray) and value.dtype.hasobject
        return 1 if is_small and not is_object else budget + 1
    if isinstance(value, _PLAIN):
        return 1
    if isinstance(value, dict) or type(value) in {list, tuple, set, frozenset, deque}:
        if len(value) > budget:
            return budget + 1
        total = 1
        for item in value.values() if isinstance(value, dict) else value:
            total += _count(item, budget - total)
            if total > budget:
                break
        return total
    return budget + 1


def _device_of(value: Any) -> torch.device | None:
    """Give the accelerator on which the tensors of a value are; None where there are none on one."""
    if isinstance(value, Tensor):
        return None if value.device.type == "cpu" else value.device
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((device for part in parts if (device := _device_of(part)) is not None), None)


def _at(roots: Roots, path: Path) -> Any:
    """Give what stands at a path, None where there is nothing."""
    found: Any = roots
    for key in path:
        try:
            holder: Any = found if isinstance(found, Mapping | list | tuple) else vars(found)
            found = holder[key]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _is_generator(found: Any) -> bool:
    return isinstance(found, torch.Generator | np.random.Generator | np.random.RandomState | random.Random)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, torch.Generator):
        return generator.device.type, generator.get_state()
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, torch.Generator):
        kind, own = state
        if kind == generator.device.type:  # else it draws by another method, from the seed that it was given
            generator.set_state(own)
    else:
        generator.set_state(state)
