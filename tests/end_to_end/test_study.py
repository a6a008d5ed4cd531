"""One small study, run by the installed command, and everything that can be asked about it."""

import csv
import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from studies.database.open import open_database
from studies.ledger.opening import open_ledger
from studies.running.confirmation import confirm
from tests.end_to_end.processes import run_in_terminal, train_as_told
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

SETS = (
    "--set trainer.max_epochs=2 --set model.init_args.hidden=[16] --set space.fix.optimizer=adamw "
    "--set study.confirm=0"
)
RUN = f"run digits --trials 6 {SETS}"
Study = tuple[Path, int, str]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A folder in which the installed command ran a study of six slots, its exit code and its terminal.

    All processes of a test run look at one.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "study"
    told = folder.with_suffix(".json")
    with FileLock(folder.with_suffix(".lock")):
        if not told.exists():
            folder.mkdir()
            told.write_text(json.dumps(run_in_terminal(RUN, folder)))
    code, written = json.loads(told.read_text())
    return folder, code, written


@pytest.fixture
def ask(study: Study, tuner: CommandLine) -> CommandLine:
    """The command line in a copy of that folder."""
    shutil.copytree(study[0], tuner.folder, dirs_exist_ok=True)
    return tuner


def from_json(tuner: CommandLine, line: str) -> Any:
    """Give what a command prints with `--json`."""
    answer = tuner(f"{line} --json")
    assert (answer.code, answer.err) == (0, "")
    return json.loads(answer.out)


def all_trials(tuner: CommandLine, count: int, options: str = "") -> list[dict[str, Any]]:
    """Give every trial, without what depends on the clock and the folder."""
    trials = [from_json(tuner, f"trial digits {number} {options}") for number in range(count)]
    return [
        {key: value for key, value in trial.items() if key not in {"seconds", "weights"}} for trial in trials
    ]


def what_is_left(written: str) -> list[str]:
    """Give the lines that a terminal shows in the end: those after the last one that was taken back."""
    left = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written[written.rfind("\x1b[2K") :])
    return left.strip("\r\n").splitlines()


def test_a_terminal_shows_one_view_and_then_the_result(study: Study) -> None:
    """The live view is redrawn in its place and leaves nothing behind; what remains is the result."""
    _, code, written = study
    assert code == 0
    assert "0/6 slots" in written
    assert "best val_loss none yet" in written
    assert "[1/6]" not in written  # that is for a pipe
    assert (
        written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l") > 0
    )  # the cursor is hidden, and shown again
    # A redraw goes up four of the view's five lines; what takes all five back is its end.
    assert written.count("\x1b[1A\x1b[2K" * 5) == 1
    lines = what_is_left(written)
    assert re.fullmatch(r"Best val_loss \d+\.\d+, trial \d", lines[0])
    assert re.fullmatch(r"  test_loss \d+\.\d+", lines[1])
    assert any(line.startswith("6 of 6 slots are spent: ") for line in lines)
    assert "Next:" in lines


def test_a_run_ends_with_everything_on_disk(study: Study) -> None:
    """The best configuration, its weights and a report are left, and no other trial's weights."""
    folder, _, written = study
    best = re.search(r"trial (\d)", what_is_left(written)[0])
    assert best is not None
    names = {path.name for path in (folder / "runs/digits").iterdir()}
    assert names == {"best.yaml", "report.html", f"trial-{best[1]}.ckpt"}
    assert f"Written: runs/digits/best.yaml, runs/digits/trial-{best[1]}.ckpt, " in written


def test_plain_lightning_reaches_the_score_of_the_best_trial(study: Study, ask: CommandLine) -> None:
    """`best.yaml`, trained by LightningCLI as its first lines say, tells the trial's very score, twice.

    The score is shown, and the weights behind it are kept.
    """
    value = from_json(ask, "status digits")["best"]["value"]
    for training in range(2):
        told, reached, shown = train_as_told(Path("runs/digits/best.yaml"), ask.folder)
        assert reached == value
        assert f"{reached:.6g}" == told
        assert f"'val_loss' reached {reached:.5f}" in shown
        logs = ask.folder / f"lightning_logs/version_{training}"
        metrics = list(csv.DictReader((logs / "metrics.csv").read_text().splitlines()))
        assert [row["val_loss"] for row in metrics if row["val_loss"]][-1] == repr(value)
        kept = {path.name for path in (logs / "checkpoints").iterdir()}
        assert any(name.startswith("last-epoch=1-") for name in kept)
    assert "# The score is that of the last validation.\n" in Path("runs/digits/best.yaml").read_text()


