"""The code that a study names: what it is, whether it has changed, whether a worker may import it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from search_spaces.configuration import configure
from search_spaces.errors import first_line
from search_spaces.space.parameters import default_values, options, parameters
from studies.database.identity import CODE
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition
from studies.ledger.ledger import Ledger
from tuner.errors import NotAllowed
from tuner.training.configuration.permit import Permit, is_importable
from tuner.training.process.by_value import sources

# Libraries whose versions say what they are; of any other module the file does.
KNOWN = ("tuner", "studies", "torch", "pytorch_lightning", "lightning", "torchmetrics", "optuna")

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


def not_allowed(definition: StudyDefinition, permit: Permit, *, imports: bool = True) -> str | None:
    """Say what of a study may not be used here, as the end of a sentence; None where all of it may.

    Nothing that is not allowed is imported for it, and of libraries only samplers and pruners: torch's and
    Lightning's classes are judged in a process of their own (see `judgement`), and so is each trial.

    Args:
        definition: the study.
        permit: what it may name.
        imports: whether what it names is imported and judged; without, only its names are.
    """
    choosing = {"sampler": definition.sampler or {}, "pruner": definition.pruner or {}}
    try:
        named = permit.check(choosing, sections=choosing)
        permit.judge(named if imports else ())
        for configuration in configurations(definition):
            named = permit.check(configuration)
            TrialLength.of(configuration)  # which refuses a thousand devices, each of which is a process
            permit.judge(path for path in named if imports and path.partition(".")[0] not in KNOWN)
    except NotAllowed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not worked on
        return f"it cannot be read: {type(error).__name__}: {first_line(error)}"
    return None


def configurations(definition: StudyDefinition) -> Iterator[Mapping[str, Any]]:
    """Go through configurations that together hold all that a study's trials may name."""
    space = definition.space
    yield definition.fixed
    yield configure(definition.fixed, space, default_values(space))
    for parameter in parameters(space):
        needed = {name: allowed[0] for name, allowed in parameter.conditions.items()}
        for option in options(parameter.node):
            values = default_values(space, {**needed, parameter.name: option})
            yield configure(definition.fixed, space, values)


def _code_of(definition: StudyDefinition) -> dict[str, str]:
    """Give the versions that scores hang on, and a digest of each module's file, known libraries aside."""
    digests = {name: version(name) for name in VERSIONED}
    for module in sorted(_modules(definition.to_data())):
        file, _ = find_module(module)
        if file is not None:
            digests[module] = hashlib.sha256(file.read_bytes()).hexdigest()
    for name, source in sources(definition.to_data()).items():
        digests[name] = hashlib.sha256(source.encode()).hexdigest()
    return digests


def _modules(data: Any, *, is_class: bool = False) -> set[str]:
    """Name the modules of which plain data name classes, by class paths or by texts that look like one."""
    if isinstance(data, Mapping):
        found = [
            _modules(value, is_class=is_class or str(key).endswith("class_path"))
            for key, value in data.items()
        ]
        return set().union(*found)
    if isinstance(data, list | tuple):
        return set().union(*(_modules(value, is_class=is_class) for value in data))
    known = isinstance(data, str) and data.partition(".")[0] in KNOWN
    is_path = isinstance(data, str) and not known and _PATH.fullmatch(data)
    return {module_of(data)} if is_path and (is_class or is_importable(data)) else set()


def module_of(path: str) -> str:
    """Give the module of what a path names: a class, a function, or a method of a class."""
    module = path.rpartition(".")[0]
    outer = module.rpartition(".")[0]
    is_method = outer and not find_module(module)[1] and find_module(outer)[1]
    return outer if is_method else module


def find_module(module: str) -> tuple[Path | None, bool]:
    """Find a module without importing the packages that it lies in.

    Returns: Its file, None where it has none, and whether there is such a module.
    """
    found, within = None, None
    parts = module.split(".")
    try:
        for count, part in enumerate(parts, start=1):
            # By its last name: by its whole one, a folder without __init__.py would look for its parent among
            # what is imported.
            found = find_spec(part) if within is None else PathFinder.find_spec(part, within)
            places = None if found is None else found.submodule_search_locations
            within = None if places is None else list(places)
            if found is None or (within is None and count < len(parts)):
                return None, False
    except (ImportError, ValueError):
        return None, False  # it is no module, or the training will say so better
    is_file = found is not None and found.origin is not None and Path(found.origin).is_file()
    return Path(found.origin) if found and found.origin and is_file else None, True
