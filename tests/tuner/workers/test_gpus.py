"""A GPU belongs to one worker of a machine at a time."""

import multiprocessing
import multiprocessing.connection
import tempfile
from pathlib import Path

import pytest

from tuner.errors import Refused
from tuner.workers.gpus import VISIBLE, Gpus

UNIQUE = [f"GPU-{number}d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77" for number in range(4)]
FOUR = "".join(f"GPU {number}: A100-SXM4-40GB (UUID: {name})\n" for number, name in enumerate(UNIQUE))
# As NVIDIA's user guide of MIG shows `nvidia-smi -L`.
PARTS = """GPU 0: A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # where it remembers the folder


def test_two_workers_never_lease_the_same_gpu() -> None:
    """Each gets the next that is free, whoever holds the others, and is refused where none is left."""
    with Gpus("0,1,2", {}, FOUR) as mine, Gpus("0,1,2", {}, FOUR) as others:
        assert (mine.lease(1), others.lease(1), mine.lease(1)) == ("0", "1", "2")
        with pytest.raises(Refused, match="a worker needs 1 of the GPUs 0, 1, 2"):
            others.lease(1)
    with Gpus("0,1,2", {}, FOUR) as again:
        assert again.lease(2) == "0,1"


def test_auto_takes_what_a_scheduler_has_made_visible() -> None:
    """The names are those of CUDA_VISIBLE_DEVICES, and without any GPU the option is refused."""
    with Gpus("auto", {VISIBLE: "3, 1"}, FOUR) as gpus:
        assert gpus.lease(2) == "3,1"
    with pytest.raises(Refused, match="no GPU"):
        Gpus("auto", {VISIBLE: ""}, FOUR)


def test_a_lease_ends_with_its_process() -> None:
    """A worker that is killed leaves its GPU to the next."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(theirs,))
    process.start()
    assert ours.recv() == "0"
    with Gpus("0", {}, FOUR) as gpus:
        with pytest.raises(Refused):
            gpus.lease(1)
        process.kill()
        process.join()
        assert gpus.lease(1) == "0"


def _hold(pipe: multiprocessing.connection.Connection) -> None:
    with Gpus("0", {}, FOUR) as gpus:
        pipe.send(gpus.lease(1))
        pipe.recv()


def test_one_gpu_by_two_names_is_one_gpu() -> None:
    """Its number, what is unique to it and the beginning of that name the same lock."""
    with Gpus("0", {}, FOUR) as mine:
        mine.lease(1)
        for name in (UNIQUE[0], UNIQUE[0][:9]):
            with Gpus(name, {}, FOUR) as others, pytest.raises(Refused, match="other workers have the rest"):
                others.lease(1)


def test_a_gpu_that_is_named_twice_is_shared_by_two_workers_of_one_run() -> None:
    """Both of this run get it, another run does not, and no worker gets it twice for one trial."""
    with Gpus("0,0,1", {}, FOUR) as mine, Gpus("0,0", {}, FOUR) as others:
        assert (mine.lease(1), mine.lease(1)) == ("0", "0")
        with pytest.raises(Refused):
            others.lease(1)
        with pytest.raises(Refused):
            mine.lease(2)
        assert mine.lease(1) == "1"


@pytest.mark.parametrize(
    ("wanted", "environment", "listing", "said"),
    [
        ("7", {}, FOUR, "'7' is none of the GPUs that may be used here, which are 0, 1, 2, 3"),
        ("0,7", {}, FOUR, "'7' is none"),
        ("GPU-00000000", {}, FOUR, "none of the GPUs"),
        ("0", {VISIBLE: "2,3"}, FOUR, "which are 2, 3; write one of them, or auto"),
        ("0", {}, PARTS, "which are MIG-c6d4f1ef"),
        ("0", {VISIBLE: ""}, FOUR, "no GPU that could be used, since CUDA_VISIBLE_DEVICES is ''"),
        ("auto", {VISIBLE: "-1"}, FOUR, "no GPU"),
        ("auto", {VISIBLE: "7,0"}, FOUR, "no GPU"),
        ("0", {}, "", "no GPU"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused(
    wanted: str, environment: dict[str, str], listing: str, said: str
) -> None:
    """Lightning would train on the CPU without a word, or on a GPU that is somebody else's."""
    with pytest.raises(Refused, match=said) as refused:
        Gpus(wanted, environment, listing)
    assert str(refused.value).startswith(f"--gpus {wanted}: ")


def test_a_gpu_that_is_cut_into_parts_is_leased_by_its_parts() -> None:
    """A program can use one part only, so each is a GPU of its own."""
    with Gpus("auto", {}, PARTS) as gpus:
        assert gpus.lease(1) == "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"
        assert gpus.lease(1) == "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"


def test_a_program_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that is broken lets `nvidia-smi` hang; one sentence names it."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Refused, match=r"--gpus auto: `nvidia-smi -L` has not answered within 0.1 s"):
        Gpus("auto", {}, patience=0.1)
