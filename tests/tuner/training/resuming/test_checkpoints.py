"""Checkpoints: written when they are due, whole or not used, and of one attempt."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.training.resuming.leaving import DIGITS, DRAWING, leave_behind, never
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending
from tuner.training.fitting.fit import fit
from tuner.training.resuming.checkpoints import Checkpoints
from tuner.training.resuming.exactness import INEXACT

pytestmark = IN_MEMORY


def test_checkpoints_are_written_when_they_are_due(tmp_path: Path) -> None:
    """A fit that nobody interrupts writes one each so many seconds, and none where that is longer than it."""
    task = Assignment(
        DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=str(tmp_path / "rare" / "1.ckpt")
    )
    fit(task, never)
    assert list(tmp_path.iterdir()) == []
    fit(replace(task, checkpoint=str(tmp_path / "often" / "1.ckpt"), every=0.0), never)
    assert [path.name for path in (tmp_path / "often").iterdir()] == ["1.ckpt"]


def test_a_checkpoint_belongs_to_one_attempt(tmp_path: Path) -> None:
    """The newest of the attempts before is taken up; those of another suggestion, slot or trial are not."""
    checkpoints = Checkpoints(str(tmp_path))
    assert checkpoints.resumable(1, 0, 5, "mine") == (None, "no checkpoint of an earlier attempt is there")
    whole = leave_behind(
        1,
        Assignment(
            DIGITS,
            seed=3,
            objective=Objective("val_loss"),
            checkpoint=checkpoints.file(1, 0, 1),
            owner="mine",
        ),
    )
    assert whole
    for slot, draw, attempt in [(1, 0, 2), (1, 0, 10), (1, 1, 3), (11, 0, 4)]:
        shutil.copy(checkpoints.file(1, 0, 1), checkpoints.file(slot, draw, attempt))
    (tmp_path / "slot-1-0-4.ckpt.part").touch()
    assert checkpoints.resumable(1, 0, 10, "mine") == (checkpoints.file(1, 0, 2), "")
    assert checkpoints.resumable(1, 0, 11, "mine") == (checkpoints.file(1, 0, 10), "")
    file, reason = checkpoints.resumable(1, 0, 2, "another")
    assert (file, reason) == (None, "the checkpoint of attempt 1 is not whole, or belongs to another trial")
    checkpoints.collect(1)
    assert [path.name for path in tmp_path.iterdir()] == ["slot-11-0-4.ckpt"]


def test_a_checkpoint_that_is_not_whole_is_never_gone_on_from(tmp_path: Path) -> None:
    """Whatever byte is missing, added or changed, the attempt before is taken up instead, or none."""
    checkpoints, draw = Checkpoints(f"file://{tmp_path}/shared"), np.random.default_rng(0)
    task = Assignment(
        DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=checkpoints.file(1, 0, 2), owner="mine"
    )
    leave_behind(1, task)
    file = tmp_path / "shared" / "slot-1-0-2.ckpt"
    whole = file.read_bytes()
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 2)
    broken = [b"", whole[:1], whole[:1000], whole[:-1], whole[1:], whole + b"\0", b"no checkpoint", whole * 2]
    for place in [0, len(whole) - 1, *draw.integers(len(whole), size=40)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(draw.integers(8))
        broken.append(bytes(flipped))
    for content in broken:
        file.write_bytes(content)
        found, reason = checkpoints.resumable(1, 0, 3, "mine")
        assert found is None
        assert reason.startswith("the checkpoint of attempt 2 is not whole")
    (tmp_path / "shared" / "slot-1-0-1.ckpt").write_bytes(whole)
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 1)
    file.unlink()
    file.mkdir()
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 1)
    assert "cannot be reached (" in Checkpoints("nosuch://place").resumable(1, 0, 3, "mine")[1]


class Unreachable(MemoryFileSystem):
    """A store of files that takes nothing."""

    protocol = "unreachable"

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        """Fail as a client of a store does."""
        raise ConnectionError("the store does not answer")


@pytest.mark.parametrize("place", ["unreachable://bucket/state.ckpt", "a-file/state.ckpt"])
def test_a_state_that_cannot_be_stored_ends_no_training(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The training goes on, and the trial keeps why it could not have been gone on with."""
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    fsspec.register_implementation("unreachable", Unreachable, clobber=True)
    end = fit(Assignment(DRAWING, 1, Objective("val_loss"), checkpoint=place, every=0.0), never)
    assert end.ending is Ending.COMPLETED
    assert end.facts[INEXACT][0].startswith("the last state of the training could not be stored (")
    assert "could not be stored" in capfd.readouterr().err
    left = fit(Assignment(DRAWING, 1, Objective("val_loss"), checkpoint=place, every=0.0), never, lambda: 1e9)
    assert left.ending is Ending.INTERRUPTED
