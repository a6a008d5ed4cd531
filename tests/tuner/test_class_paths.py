"""The class paths that stand in users' files."""

import re
import subprocess
import sys
from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("package", ["tuner.modules", "tuner.data", "tuner.callbacks"])
def test_a_listed_class_path_leads_to_its_class(package: str) -> None:
    """The page lists each class that a package offers, and no other."""
    module = import_module(package)
    listed = set(re.findall(rf"`{re.escape(package)}\.([A-Z]\w+)`", PAGE))
    offered = {name for name in module.__all__ if isclass(getattr(module, name))}
    assert listed == offered - {"Batch", "BatchIndices"}  # of use in Python only


@pytest.mark.parametrize("package", ["tuner.data", "tuner.callbacks"])
def test_the_other_lightning_has_the_same_classes(package: str) -> None:
    """What is listed for one Lightning is there for the other, under the same name."""
    other = import_module(f"{package}.lightning_pytorch")
    for name in re.findall(rf"`{re.escape(package)}\.([A-Z]\w+)`", PAGE):
        assert isclass(getattr(other, name)), name


def test_what_the_library_holds_can_be_typed_on_before_it_is_imported() -> None:
    """A notebook completes names by `dir`, which imports nothing."""
    code = "import sys, tuner; print(*dir(tuner)); assert 'torch' not in sys.modules"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"Study", "tune", "Float"} <= set(told.stdout.split())
