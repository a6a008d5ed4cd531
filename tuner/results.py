"""What a study leaves behind: the best configuration, its weights and its test score, on disk and in words."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from optuna.trial import FrozenTrial
from rich.console import Console
from rich.table import Table

from search_spaces.describe import show_value
from search_spaces.space import Value
from studies.difference import differences
from studies.ledger import Ledger
from studies.report.page import write_report
from studies.seeds import training_seed
from tuner.training.assembly import TRAINER_DEFAULTS
from tuner.training.fit import test

INTERRUPTED = 130
TEST = "tuner:test"  # attribute of the study: the number of the trial tested, and its scores


def conclude(ledger: Ledger, folder: Path, *, again: str, interrupted: bool) -> int:
    """Write the results to `folder`, print them, and give the exit code.

    Args:
        ledger: the study.
        folder: where `best.yaml`, the best trial's weights and `report.html` go.
        again: the command that resumes the study.
        interrupted: whether a signal ended the run.
    """
    console = Console()
    budget, best = ledger.slots.budget(), ledger.best()
    finished = budget.done == budget.total
    if best is not None:
        folder.mkdir(parents=True, exist_ok=True)
        export(ledger, best, folder / "best.yaml")
        tested = test_best(ledger, best, folder) if finished else {}
        print_best(console, ledger, best, tested)
        write_report(ledger, folder / "report.html")
    counts = ledger.status()["trials"]
    parts = ", ".join(f"{counts[name]} {name}" for name in ("complete", "pruned", "diverged", "failed") if counts[name])
    console.print(f"{budget.done} of {budget.total} slots are spent: {parts or 'no trial yet'}; {_seconds(ledger):.0f} s of training.")
    if best is None and finished:
        console.print("No trial was completed, so there is no best configuration.", style="yellow")
    _print_next(console, ledger, folder if best else None, again=again, finished=finished)
    return INTERRUPTED if interrupted else 0


def export(ledger: Ledger, trial: FrozenTrial, path: Path) -> None:
    """Write a trial's configuration as a file that plain LightningCLI trains: `fit --config best.yaml`."""
    settings = ledger.definition.settings
    score = "" if trial.value is None else f", {settings.metric} {trial.value:.6g}"
    head = (
        f"# Trial {trial.number} of the study {ledger.name}{score}; written by interplay-tuner {version('interplay-tuner')}.\n"
        f"# Train it: python -c 'from pytorch_lightning.cli import LightningCLI; LightningCLI()' fit --config {path.name}\n"
    )
    path.write_text(head + yaml.safe_dump(complete(ledger, trial), sort_keys=False), encoding="utf-8")


def complete(ledger: Ledger, trial: FrozenTrial) -> dict[str, Any]:
    """Give a trial's whole configuration, with its seed and with what the tuner sets where the study says nothing."""
    configuration: Mapping[str, Any] = trial.user_attrs["configuration"]
    trainer = {**TRAINER_DEFAULTS, **(configuration.get("trainer") or {})}
    return {"seed_everything": training_seed(ledger, trial.user_attrs["slot"]), **configuration, "trainer": trainer}


def test_best(ledger: Ledger, best: FrozenTrial, folder: Path) -> dict[str, float]:
    """Evaluate the best trial's weights on the test part of the data, once the study has ended; it is kept with the study."""
    kept = ledger.study.user_attrs.get(TEST)
    if kept is not None and kept["trial"] == best.number:
        return dict(kept["scores"])
    checkpoint = folder / f"trial-{best.number}.ckpt"
    if not checkpoint.exists():
        return {}  # another worker trained it, and has the weights
    scores = test(best.user_attrs["configuration"], checkpoint)
    ledger.study.set_user_attr(TEST, {"trial": best.number, "scores": scores})
    return scores


def print_best(console: Console, ledger: Ledger, best: FrozenTrial, tested: Mapping[str, float]) -> None:
    """Print the best score, the test scores, and what sets the configuration apart from the defaults."""
    settings = ledger.definition.settings
    console.print(f"\nBest {settings.metric} {best.value:.5g}, trial {best.number}", style="bold green", highlight=False)
    for name, value in tested.items():
        console.print(f"  {name} {value:.5g}", highlight=False)
    changed = differences(ledger.definition.space, best.params)
    if not changed:
        console.print("It is the default configuration.")
        return
    table = Table("parameter", "default", "best", box=None, pad_edge=False, header_style="dim")
    for row in changed:
        table.add_row(row.name, _shown(row.default), _shown(row.value))
    console.print(table)


def _shown(value: Value | None) -> str:
    return "-" if value is None else show_value(value)


def _seconds(ledger: Ledger) -> float:
    return float(sum(trial.user_attrs.get("seconds", 0.0) for trial in ledger.trials()))


def _print_next(console: Console, ledger: Ledger, folder: Path | None, *, again: str, finished: bool) -> None:
    if folder is not None:
        console.print(f"Written: {folder}/best.yaml, {folder}/report.html", highlight=False, soft_wrap=True)
    if not finished:
        console.print(f"Resume: {again}", highlight=False, soft_wrap=True)
        return
    console.print(f"Next: tuner best {ledger.name}", highlight=False)
    console.print(f"      tuner status {ledger.name}", highlight=False)
    console.print(f"      {again} --trials {2 * ledger.slots.budget().total}", highlight=False, soft_wrap=True)
