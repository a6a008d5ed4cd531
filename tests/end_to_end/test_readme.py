"""The README: every block of it is run, and every command is told of somewhere."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner.cli import cli

pytestmark = IN_MEMORY

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Give the README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[str]:
    """Give what follows `$ PROGRAM` in the README's console blocks."""
    return re.findall(rf"^\$ {program} (.*)$", "".join(blocks("console")), flags=re.MULTILINE)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    """A block is a study file or a console, and a console's lines are commands of `make` or `tuner`."""
    fences = re.findall(r"^```(.*)$", README, flags=re.MULTILINE)
    assert set(fences[::2]) == {"console", "yaml"}
    lines = "".join(blocks("console")).splitlines()
    assert [line for line in lines if not re.match(r"\$ (make|tuner) ", line)] == []


def test_what_is_made_can_be_made() -> None:
    """Each `make` of the README is a target of the Makefile."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert commands("make")
    assert set(commands("make")) <= targets


def test_the_commands_run_in_their_order(tuner: CommandLine) -> None:
    """In an empty folder, with the README's study file, its commands do what they are there for."""
    (text,) = blocks("yaml")
    name = re.match(r"# (\S+\.yaml)\n", text)
    assert name is not None
    tuner.write(name[1], text)
    for line in commands("tuner"):
        answer = tuner(line)
        said = [said for said in answer.err.splitlines() if not said.endswith("% done")]  # of a slow machine
        assert (line, answer.code, said) == (line, 0, [])
        assert answer.out
    exported = [line.rpartition(" ")[2] for line in commands("tuner") if "--export" in line]
    assert exported
    for file in exported:
        assert "model" in yaml.safe_load((tuner.folder / file).read_text())


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself(tuner: CommandLine, name: str) -> None:
    """A command has a sentence that fits into the list, examples that parse, and a place in the pages."""
    command = cli.commands[name]
    answer = tuner(f"{name} --help")
    assert (answer.code, answer.err) == (0, "")
    (row,) = [line for line in tuner("--help").out.splitlines() if line.startswith(f"  {name} ")]
    assert row.endswith(".")
    assert not row.endswith("...")
    told = [page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    assert any(f"tuner {name}" in text for text in told)
    examples = answer.out.partition("Examples:\n")[2].splitlines()
    assert examples
    for example in examples:
        program, subcommand, *arguments = shlex.split(example)
        assert (program, subcommand) == ("tuner", name)
        command.make_context(name, arguments, resilient_parsing=False)


def test_every_listing_has_json() -> None:
    """What shows data can print it as JSON."""
    acting = {"init", "run", "delete", "worker", "launch", "predict", "dashboard"}
    without = {
        name
        for name, command in cli.commands.items()
        if not any(isinstance(option, click.Option) and "--json" in option.opts for option in command.params)
    }
    assert without == acting


def run_script(tmp_path: Path, name: str) -> str:
    """Run a script of the Python page in an empty folder, and give what it printed."""
    page = (ROOT / "docs" / "python.md").read_text()
    scripts = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(scripts) == page.count("```python")  # each has a name, and a test below
    (tmp_path / name).write_text(dict(scripts)[name])
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_script_of_the_python_page_runs(tmp_path: Path) -> None:
    """In an empty folder it spends the study's slots and leaves a configuration and a report."""
    assert "4 of 4 slots are spent" in run_script(tmp_path, "tune.py")
    assert yaml.safe_load((tmp_path / "best.yaml").read_text())["model"]
    assert (tmp_path / "digits.html").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [("first.py", "Best val_loss"), ("loop.py", "12 of 12 slots are spent"), ("fits.py", "Best val_loss")],
)
def test_the_scripts_without_a_study_file_run(tmp_path: Path, name: str, said: str) -> None:
    """What the page shows of `tune`, `ask` and `tell` spends the slots and shows the best."""
    assert said in run_script(tmp_path, name)


def test_the_script_for_plain_optuna_runs(tmp_path: Path) -> None:
    """It finds the optimum that its objective has."""
    score, _, values = run_script(tmp_path, "plain.py").partition(" ")
    assert float(score) < 0.1
    assert "'lr'" in values


def test_the_commands_of_the_own_module_page_run(tuner: CommandLine) -> None:
    """In an empty folder with the page's module, `init`, `validate` and `run` need no edit between them."""
    page = (ROOT / "docs" / "own-module.md").read_text()
    blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    for name, text in blocks:
        tuner.write(name, text)
    assert [name for name, _ in blocks] == ["my_module.py", "test_own.py", "load.py", "load_made.py"]
    typed = re.findall(r"^\$ tuner (.*)$", page, flags=re.MULTILINE)
    assert [line.split()[0] for line in typed] == ["init", "validate", "run"]
    for line in typed:
        answer = tuner(line)
        assert (line, answer.code) == (line, 0), answer.err
    assert yaml.safe_load((tuner.folder / "runs/regression/best.yaml").read_text())["model"]
    written = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "test_own.py"]
    ended = subprocess.run(
        written, cwd=tuner.folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    together = (
        "from load import module; from load_made import cli; "
        "print((module.layers[0].weight == cli.model.layers[0].weight).all())"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", together],
        cwd=tuner.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout == "tensor(True)\n", ended.stderr


def study_of(page: str) -> str:
    """Give the study file that a page shows."""
    text = (ROOT / "docs" / page).read_text()
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_study_of_the_search_page_runs(tuner: CommandLine) -> None:
    """Shortened, it pauses trials, has the model say what it expects, and ends with its slots spent."""
    tuner.write("search.yaml", study_of("search.md"))
    answer = tuner("run search.yaml --trials 12 --set trainer.max_epochs=4")
    assert answer.code == 0, answer.err
    status = json.loads(tuner("status digits-paused --json").out)
    assert status["spent"]["slots"] == status["slots"] == 12
    assert status["trials"]["paused"] + status["trials"]["complete"] + status["trials"]["diverged"] == 12
    assert status["trials"]["paused"] > 0
    trials = [json.loads(tuner(f"trial digits-paused {number} --json").out) for number in range(12)]
    assert all(trial["cause"] for trial in trials if trial["outcome"] == "paused")
    assert any("is expected" in (trial["why"] or "") for trial in trials)


def test_the_study_of_the_page_on_noise_runs(tuner: CommandLine) -> None:
    """Shortened, it repeats, keeps its metrics, and recommends the best of those that keep the limits."""
    tuner.write("noise.yaml", study_of("noise.md"))
    answer = tuner("run noise.yaml --trials 8 --set trainer.max_epochs=3 --no-sharpness")
    assert answer.code == 0, answer.err
    trials = [json.loads(tuner(f"trial digits-repeated {number} --json").out) for number in range(8)]
    completed = [trial for trial in trials if trial["outcome"] == "completed"]
    within = [trial for trial in completed if not trial["beyond_limits"]]
    best = json.loads(tuner("best digits-repeated --json").out)
    assert best["number"] == min(within, key=lambda trial: trial["value"])["number"]
    for trial in completed:
        assert len(trial["repeats"]) == 3
        assert trial["value"] == pytest.approx(sum(trial["repeats"]) / 3)
        assert set(trial["metrics"]) == {"val_error", "train_loss", "epoch_seconds", "parameters"}
        assert trial["metrics"]["parameters"] <= 2e4
        assert (trial["metrics"]["val_error"] > 0.5) == ("val_error" in trial["beyond_limits"])
    status = json.loads(tuner("status digits-repeated --json").out)
    assert status["beyond_limits"] == len(completed) - len(within)
