"""An empty folder to type commands in."""

import copy
import sys
from pathlib import Path

import jsonargparse
import pytest

from tests.fork_server import fork_server
from tests.tuner.command_line import CommandLine

__all__ = ["fork_server"]


@pytest.fixture
def tuner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line in an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command line adds the working directory
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    # A worker restricts what jsonargparse may import for the rest of its process, and this one goes on.
    settings = copy.deepcopy(jsonargparse._common.parsing_settings)
    monkeypatch.setattr(jsonargparse._common, "parsing_settings", settings)
    return CommandLine(tmp_path, capsys)
