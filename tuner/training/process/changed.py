"""Modules that their user changes while a fork server that has imported them goes on, as in a notebook."""

import os
import site
import sys
import sysconfig

_OURS = ("search_spaces", "studies", "tuner")
_files: dict[str, tuple[str, int]] = {}  # of users' modules, when they were imported: the file and its time


def note_files() -> None:
    """Note which of users' modules are imported, from which file, and when that was written."""
    libraries = tuple(
        os.path.realpath(folder) + os.sep
        for folder in (*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib"))
    )
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] not in _OURS and not os.path.realpath(file).startswith(libraries):
            _files[name] = file, _written(file)


def forget_changed() -> None:
    """Forget users' modules if one of them was written since, so that all are imported as they are now."""
    if any(_written(file) != written for file, written in _files.values()):
        for name in _files:
            sys.modules.pop(name, None)


def _written(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns  # noqa: PTH116 - a thousand times in every child
    except OSError:
        return 0
