"""The installed command in a process of its own, as a user's shell starts it."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TUNER = (str(Path(sys.executable).with_name("tuner")),)
# Lightning's advice on worker processes depends on the machine.
_ENVIRONMENT = {"PYTHONWARNINGS": "ignore", "COLUMNS": "80"}


def as_from_a_shell() -> None:
    """Hear the signals of a terminal, also where the tests run in the background or by `nohup`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def environment(**extra: str) -> dict[str, str]:
    """The variables that a test's process sees: none that names a database."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_STORAGE")}
    return {**kept, **_ENVIRONMENT, **extra}


def run_in_terminal(line: str, folder: Path) -> tuple[int, str]:
    """Run `tuner LINE` in a folder, in a terminal of 80 columns.

    Returns: Its exit code, and everything that it wrote to the terminal.
    """
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [*TUNER, *shlex.split(line)],
        cwd=folder,
        env=environment(TERM="xterm"),
        stdin=end,
        stdout=end,
        stderr=end,
        preexec_fn=as_from_a_shell,  # noqa: PLW1509 - it takes no lock, so threads do not matter
    ) as process:
        os.close(end)
        written = b""
        while True:
            try:
                written += os.read(terminal, 65536)
            except OSError:  # Linux's way to say that the other end is closed
                break
    os.close(terminal)
    return process.returncode, written.decode()


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
        preexec_fn=as_from_a_shell,  # noqa: PLW1509 - it takes no lock, so threads do not matter
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def train_as_told(configuration: Path, folder: Path) -> tuple[str, float, str]:
    """Train an exported configuration in a folder by the very command that stands in it.

    Returns: The score that the file tells, as it is written there, the metric that the training reached, and
        what it showed.
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
    return told[2], float(trained.stdout.splitlines()[-1]), trained.stdout + trained.stderr