def test_the_next_commands_work_as_they_are_printed(study: Study, ask: CommandLine) -> None:
    """What a run prints under `Next:` can be typed, and the last of it doubles the budget."""
    left = what_is_left(study[2])
    lines = left[left.index("Next:") + 1 :]
    assert max(map(len, lines)) <= 80
    commands = [line.strip() for line in "\n".join(lines).replace("\\\n", "").splitlines()]
    assert shlex.split(commands[-1]) == shlex.split(f"tuner run digits {SETS} --trials 12")
    for command in commands:
        answer = ask(command.removeprefix("tuner "))
        assert (answer.code, answer.err) == (0, "")
    trials = from_json(ask, "status digits")["trials"]
    assert trials["complete"] + trials["pruned"] + trials["diverged"] == 12
    assert (trials["waiting"], trials["running"]) == (0, 0)


def test_a_spent_budget_is_told(ask: CommandLine) -> None:
    """The same command again trains nothing, says so, and shows the best once more."""
    answer = ask(RUN)
    assert answer.code == 0
    assert answer.out.startswith(
        "All 6 slots of digits were spent before; --trials adds more.\nBest val_loss"
    )
    assert ask(RUN.replace("6 ", "5 ", 1)).out.startswith(
        "digits has 6 slots already; --trials 5 takes none back."
    )
    assert sum(from_json(ask, "status digits")["trials"].values()) == 6


def test_one_trial(ask: CommandLine) -> None:
    """`tuner trial` shows outcome, score, curve and the whole configuration; trial 0 is the defaults."""
    trial = from_json(ask, "trial digits 0")
    assert trial["facts"]["update_ratio"] > 0
    assert all(finding["word"] and finding["why"] for finding in trial["findings"])
    assert (trial["number"], trial["slot"], trial["outcome"], trial["cause"]) == (0, 0, "completed", None)
    assert trial["value"] == trial["curve"]["2"]  # the shipped study scores the last validation
    assert len(trial["curve"]) == 2
    assert trial["params"]["optimizer"] == "adamw"
    assert trial["configuration"]["optimizer"]["class_path"] == "torch.optim.AdamW"
    assert trial["configuration"]["model"]["init_args"]["hidden"] == [16]
    text = ask("trial digits 0").out
    assert text.startswith(f"trial 0: completed, val_loss {trial['value']:.6g}, slot 0, ")
    assert yaml.safe_load(text.partition("\nparams:")[2].join(["params:", ""]))["params"] == trial["params"]


def test_the_best_trial(ask: CommandLine) -> None:
    """`tuner best` agrees with `status`, tells the test score, and exports what the run had exported."""
    best, status = from_json(ask, "best digits"), from_json(ask, "status digits")["best"]
    assert (best["number"], best["value"], best["params"]) == (
        status["number"],
        status["value"],
        status["params"],
    )
    assert set(best["test"]) == {"test_loss", "test_error", "test_balanced_error"}
    assert f"(trial {best['number']})" in ask("status digits").out
    answer = ask("best digits --export mine.yaml")
    assert answer.out.startswith(f"Best val_loss {best['value']:.5g}, trial {best['number']}\n  test_loss ")
    exported = yaml.safe_load((ask.folder / "mine.yaml").read_text())
    assert exported == best["configuration"]
    assert exported == yaml.safe_load((ask.folder / "runs/digits/best.yaml").read_text())


