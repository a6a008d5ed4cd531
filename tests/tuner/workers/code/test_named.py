"""The code that a study names is found without importing anything."""

from pathlib import Path

import pytest

from tuner.workers.code.named import find_module


def test_a_module_below_folders_without_init_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python imports it, so a study may name it, however deep it lies; and what is not there is not found."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "own_outer" / "inner" / "deep" / "net.py"
    file.parent.mkdir(parents=True)
    file.touch()
    assert find_module("own_outer.inner.deep.net") == (file, True)
    assert find_module("own_outer.inner.deep") == (None, True)
    assert find_module("own_outer.inner.deep.other") == (None, False)
    assert find_module("own_outer.other.net") == (None, False)
