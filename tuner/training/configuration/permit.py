"""What a definition that comes from a database may name, judged before any of it is used.

Who may write to a database must not thereby run what they like on every worker. So a worker without a name
takes a positive list: classes of the kinds that a training is made of, from the modules that define them, and
what the worker's owner adds. A class is judged by the module that defines it, since most modules also hold
what they have imported. Importing a module runs it, so only modules of the list are imported to judge.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import set_parsing_settings

from tuner.errors import NotAllowed
from tuner.training.configuration.permitted import DOORS, HOMES, KINDS, OPEN, SHUT

SECTIONS = frozenset({"cli", "trainer", "model", "data", "optimizer", "lr_scheduler"})

_CLASS_PATH = "class_path"
_PARSER = "jsonargparse"  # holds the settings that deny what is not allowed
_PLACES = frozenset(
    {"dirpath", "save_dir", "default_root_dir", "root_dir", "log_dir"}
)  # arguments: written to
_SERVICES = frozenset({"model_registry"})  # arguments that send what was trained elsewhere
_LONGEST = 10_000  # characters of one text
_DEEPEST = 64  # levels of mappings and lists


@dataclass(frozen=True)
class Permit:
    """What may be named beside what is known.

    `imports` are import paths: a package allows the classes that it defines, or, where it is one of torch's,
    Lightning's or Python's, those of which a training is made; the path of a class or function allows just
    that. `files` are files or folders, with what lies below them, and `addresses` the beginnings
    of URLs.
    """

    imports: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> "Permit":
        """Read what the owner of a worker allows.

        Args:
            words: import paths, files or folders (with a slash, or beginning with a dot or `~`), and URLs.

        Raises:
            NotAllowed: a word is none of these, or nobody may allow it.
        """
        imports, files, addresses = [], [], []
        for word in filter(None, (word.strip() for word in words)):
            if "://" in word:
                addresses.append(word)
            elif os.sep in word or word.startswith((".", "~")):
                files.append(str(Path(word).expanduser().resolve()))
            elif not all(part.isidentifier() for part in word.split(".")):
                raise NotAllowed(
                    f"--allow: {word[:80]!r} is no import path; write a package, the path of one class, "
                    f"./a/file, /a/folder or the beginning of a URL, and repeat --allow for several."
                )
            elif word.partition(".")[0] == _PARSER:
                raise NotAllowed(f"--allow: {word[:80]} could allow everything else; leave it out.")
            else:
                imports.append(word)
        return cls(tuple(imports), tuple(files), tuple(addresses))

    def check(self, configuration: Mapping[str, Any], *, sections: Iterable[str] = SECTIONS) -> list[str]:
        """Check what a configuration names, and import nothing.

        Args:
            configuration: plain data by section.
            sections: those that there may be.

        Returns: The import paths that it names, which may be imported.

        Raises:
            NotAllowed: the first thing that it may not name; says how to allow it.
        """
        unknown = sorted(str(key) for key in set(configuration) - set(sections))
        if unknown:
            raise NotAllowed(f"it has a section {unknown[0]!r}, which no configuration has")
        for key, text in _texts(configuration):
            self._check_text(key, text)
        return sorted({path for path in _named(configuration) if self._may_import(path)})

    def judge(self, paths: Iterable[str]) -> None:
        """Import what `check` has let pass, and see what it really is.

        Raises:
            NotAllowed: something is no class, is of none of the kinds of which a training is made, or is
                defined in a module that is not allowed.
        """
        for path in paths:
            if path not in self.imports:
                self._judge(path)

    def _may_import(self, path: str) -> bool:
        module = path.rpartition(".")[0]
        if path in self.imports or _is_below(module, self.imports) or _is_door(module):
            return True
        raise NotAllowed(
            f"it names {path}, which this worker may not import; allow it by --allow {self._hint(path)}, "
            "or TUNER_ALLOW"
        )

    def _hint(self, path: str) -> str:
        """Name what to allow: a package of the user's, but of libraries only the very class."""
        return path if _is_of_library(path) else path.partition(".")[0]

    def _judge(self, path: str) -> None:
        module_name, _, name = path.rpartition(".")
        try:
            found = getattr(importlib.import_module(module_name), name, None)
        except ImportError as error:
            raise NotAllowed(f"it names {path}, which cannot be imported here: {error}") from error
        exactly = f"allow it by --allow {path}, or TUNER_ALLOW"
        if not isinstance(found, type):
            raise NotAllowed(f"it names {path}, which is no class; {exactly}")
        home = found.__module__
        defined: object = getattr(sys.modules.get(home), found.__qualname__, None)
        if defined is not found:
            raise NotAllowed(f"it names {path}, which is not what {home} calls by that name; {exactly}")
        is_allowed = _is_below(home, self.imports)
        if is_allowed and not _is_of_library(home):
            return
        kinds = {f"{parent.__module__}.{parent.__qualname__}" for parent in found.__mro__}
        if not (is_allowed or _is_below(home, HOMES)) or not kinds & KINDS:
            raise NotAllowed(f"it names {path}, a class that this worker may not make; {exactly}")

    def _check_text(self, key: str, text: str) -> None:
        if key in _SERVICES:
            raise NotAllowed(f"it sets {key}, which sends what was trained to a server; leave it out")
        if "://" in text:
            if not text.startswith(self.addresses or ("\0",)):
                raise NotAllowed(
                    f"it names the address {text[:80]!r}; allow it by --allow URL, or TUNER_ALLOW"
                )
        elif (key in _PLACES or _is_place(text)) and not self._may_open(text):
            raise NotAllowed(
                f"it names the file or folder {text[:80]!r}; allow it by --allow ./FILE or --allow /FOLDER, "
                "or TUNER_ALLOW"
            )

    def _may_open(self, text: str) -> bool:
        try:
            place = Path(text).expanduser().resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return any(place.is_relative_to(allowed) for allowed in self.files)


