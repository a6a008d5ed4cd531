"""The installed command in a process of its own, as a user's shell starts it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TUNER = (str(Path(sys.executable).with_name("tuner")),)
# Lightning's advice on worker processes depends on the machine.
_ENVIRONMENT = {"PYTHONWARNINGS": "ignore", "COLUMNS": "80"}


def environment(**extra: str) -> dict[str, str]:
    """The variables that a test's process sees: none that names a database."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_STORAGE")}
    return {**kept, **_ENVIRONMENT, **extra}


def run_tuner(
    line: str,
    folder: Path,
    *,
    before: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    answer: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `tuner LINE` in a folder and give how it ended.

    Args:
        line: what follows `tuner`.
        folder: the working directory.
        before: a program that starts it, and that program's arguments.
        variables: for its environment.
        answer: what it is typed; nothing can be typed otherwise.
    """
    return subprocess.run(
        [*before, *TUNER, *shlex.split(line)],
        cwd=folder,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        check=False,
        **({"stdin": subprocess.DEVNULL} if answer is None else {"input": answer}),
    )


@contextmanager
def running_tuner(line: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start `tuner LINE` in a folder; it is killed in the end if it still runs."""
    with subprocess.Popen(
        [*TUNER, *shlex.split(line)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def train_as_told(configuration: Path, folder: Path) -> tuple[str, float]:
    """Train an exported configuration in a folder by the very command that stands in it.

    Returns: The score that the file tells, as it is written there, and the metric that the training reached.
    """
    text = (folder / configuration).read_text()
    command, told = re.search(r"# Train it: (.*)", text), re.search(r", (\w+) (\S+);", text)
    assert command is not None
    assert told is not None
    metric = f'print(float(LightningCLI().trainer.callback_metrics["{told[1]}"]))'
    trained = subprocess.run(
        ["sh", "-c", command[1].replace("LightningCLI()", metric)],
        cwd=folder,
        env=environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=True,
    )
    return told[2], float(trained.stdout.splitlines()[-1])