def test_how_sharp_the_loss_is_around_the_best(ask: CommandLine, study: Study) -> None:
    """The run has measured the best trial, which is told; of a trial without weights that cannot be."""
    best = from_json(ask, "best digits")["number"]
    found = from_json(ask, f"trial digits {best} --sharpness")["sharpness"]
    assert found["is_plain"]
    assert found["samples"] == 1078
    assert found["eigenvalue"] <= found["trace"] + 4 * found["trace_error"]
    assert f"(eigenvalue of the Hessian) is {found['eigenvalue']:.4g}" in " ".join(study[2].split())
    assert "Flat or sharp?" in (ask.folder / "runs/digits/report.html").read_text()
    other = next(number for number in range(6) if number != best)
    refused = ask(f"trial digits {other} --sharpness")
    assert refused.code == 2
    assert refused.sentence.startswith(f"The weights of trial {other} of 'digits' are not below ")
    assert ask("trial digits 99 --sharpness").code == 2


def test_what_tuning_gained(ask: CommandLine) -> None:
    """Beside the gain stand the test scores and the most frequent class, of ten nearly alike frequent."""
    told = from_json(ask, "gain digits")
    assert told["baseline"]["error"] == pytest.approx(0.9, abs=0.02)
    assert told["test"]["test_error"] == from_json(ask, "best digits")["test"]["test_error"]
    answer = ask("gain digits")
    assert answer.code == 0
    assert "Measured: " in answer.out
    assert "errs in 89.72% of these samples" in answer.out


def test_the_best_trials_are_confirmed(ask: CommandLine) -> None:
    """Trained again on fresh seeds, the best mean wins; `best` gives it, and what is not done yet is told."""
    confirm(open_ledger(open_database("sqlite:///tuner.db"), "digits"), top=2, seeds=3)
    told = "\nNot all of the best have been trained again; go on: tuner confirm digits --top 2 --seeds 3\n"
    assert told in ask(RUN).out
    answer = ask(RUN.replace("confirm=0", "confirm=2"))
    assert (answer.code, answer.err) == (0, "")
    assert "\nTraining the best 2 again, on 3 fresh seeds each.\n[1/6] trial 0 completed" in answer.out
    best = from_json(ask, "best digits")
    confirmed = from_json(ask, "confirm digits --top 2 --seeds 3")["candidates"]
    assert len(confirmed) == 2
    assert confirmed[0] == best["confirmed"]
    assert confirmed[0]["mean"] == pytest.approx(sum(confirmed[0]["scores"]) / 3)
    assert confirmed[0]["mean"] < confirmed[1]["mean"]
    assert f"  {confirmed[0]['mean']:.5g} on 3 fresh seeds, standard deviation " in answer.out
    assert re.search(r"runs/digits/best.yaml, runs/digits-confirmed/trial-\d.ckpt, ", answer.out)
    assert "The best trials on fresh seeds" in (ask.folder / "runs/digits/report.html").read_text()
    assert len(ask("confirm digits --top 2 --seeds 3").out.splitlines()) == 3  # a head and two trials
    assert ask("delete digits --yes").code == 0
    assert from_json(ask, "list") == []


def test_the_same_file_and_seed_give_the_same_study(ask: CommandLine) -> None:
    """Another database gets identical trials; where nobody watches, each leaves a line."""
    again = "--storage sqlite:///again.db"
    answer = ask(f"{RUN} --output again {again}")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert [line.split("]")[0] for line in lines[:6]] == [f"[{number}/6" for number in range(1, 7)]
    assert lines[6].startswith("Best val_loss ")
    assert "\x1b" not in answer.out
    assert all_trials(ask, 6, again) == all_trials(ask, 6)


def test_a_study_is_resumed_from_the_database_alone(ask: CommandLine) -> None:
    """By its name in the database a study is run on without its file."""
    assert ask("run digits --name other --timeout 0.001 --trials 1 " + SETS).code == 0
    answer = ask("run other --trials 2")
    assert answer.code == 0
    assert answer.out.startswith("[1/2] trial 0 ")
    assert "  tuner run other --trials 4 " in answer.out


def test_a_study_is_deleted(ask: CommandLine) -> None:
    """`tuner delete --yes` removes the study and leaves the files; the name is free again."""
    assert ask("delete digits --yes").out == "Deleted digits.\n"
    assert from_json(ask, "list") == []
    assert ask("list").out == "The database holds no study; `tuner run digits` makes one.\n"
    assert (ask.folder / "runs/digits/best.yaml").exists()
    assert ask("run digits --timeout 0.001 --set trainer.max_epochs=9").code == 0