def restrict_parsing(permit: Permit) -> None:
    """Let jsonargparse import only what may be named here, for the rest of this process.

    It then makes nothing of a `class_path` where any value may stand, and reads no file from an address.
    """
    set_parsing_settings(
        instantiate_subclass_spec_in_any=False,
        config_read_mode_urls_enabled=False,
        config_read_mode_fsspec_enabled=False,
        import_path_denylist=["*", *SHUT],
        import_path_allowlist=sorted({*OPEN, *HOMES, *permit.imports}),
    )


def _is_below(module: str, roots: Iterable[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def _is_of_library(module: str) -> bool:
    """Say whether a module belongs to Python or to a library of which the list names a part.

    Who allows such a library as a whole allows its classes of the known kinds, and not what runs commands.
    """
    return module.partition(".")[0] in {*sys.stdlib_module_names, *(door.partition(".")[0] for door in DOORS)}


def _is_door(module: str) -> bool:
    return any(
        _is_below(module, [door.removesuffix(".*")]) if door.endswith(".*") else module == door
        for door in DOORS
    )


def _is_place(text: str) -> bool:
    """Say whether a text is a path that leads out of the working directory, or a file that is there."""
    parts = Path(text).parts
    if text.startswith(("/", "~")) or ".." in parts:
        return True
    try:
        return os.path.exists(text) and not Path(text).is_dir()  # noqa: PTH110 - and never raises
    except (OSError, ValueError):
        return False


def _named(data: Any) -> Iterator[str]:
    """Go through everything that may be imported: class paths, and texts that look like an import path.

    jsonargparse also takes a class or a function by a plain text where a parameter's type asks for one.
    """
    for key, text in _texts(data):
        is_path = "." in text and all(part.isidentifier() for part in text.split("."))
        if key == _CLASS_PATH:
            if not is_path and not text.isidentifier():
                raise NotAllowed(f"it has the class path {text[:80]!r}, which is no import path")
            if is_path:  # a bare name is looked up among the classes that its place asks for
                yield text
        elif is_path and is_importable(text):
            yield text


def _texts(data: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Go through the texts of plain data, each with the last word of the key at which it stands."""
    if depth > _DEEPEST:
        raise NotAllowed(f"it is nested more than {_DEEPEST} levels deep")
    if isinstance(data, Mapping):
        for name, value in data.items():
            inside = str(name).rpartition(".")[2]
            if inside == _CLASS_PATH and not isinstance(value, str):
                raise NotAllowed(f"it has the class path {str(value)[:80]!r}, which is no text")
            yield from _texts(value, inside, depth + 1)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value, key, depth + 1)
    elif isinstance(data, str):
        if len(data) > _LONGEST:
            raise NotAllowed(f"it holds a text of {len(data)} characters; {_LONGEST} are allowed")
        yield key, data
        yield from _texts(_structure(data), key, depth + 1)


def _structure(text: str) -> Any:
    """Give what jsonargparse would make of a text that is YAML of a mapping or a list, or None."""
    if "<<" in text or ("&" in text and "*" in text):
        raise NotAllowed(f"it holds a text of YAML with anchors: {text[:80]!r}")
    try:
        # Every value as a text, so that none fails here which jsonargparse reads, such as 2024-13-45.
        read = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings
    except RecursionError as error:
        raise NotAllowed("it holds a text of YAML that is nested too deeply") from error
    except (yaml.YAMLError, ValueError):
        return None
    return read if isinstance(read, dict | list) else None


def is_importable(path: str) -> bool:
    """Say whether a text's first word is the name of a module; nothing is imported to find out."""
    try:
        return find_spec(path.partition(".")[0]) is not None
    except ValueError:  # the name of a module without a specification, such as `__main__`
        return True
