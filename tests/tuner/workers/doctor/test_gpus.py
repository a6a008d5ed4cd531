"""What `tuner doctor` says of GPUs, by an nvidia-smi that hangs, fails, or lists what torch does not see."""

import os
import stat
from pathlib import Path

import pytest

from tuner.workers.doctor import gpus
from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Found, examine


def told(folder: Path, script: str, **environment: str) -> list[Found]:
    """Look at GPUs with an nvidia-smi of one's own."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    own = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **environment}
    return examine(gpus.CHECKS, Asked("", folder, environment=own), 60.0)


def test_a_driver_that_hangs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nvidia-smi of a driver that hangs is not waited for, nor what it has started."""
    monkeypatch.setattr(gpus, "SECONDS", 0.3)
    (found,) = told(tmp_path, "sleep 300 & wait")
    assert (found.finding.mark, found.finding.found) == (
        WRONG,
        "nvidia-smi gives no answer within 0.3 s: the driver hangs",
    )


def test_a_driver_that_fails_is_quoted(tmp_path: Path) -> None:
    """What nvidia-smi says is passed on."""
    (found,) = told(tmp_path, "echo 'NVML: Driver/library version mismatch'; exit 18")
    assert found.finding.found == "nvidia-smi fails: NVML: Driver/library version mismatch"


def test_gpus_that_torch_does_not_see_are_found(tmp_path: Path) -> None:
    """A torch that was built for processors is named as the reason."""
    import torch

    if torch.version.cuda is not None:
        pytest.skip("this torch was built for GPUs")
    driver, seen = told(tmp_path, "echo 'NVIDIA H100, 550.1'; echo 'NVIDIA H100, 550.1'")
    assert (driver.finding.mark, driver.finding.found) == (OK, "2 x NVIDIA H100, driver 550.1")
    assert seen.finding.mark in {WRONG, NOTE}  # a note where torch is slow to import
    if seen.finding.mark == WRONG:
        assert seen.finding.found == "torch sees no GPU: it was built for processors only"


def test_gpus_that_are_hidden_are_not_asked_for(tmp_path: Path) -> None:
    """CUDA_VISIBLE_DEVICES says what is used."""
    (driver,) = told(tmp_path, "echo 'NVIDIA H100, 550.1'", CUDA_VISIBLE_DEVICES="")
    assert driver.finding.found.endswith("driver 550.1, of which CUDA_VISIBLE_DEVICES= are used")
