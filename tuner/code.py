"""The code that a study names: what it is, whether it has changed, whether a worker may import it."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studies.definition import StudyDefinition
from studies.identity import CODE
from studies.ledger import Ledger

# What every worker may import: what it imports anyway.
KNOWN = ("tuner", "torch", "pytorch_lightning", "lightning", "torchmetrics", "optuna")

VERSIONED = ("interplay-tuner", "torch")  # of which a worker shall have the version that the study has

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def remember_code(ledger: Ledger) -> None:
    """Keep with a study what it is trained by, unless that is kept already."""
    if CODE not in ledger.study.user_attrs:
        ledger.study.set_user_attr(CODE, _code_of(ledger.definition))


def changed_code(ledger: Ledger) -> list[str]:
    """List what a study is trained by, modules and libraries, that is other here than where it was made."""
    kept = ledger.study.user_attrs.get(CODE) or {}
    here = _code_of(ledger.definition)
    return sorted(name for name, digest in kept.items() if here.get(name) != digest)


def not_allowed(definition: StudyDefinition, allowed: Sequence[str]) -> list[str]:
    """List what a study names that lies in none of the allowed packages.

    Args:
        definition: the study.
        allowed: import paths, each of which allows itself and what lies below it.
    """
    return sorted(
        path
        for path in set(_paths(definition.to_data()))
        if not any(path == root or path.startswith(f"{root}.") for root in allowed)
    )


def _code_of(definition: StudyDefinition) -> dict[str, str]:
    """Give the versions that scores hang on, and a digest of each module's file, known libraries aside."""
    modules = {path.rpartition(".")[0] for path in not_allowed(definition, KNOWN)}
    digests = {name: version(name) for name in VERSIONED}
    for module in modules:
        try:
            found = find_spec(module)
        except (ImportError, ValueError):
            continue  # it is no module, or the training will say so better
        if found is not None and found.origin is not None and Path(found.origin).is_file():
            digests[module] = hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()
    return digests


def _paths(data: Any, *, is_class: bool = False) -> Iterator[str]:
    """Go through everything that may be imported: class paths, and texts that look like a path of a module.

    jsonargparse also takes a class or a function by a plain text where a parameter's type asks for one.
    """
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _paths(value, is_class=is_class or str(key).endswith("class_path"))
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _paths(value, is_class=is_class)
    elif isinstance(data, str) and _PATH.fullmatch(data) and (is_class or _is_importable(data)):
        yield data


def _is_importable(path: str) -> bool:
    """Say whether a text's first word is the name of a module; nothing is imported to find out."""
    try:
        return find_spec(path.partition(".")[0]) is not None
    except ValueError:  # the name of a module without a specification, such as `__main__`
        return True
