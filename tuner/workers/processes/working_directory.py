"""The working directory, which the code of a study may change while it is imported, tried out or tested."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unmoved() -> Iterator[None]:
    """Come back to the working directory that there was before, so that relative paths keep their meaning."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


def shown(path: Path) -> Path:
    """Give a path as it is shown: relative where it lies below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
