"""A real terminal: the live view, and what is left of it in the end."""

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.end_to_end.processes import TUNER, environment

RUN = "run digits --trials 2 --set trainer.max_epochs=2 --set model.init_args.hidden=[8]"


def shown(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run `tuner` in a terminal of 80 columns, and give its exit code and everything that it wrote there."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [*TUNER, *arguments], cwd=folder, env=environment(TERM="xterm"), stdin=end, stdout=end, stderr=end
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


def test_a_terminal_shows_one_view_and_then_the_result(tmp_path: Path) -> None:
    """The live view is redrawn in its place and leaves nothing behind; what remains is the result."""
    code, written = shown(RUN.split(), tmp_path)
    assert code == 0
    assert "0/2 slots" in written
    assert "validation 1/2" in written
    assert "[1/2]" not in written  # that is for a pipe
    assert "\x1b[?25l" in written  # the cursor is hidden ...
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")  # ... and shown again
    left = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written[written.rfind("\x1b[2K") :])
    assert left.lstrip("\r\n").startswith("Best val_loss ")
    assert left.rstrip().endswith("# as many trials again") or "--trials 4" in left
