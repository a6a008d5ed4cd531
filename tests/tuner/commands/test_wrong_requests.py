"""Every command with generated wrong requests: one sentence, exit code 2, no traceback, no file."""

import random
import shlex
from collections.abc import Iterator

import click
import pytest

from tests.tuner.command_line import CommandLine
from tuner.cli import cli

SEED, SAMPLE = 0, 12  # of each command
# Names and files that are not there, or cannot be.
STRANGE = (
    "",
    " ",
    "absent",
    "../x",
    "a/b",
    "/dev/null",
    "ü",
    "<b>x</b>",
    "\x1b[31mred",
    "a\nb",
    "x" * 300,
    "'",
)
NUMBERS = ("", "x", "1.5.2", "nan!", "0x", "--", "ten", "-1", "1e", "nan", "inf")
STORAGES = (
    *("", "nothing", "sqlite://", "sqlite:///no/such/folder/x.db", "postgres://h/d", "oracle://h/d"),
    *("sqlite:///taken/x.db", "http://h/d", "postgresql://h:port/d"),
)
SETS = (
    *("", "=", "x", "a=b", "study=1", "study.trials=-1", "study.trials=0", "space=1", "trainer=[1]"),
    *("study.name=a/b", "study.metric=", "study.direction=up", "model=3", "space.use=nothing", "data.x={"),
)


def wrong_values(option: click.Parameter) -> tuple[str, ...]:
    """Give values that an option or an argument cannot take."""
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        return NUMBERS if option.name != "number" else tuple(n for n in NUMBERS if n)
    return {"storage": STORAGES, "overrides": SETS, "output": ("taken/x", "taken"), "path": ("taken/x", "."),
            "gpus": ("x", "-1", "0,0,x")}.get(option.name or "", ())  # fmt: skip


def requests(name: str) -> Iterator[list[str]]:
    """Go through wrong requests of a command."""
    command = cli.commands[name]
    needed = [each for each in command.params if isinstance(each, click.Argument)]
    yield [name, "--no-such-option"]
    yield [name, *["absent"] * len(needed), "0", "surplus", "surplus"]
    studies = [[strange, *["0"] * (len(needed) - 1)] for strange in STRANGE if needed]
    for arguments in studies:
        yield [name, "--", *arguments]
    for option in command.params:
        for value in wrong_values(option):
            flag = [max(option.opts, key=len), value] if isinstance(option, click.Option) else []
            arguments = ["digits" if name in ("run", "create", "validate") else "absent", value][
                : len(needed)
            ]
            if flag or option.name == "number":
                yield [name, *flag, "--", *arguments]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_a_wrong_request_gets_one_sentence(tuner: CommandLine, name: str) -> None:
    """It says `Error: ...` in one line, the exit code is 2, and no file is made."""
    tuner.write("taken", "a file where a folder is needed")
    drawn = [each for each in requests(name) if is_wrong(each)]
    draw = random.Random(SEED)  # noqa: S311 - no secret
    for words in draw.sample(drawn, min(SAMPLE, len(drawn))):
        answer = tuner(shlex.join(words))
        assert answer.code == 2, (words, answer)
        assert answer.out == "", (words, answer)
        assert answer.err.startswith("Error: "), (words, answer)
        assert answer.err.count("\n") == 1, (words, answer)
        assert "Traceback" not in answer.err, (words, answer)
        assert {path.name for path in tuner.folder.iterdir()} == {"taken"}, words


def is_wrong(words: list[str]) -> bool:
    """Leave out what is right: without a word `list` and `spaces` have much to show, `worker` to serve.

    `doctor` is there to find what is wrong with names and databases: it does so in its list.
    """
    if words[0] == "doctor":
        return "--" not in words
    return len(words) > {"list": 1, "spaces": 1, "worker": 2}.get(words[0], 0)
