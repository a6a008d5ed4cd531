"""The README is true: its study file and its commands run as they stand there."""

import re
from pathlib import Path

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

REPOSITORY = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [
    line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if line[:2] == "$ "
]


def test_every_block_is_a_console_or_a_study_file() -> None:
    """No block of the README is of a kind that nothing runs."""
    assert {kind for kind, _ in BLOCKS} == {"console", "yaml"}
    assert all(command.split()[0] in {"make", "tuner"} for command in COMMANDS)


def test_what_make_is_told_is_a_target() -> None:
    """`make run` and `make test` exist."""
    targets = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = [command.split()[1] for command in COMMANDS if command.startswith("make ")]
    assert told == ["run", "test"]
    assert set(told) <= set(targets)


@pytest.mark.timeout(240)
def test_the_commands_run_in_their_order(tuner: CommandLine) -> None:
    """In an empty folder, with the study file of the README, each command ends with success."""
    (study,) = [text for kind, text in BLOCKS if kind == "yaml"]
    Path("my_study.yaml").write_text(study, encoding="utf-8")
    for command in COMMANDS:
        if command.startswith("tuner "):
            ended = tuner(command.removeprefix("tuner "))
            assert ended.code == 0, f"{command}: {ended}"
    assert Path("best.yaml").exists()
