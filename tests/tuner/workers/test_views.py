"""Whoever shows a study counts, names and draws its trials alike: all follow one table of outcomes."""

import html
import json
import re
from collections import Counter
from io import StringIO

import pytest
from rich.console import Console

from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.report.drawing.figures import MARKS
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.outcomes import EFFECTS, Outcome, count_name
from tests.studies.lives import begun
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner.results.summary import conclude
from tuner.terminal.live_view import LineView, LiveView
from tuner.terminal.next_steps import OUTPUT, Request
from tuner.workers.events import ShownTrial, TrialEnded, TrialScored, TrialStarted

pytestmark = IN_MEMORY

STUDY = """
study: {name: every, metric: val_loss, trials: 30, retry: false, exploration: 1.0}
trainer: {max_epochs: 9}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
"""
# So many trials of each, so that no two counts are the same by chance.
COUNTS = {outcome: number for number, outcome in enumerate(Outcome, start=1)}
KEYS = {count_name(outcome): count for outcome, count in COUNTS.items()}
SPENT = sum(count for outcome, count in COUNTS.items() if EFFECTS[outcome].spends_slot)
PAUSED = COUNTS[Outcome.PAUSED]
WORDS = ", ".join(f"{count} {key.replace('_', ' ')}" for key, count in KEYS.items())


@pytest.fixture
def every(tuner: CommandLine) -> Ledger:
    """A study of this folder whose trials have ended in every way, each after two validations."""
    definition = define(parse_study_file(STUDY, source="every"), lambda *_: None)
    ledger = create(open_database("sqlite:///tuner.db"), definition, STUDY)
    for outcome, count in COUNTS.items():
        for _ in range(count):
            running = begun(ledger)
            for step in (1, 2):
                report(running, step, 0.5)
            score = 0.25 if outcome is Outcome.COMPLETED else None
            assert tell(ledger, running, outcome, score, {})
    return ledger


def test_every_view_counts_every_outcome_alike(every: Ledger, tuner: CommandLine) -> None:
    """Status, list, live view, the end of a run and the report agree with each other and with the table."""
    status = json.loads(tuner("status every --json").out)
    (listed,) = json.loads(tuner("list --json").out)
    assert status["trials"] == listed["trials"] == {**KEYS, "running": 0, "waiting": 30 - SPENT - PAUSED}
    assert status["spent"]["slots"] == SPENT
    assert tuner("status every").out.splitlines()[:2] == [f"every: {SPENT} of 30 slots are spent", WORDS]
    row = tuner("list").out.splitlines()[1]
    others = WORDS.split(", ", 2)[2]
    assert re.fullmatch(rf"every +30 +1 +2 +0 +{others} +val_loss 0.25", row.rstrip())
    assert WORDS in drawn(LiveView(every))
    tuner.capture.readouterr()
    folder = tuner.folder / "runs/every"
    folder.mkdir(parents=True)
    conclude(every, folder, Request("every", None, (), None, OUTPUT, None), quiet=True)
    assert f"\n{SPENT} of 30 slots are spent: {WORDS}; " in tuner.capture.readouterr().out
    page = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert f"{SPENT} of 30 slots are spent: {WORDS}." in page
    cells = Counter(re.findall(r'<tr><td class="number">\d+</td><td>([a-z ]+)', page))
    assert cells == {outcome.value: count for outcome, count in COUNTS.items()}


def test_every_view_names_the_outcome_of_a_trial_alike(every: Ledger, tuner: CommandLine) -> None:
    """One word and one colour say how a trial ended, and how far it came if it has no score."""
    console = Console(file=StringIO(), width=200)
    view, live = LineView(every, console), LiveView(every)
    last = {
        json.loads(tuner(f"trial every {trial.number} --json").out)["outcome"]: trial.number
        for trial in every.trials()
    }
    for outcome in Outcome:
        shown = ShownTrial(last[outcome.value], {}, 0.0)
        score = 0.25 if outcome is Outcome.COMPLETED else None
        words = f"{outcome.value} 0.25" if score else f"{outcome.value} at 0.5 after 2 of 9"
        view(TrialScored(shown, 2, 0.5))
        live(TrialStarted(shown))
        live(TrialScored(shown, 2, 0.5))
        with console.capture() as capture:
            view(TrialEnded(shown, outcome, score))
        live(TrialEnded(shown, outcome, score))
        assert f"trial {shown.number} {words} in " in capture.get()
        line = live.render().renderables[-1]  # type: ignore[attr-defined] # a group of lines
        assert (str(line), line.style) == (f"trial {shown.number} {words}", EFFECTS[outcome].style)
        told = tuner(f"trial every {shown.number}").out
        assert told.startswith(f"trial {shown.number}: {outcome.value if score else words}, ")


def test_a_figure_draws_the_trials_that_spend_a_slot() -> None:
    """Each has a mark and a colour of its own, and so has one that waits; no other attempt is drawn."""
    drawn = {outcome for outcome in Outcome if EFFECTS[outcome].spends_slot or EFFECTS[outcome].pauses}
    assert set(MARKS) == drawn
    for marks in zip(*MARKS.values(), strict=True):
        assert len(set(marks)) == len(MARKS)


def drawn(view: LiveView) -> str:
    """Draw a live view in a wide terminal."""
    console = Console(file=StringIO(), width=200)
    with console.capture() as capture:
        console.print(view.render())
    return capture.get()
