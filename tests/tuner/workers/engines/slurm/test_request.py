"""What sbatch is asked for, and what is refused before it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuner.errors import Refused
from tuner.workers.engines.engine import Order, Resources
from tuner.workers.engines.slurm.request import flags, script, seconds_of

ORDER = Order(
    launch="0123456789ab",
    engine="slurm",
    study="odd'; name",
    url="postgresql://tuner:secret@db.example/tuner",
    options=("--output", "/shared/runs", "--grace", "20"),
    folder=Path("/shared/runs/odd/launches/0123456789ab"),
    directory=Path("/home/me/my project"),
    workers=3,
    resources=Resources(gpus=1, cpus=8, memory=1.5),
    grace=20.0,
    python="/venv/bin/python",
)


def test_each_worker_is_a_task_with_what_it_needs() -> None:
    """GPUs, cores and memory are those of one worker, and the warning comes in time to leave a trial."""
    given = flags(ORDER, {"partition": "gpu", "gpu": "a100", "time": "4:00:00"})
    assert given == {
        "array": "0-2",
        "chdir": "/home/me/my project",
        "cpus_per_task": "8",
        "gres": "gpu:a100:1",
        "job_name": "tuner-0123456789ab",
        "mem": "1536M",
        "nodes": "1",
        "ntasks": "1",
        "partition": "gpu",
        "signal": "B:USR2@35",
        "time": "4:00:00",
    }


def test_the_script_that_is_shown_holds_no_password() -> None:
    """It runs the same worker; the address of the database comes from the environment."""
    shown = script(ORDER, {"setup": "module load cuda"})
    assert "secret" not in shown
    lines = shown.splitlines()
    assert "#SBATCH --chdir='/home/me/my project'" in lines
    assert "module load cuda" in lines
    assert lines[-1] == (
        "exec /venv/bin/python -P -m tuner.workers.engines.slurm.task 0123456789ab --log "
        "/shared/runs/odd/launches/0123456789ab worker 'odd'\"'\"'; name' --output /shared/runs --grace 20"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400), ("1:30", 90), ("4:00:00", 14400), ("1-2", 93600), ("1-2:30", 95400), ("1-0:0:5", 86405),
    ],
)  # fmt: skip
def test_times_are_read_as_sbatch_reads_them(text: str, seconds: float) -> None:
    """Minutes, minutes:seconds, hours:minutes:seconds, days-hours, and so on."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"time": "four hours"},
            "--with time=four hours: write minutes, hours:minutes:seconds or days-hours",
        ),
        ({"time": "1"}, "--with time=1: of its 60 s a worker needs the last 35 to leave its trial"),
    ],
)
def test_a_time_in_which_nothing_can_be_done_is_refused(options: dict[str, str], sentence: str) -> None:
    """A task would be requeued as soon as it begins."""
    with pytest.raises(Refused, match=sentence):
        flags(ORDER, options)


def test_a_path_that_slurm_would_alter_is_refused() -> None:
    """Slurm replaces `%j` and its like in the name of an output file."""
    with pytest.raises(Refused, match="--output /runs/100%/x: Slurm replaces `%` in a path"):
        flags(replace(ORDER, folder=Path("/runs/100%/x")), {})


def test_a_type_of_gpus_without_a_number_is_refused() -> None:
    """Else a worker would wait for none, and train on its processor."""
    with pytest.raises(Refused, match="--with gpu=a100: say how many a worker gets: --gpus-per-worker 1"):
        flags(replace(ORDER, resources=Resources()), {"gpu": "a100"})
