"""The command line itself: what it imports, how it ends, what it prints where."""

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from studies.database.open import open_database
from studies.ledger.making import create
from tests.studies.samples import sample_definition
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner.terminal.next_steps import folded

pytestmark = IN_MEMORY

HEAVY = (
    "torch",
    "pytorch_lightning",
    "lightning",
    "optuna",
    "sqlalchemy",
    "numpy",
    "rich",
    "plotly",
    "sklearn",
)
RUN = "run digits --set trainer.max_epochs=1 --set model.init_args.hidden=[8]"


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


def test_help_imports_nothing_heavy() -> None:
    """`tuner --help` and a mistyped command answer before anything of a second is imported."""
    code = (
        "import json, sys\nfrom tuner.cli import main\n"
        "try: main(sys.argv[1:])\nfinally: print(json.dumps(list(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["--help"], ["run", "--help"], ["--version"]):
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        assert not set(HEAVY) & set(json.loads(ended.stderr.splitlines()[-1]))


def test_the_best_trial_is_shown_without_torch(tmp_path: Path) -> None:
    """Looking at studies needs no torch."""
    code = (
        "import sys\nfrom tuner.cli import main\n"
        "for line in ('list', 'status mine', 'best mine'):\n"
        "    try: main([*line.split(), '--storage', sys.argv[1]])\n"
        "    except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    url = f"sqlite:///{tmp_path}/tuner.db"
    create(open_database(url), sample_definition(name="mine"), "")
    ended = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert ended.stdout.count("mine") == 2  # a line of each of the first two; there is no best yet


def test_without_a_command_help_is_shown(tuner: CommandLine) -> None:
    """`tuner` alone shows the commands."""
    answer = tuner("")
    assert answer.code == 2
    assert "Commands:" in answer.err


def test_the_environment_names_the_database(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--storage` a command asks the database of TUNER_STORAGE."""
    monkeypatch.setenv("TUNER_STORAGE", "sqlite:///own.db")
    assert "no database own.db" in tuner("list").sentence
    assert "no database given.db" in tuner("list --storage sqlite:///given.db").sentence


def test_the_printed_command_repeats_what_was_asked(tuner: CommandLine) -> None:
    """What resumes a study carries every option that makes it this study, quoted for a shell."""
    asked = f"{RUN} --set 'space.narrow.norm={{choices: [batch]}}' --name mine --output out --storage sqlite:///a.db"
    answer = tuner(f"{asked} --timeout 0.001 --trials 3")
    assert answer.code == 0
    printed = answer.out.splitlines()[-1]
    assert printed == (
        "Resume: tuner run digits --set trainer.max_epochs=1 --set 'model.init_args.hidden=[8]' "
        "--set 'space.narrow.norm={choices: [batch]}' --name mine --trials 3 --output out --storage sqlite:///a.db"
    )


def test_quiet_shows_the_result_only(tuner: CommandLine) -> None:
    """With `--quiet` there is no line a trial."""
    answer = tuner(f"{RUN} --trials 1 --quiet")
    assert answer.out.startswith("Best val_loss ")
    assert "It is the default configuration." in answer.out


def test_validate_lists_parameters_and_trains_every_branch(tuner: CommandLine) -> None:
    """`tuner validate` goes through every branch and every value of a choice, and writes nothing."""
    narrowed = "--set 'space.narrow.optimizer={choices: [adamw]}' --set space.fix.dropout=none"
    found = json.loads(tuner(f"validate digits {narrowed} --json").out)
    assert len(found["parameters"]) == 8
    assert [(branch["choice"], branch["branch"], branch["cause"]) for branch in found["branches"]] == [
        ("optimizer", "adamw", ""),
        ("optimizer.adamw.weight_decay", "none", ""),
        ("optimizer.adamw.weight_decay", "on", ""),
        ("norm", "none", ""),
        ("norm", "batch", ""),
        ("norm.placement", "pre", ""),
        ("norm.placement", "post", ""),
        ("dropout", "none", ""),
    ]
    assert list(tuner.folder.iterdir()) == []


def test_a_branch_that_does_not_train_is_named(tuner: CommandLine) -> None:
    """A branch that only some trials would take is found by `tuner validate`."""
    tuner.write(
        "my.yaml",
        "study: {name: mine, metric: val_loss}\n"
        "model: {class_path: tuner.modules.MLPClassifier, init_args: {hidden: [8]}}\n"
        "data: {class_path: tuner.data.Digits}\n"
        "optimizer: {class_path: torch.optim.Adam}\n"
        "space: {add: {data.init_args.batch_size: {choices: [64, 0]}}}\n",
    )
    answer = tuner("validate my.yaml")
    assert answer.code == 1
    assert answer.err == ""
    assert [line.split() for line in answer.out.splitlines()[:2]] == [
        ["parameter", "range", "default"],
        ["data.init_args.batch_size", "64,", "0", "64"],
    ]
    assert answer.out.splitlines()[2].startswith("data.init_args.batch_size = 0 does not train: ")


def test_deleting_asks_first(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal `tuner delete` asks, and a no leaves everything as it was."""
    assert tuner(f"{RUN} --timeout 0.001").code == 0
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))
    answer = tuner("delete digits")
    assert answer.code == 1
    assert answer.out == "Delete the study digits with its 0 trials? [y/N]: Nothing was deleted.\n"
    assert tuner("status digits").code == 0
    assert tuner("delete digits").code == 0
    assert tuner("status digits").code == 2


@pytest.mark.parametrize("width", [50, 80])
def test_a_long_command_is_folded_into_one_that_can_be_typed(width: int) -> None:
    """Its lines fit the terminal, and a shell takes them for the command."""
    words = ["tuner", "run", "digits", "--set", "model.init_args.hidden=[16]", "--set", "a=it's b", "--quiet"]
    lines = folded(shlex.join(words * 2), width)
    assert len(lines) > 2
    assert max(map(len, lines)) <= width
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == words * 2
