"""A process that holds a GPU is not forked, whichever library has begun to use it."""

from pathlib import Path

import pytest

from tuner.training.process.forkable import holds_gpu


@pytest.mark.parametrize(
    ("opened", "holds"),
    [
        (["/dev/null", "/dev/nvidia-uvm"], True),  # as CUDA leaves it
        (["/dev/kfd"], True),
        (["/dev/null", "/dev/nvidiactl", "/dev/nvidia0"], False),  # as a look at how many GPUs there are
        ([], False),
    ],
)
def test_a_gpu_is_held_by_what_is_open(tmp_path: Path, opened: list[str], holds: bool) -> None:  # noqa: FBT001
    """What computes on a GPU keeps a file of its driver open; a child of a fork could not use the GPU."""
    for number, name in enumerate(opened):
        (tmp_path / str(number)).symlink_to(name)
    assert holds_gpu(tmp_path) is holds


def test_a_system_that_lists_no_open_files_is_asked_by_torch_alone(tmp_path: Path) -> None:
    """No such folder is no error."""
    assert holds_gpu(tmp_path / "none") is False
