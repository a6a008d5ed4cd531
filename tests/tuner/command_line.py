"""Running the command line inside a test's own process, since importing Lightning takes seconds."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuner.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of an error, without `Error: `."""
        assert self.err.startswith("Error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("Error: ").rstrip()


@dataclass(frozen=True)
class CommandLine:
    """Types commands in a folder of its own."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, line: str) -> Answer:
        """Run `tuner LINE`, which is split as a shell would."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line))
        printed = self.capture.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, printed.out, printed.err)

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")
