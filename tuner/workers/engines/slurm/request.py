"""What Slurm is asked for: the options of an array of workers, as sbatch takes them."""

import math
import re
import shlex
from collections.abc import Mapping
from typing import Final

from tuner.errors import Refused
from tuner.workers.engines.engine import STORAGE, Order

LIMIT_SIGNAL = "USR2"  # to the task alone, before its time is up; SIGTERM means that somebody ends it
LEAVING = 15.0  # seconds beyond the grace period that a task has, to requeue itself
LEAST = 30.0  # seconds of work that a task's time has to leave
OPTIONS: Final[Mapping[str, str]] = {
    "partition": "the partition",
    "account": "the account that is charged",
    "qos": "the quality of service",
    "time": "the time limit of a task, such as 4:00:00; it is requeued then and goes on",
    "constraint": "features that a node must have",
    "nodelist": "the only nodes that may be used",
    "exclude": "nodes that are not used",
    "reservation": "the reservation",
    "gpu": "the type of the GPUs, as in --gres=gpu:TYPE:N",
    "nice": "how much the priority is lowered",
    "setup": "a line of shell before each worker, such as `module load cuda`",
}
_NOT_OF_SBATCH = {"gpu", "setup"}
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})")


def flags(order: Order, options: Mapping[str, str]) -> dict[str, str]:
    """Give the options of sbatch by name, underscores for dashes; none holds a secret.

    Raises:
        Refused: the time is too short, a path is one that sbatch would alter, GPUs have a type and no number.
    """
    if "%" in str(order.folder):
        raise Refused(f"--output {order.folder}: Slurm replaces `%` in a path; name a folder without.")
    if "gpu" in options and not order.resources.gpus:
        raise Refused(f"--with gpu={options['gpu']}: say how many a worker gets: --gpus-per-worker 1.")
    delay = math.ceil(order.grace + LEAVING)
    if "time" in options and (seconds := seconds_of(options["time"])) < delay + LEAST:
        raise Refused(
            f"--with time={options['time']}: of its {seconds:.0f} s a worker needs the last {delay} to leave "
            f"its trial (--grace {order.grace:g} and {LEAVING:g} more); give at least {delay + LEAST:.0f} s."
        )
    given = {
        "job_name": order.name,
        "chdir": str(order.directory),
        "nodes": "1",
        "ntasks": "1",
        "signal": f"B:{LIMIT_SIGNAL}@{delay}",
        **{key: value for key, value in options.items() if key not in _NOT_OF_SBATCH},
    }
    if order.workers > 1:
        given["array"] = f"0-{order.workers - 1}"
    needs = order.resources
    if needs.cpus is not None:
        given["cpus_per_task"] = str(needs.cpus)
    if needs.memory is not None:
        given["mem"] = f"{math.ceil(1024 * needs.memory)}M"
    if needs.gpus:
        kind = f"{options['gpu']}:" if "gpu" in options else ""
        given["gres"] = f"gpu:{kind}{needs.gpus}"
    return given


def script(order: Order, options: Mapping[str, str]) -> str:
    """Write a script for sbatch that asks for the same and runs the same worker; errors as `flags`'."""
    output = f"{order.folder}/slurm-%A_%a.out"
    given = sorted({**flags(order, options), "output": output, "open_mode": "append"}.items())
    lines = [f"#SBATCH --{key.replace('_', '-')}={shlex.quote(value)}" for key, value in given]
    setup = [options["setup"]] if "setup" in options else []
    return "\n".join(
        [
            "#!/bin/bash",
            *lines,
            "#SBATCH --requeue",
            f"# {STORAGE}, the address of the database, comes from the environment of sbatch.",
            *setup,
            f"exec {shlex.join(command(order))}",
            "",
        ]
    )


def command(order: Order) -> list[str]:
    """Give the words of what a task runs."""
    words = [order.python, "-P", "-m", "tuner.workers.engines.slurm.task"]
    return [*words, order.launch, "--log", str(order.folder), *order.worker]


def seconds_of(text: str) -> float:
    """Read a time as sbatch takes it, such as `90`, `1:30`, `4:00:00`, `2-12`, `2-12:30`.

    Raises:
        Refused: it is none.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise Refused(
            f"--with time={text}: write minutes, hours:minutes:seconds or days-hours, as 4:00:00 or 2-12."
        )
    parts = [int(part) for part in found["parts"].split(":")]
    if found["days"] is None and len(parts) <= len(("minutes", "seconds")):
        parts.insert(0, 0)
    hours, minutes, seconds = [*parts, 0, 0][:3]
    return 86400.0 * int(found["days"] or 0) + 3600 * hours + 60 * minutes + seconds
