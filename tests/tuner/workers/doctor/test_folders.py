"""What `tuner doctor` says of folders with real faults, and that it leaves nothing there."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Finding
from tuner.workers.doctor.folders import CHECKS

NOBODY = 65534
LOOK = {check.name: check.look for check in CHECKS}


def output(folder: Path) -> Finding:
    """Look at a place for results."""
    found = LOOK["output"](Asked("", folder))
    assert found is not None
    return found


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be no administrator for a moment, whom every file obeys."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_is_fine_is_left_as_it_was(tmp_path: Path) -> None:
    """A file is written, made safe, moved and removed; a folder that is not there is not made."""
    found = output(tmp_path / "not" / "there")
    assert found.mark in {OK, NOTE}  # a note where the disk is nearly full
    assert f"would be made in {tmp_path}, which lies on a local file system" in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_only_others_write_to_is_found(tmp_path: Path) -> None:
    """A user without the permission is told what to do."""
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    for above in tmp_path.parents:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
        if above.name.startswith("pytest-of"):
            break
    with as_nobody():
        found = output(shut)
    assert (found.mark, found.found) == (WRONG, f"--output {shut} takes no file: Permission denied")
    assert "chmod" in found.todo


def test_a_file_in_the_place_of_a_folder_is_found(tmp_path: Path) -> None:
    """A file is no folder."""
    (tmp_path / "runs").write_text("")
    assert output(tmp_path / "runs" / "mine").found.endswith(f"cannot be used: {tmp_path}/runs is no folder")


def test_a_full_disk_is_found(tmp_path: Path) -> None:
    """A file system without room takes no file, and what was begun is removed."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes an administrator")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine mounts no file system")
    try:
        (tmp_path / "filling").write_bytes(bytes(2**16 - 2**12))
        found = output(tmp_path)
        assert (found.mark, found.found) == (
            WRONG,
            f"--output {tmp_path} takes no file: No space left on device",
        )
        assert [path.name for path in tmp_path.iterdir()] == ["filling"]
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_store_of_checkpoints_that_is_not_there_is_found(tmp_path: Path) -> None:
    """Checkpoints may lie under a URL; a folder is looked at as the results' is."""
    found = LOOK["checkpoints"](Asked("", tmp_path, "nowhere://bucket"))
    assert found is not None
    assert found.mark == WRONG
    assert found.found.startswith("--checkpoints nowhere://bucket takes no file: ")
    found = LOOK["checkpoints"](Asked("", tmp_path, str(tmp_path)))
    assert found is not None
    assert found.mark in {OK, NOTE}
    assert LOOK["checkpoints"](Asked("", tmp_path)) is None
