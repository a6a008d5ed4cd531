"""A GPU belongs to one worker of a machine at a time."""

import multiprocessing
import multiprocessing.connection
import tempfile
from pathlib import Path

import pytest

from tuner.errors import Refused
from tuner.workers.gpus import VISIBLE, Gpus


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # where it remembers the folder


def test_two_workers_never_lease_the_same_gpu() -> None:
    """Each gets the next that is free, whoever holds the others, and is refused where none is left."""
    with Gpus("0,1,2") as mine, Gpus("0,1,2") as others:
        assert (mine.lease(1), others.lease(1), mine.lease(1)) == ("0", "1", "2")
        with pytest.raises(Refused, match="a worker needs 1 of the GPUs 0, 1, 2"):
            others.lease(1)
    with Gpus("0,1,2") as again:
        assert again.lease(2) == "0,1"


def test_auto_takes_what_a_scheduler_has_made_visible() -> None:
    """The names are those of CUDA_VISIBLE_DEVICES, and without any GPU the option is refused."""
    with Gpus("auto", {VISIBLE: "3, 5"}) as gpus:
        assert gpus.lease(2) == "3,5"
    with pytest.raises(Refused, match="no GPU"):
        Gpus("auto", {VISIBLE: ""})


def test_a_lease_ends_with_its_process() -> None:
    """A worker that is killed leaves its GPU to the next."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(theirs,))
    process.start()
    assert ours.recv() == "0"
    with Gpus("0") as gpus:
        with pytest.raises(Refused):
            gpus.lease(1)
        process.kill()
        process.join()
        assert gpus.lease(1) == "0"


def _hold(pipe: multiprocessing.connection.Connection) -> None:
    with Gpus("0") as gpus:
        pipe.send(gpus.lease(1))
        pipe.recv()
