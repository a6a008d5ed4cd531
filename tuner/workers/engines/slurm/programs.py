"""Slurm's own programs, and what they say in one sentence."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from tuner.errors import Refused
from tuner.workers.engines.engine import EngineAway

ANSWER = 60.0  # seconds within which a program of Slurm's answers, or says that nobody answers it
NEEDED = ("sbatch", "squeue", "scancel", "scontrol")
_AWAY = re.compile(
    r"unable to contact|connect failure|connection refused|timed out|configuration source|zero bytes|"
    r"communication|not responding|backup controller|slurm_persist|munge|authentication|try again",
    re.IGNORECASE,
)
_UNKNOWN_JOB = "Invalid job id"
_HINTS: Final[Mapping[str, str]] = {
    "node configuration": "no node has what a worker needs; `sinfo -N -l` shows what they have",
    "Invalid generic resource": "no node has such GPUs; `sinfo -N -o '%N %G'` shows what they have",
    "Invalid partition": "`sinfo` lists the partitions",
    "Invalid feature": "`sinfo -N -o '%N %f'` shows the features of the nodes",
    "Invalid node name": "`sinfo -N` lists the nodes",
    "Invalid job array": "an array has fewer tasks, see MaxArraySize of `scontrol show config`; launch twice",
    "time limit": "`sinfo -o '%P %l'` shows the limits of the partitions",
    "account": "`sacctmgr show associations user=$USER` lists your accounts",
    "qos": "`sacctmgr show associations user=$USER format=qos` lists yours",
}


class UnknownJob(LookupError):
    """Slurm has forgotten a job, or never knew it."""


def refuse_absent() -> None:
    """Raise `Refused` where Slurm's programs are not installed."""
    absent = [program for program in NEEDED if shutil.which(program) is None]
    if absent:
        raise Refused(
            f"--on slurm: {', '.join(absent)} of Slurm cannot be found on this machine; give the command on "
            f"a login node of the cluster, or add the folder of Slurm's programs to PATH."
        )


def ask(*command: str, text: str | None = None) -> str:
    """Run a program of Slurm's, and give what it prints.

    Args:
        command: the program and its arguments.
        text: what it reads.

    Raises:
        UnknownJob: it knows no such job.
        EngineAway: the controller does not answer.
        Refused: it takes no such request.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the programs are Slurm's, the arguments ours
            command, input=text, capture_output=True, text=True, timeout=ANSWER, check=False, errors="replace"
        )
    except FileNotFoundError:
        refuse_absent()
        raise
    except subprocess.TimeoutExpired:
        raise EngineAway(
            f"Slurm does not answer: `{command[0]}` took longer than {ANSWER:.0f} s; see `scontrol ping`."
        ) from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        raise EngineAway(f"`{command[0]}` was ended by signal {-done.returncode} before it had answered.")
    raise refusal(command[0], done.stderr or done.stdout)


def refusal(program: str, said: str) -> Exception:
    """Make the exception that fits what a program of Slurm's has printed."""
    sentence = _sentence(said)
    if _UNKNOWN_JOB in said:
        return UnknownJob(sentence)
    if _AWAY.search(said):
        return EngineAway(f"Slurm's controller is not reached: {sentence}; look with `scontrol ping`.")
    hints = (hint for part, hint in _HINTS.items() if part.lower() in said.lower())
    hint = next(hints, "ask for other workers")
    return Refused(f"Slurm takes no such workers: {program} says {sentence!r}; {hint}.")


def _sentence(said: str) -> str:
    """Give the last line that says something, without the program that says it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return "nothing"
    return re.sub(r"^\w+: (error: |fatal: )?", "", lines[-1]).rstrip(".")
