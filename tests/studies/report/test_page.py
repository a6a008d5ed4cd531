"""The report: one file that needs nothing else, figures that say what they show, and text that stays text."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import optuna
import pytest

from search_spaces.space.nodes import Categorical, Float, Group
from search_spaces.space.parameters import parameters
from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.report.drawing.axes import log_ticks, score_axis
from studies.report.drawing.figures import (
    axis_of_trials,
    best_so_far,
    curves_figure,
    progress_figure,
    slice_figure,
)
from studies.report.page import render_report, write_report
from studies.report.subject import level_in_words, subject_of_ledger
from studies.running.confirmation import Candidate
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.studies.lives import begun
from tests.studies.samples import sample_definition

EVIL = "<b>a & b</b>"
SPACE = Group(
    {
        "model.init_args.rate": Float(1e-5, 1.0, log=True, unit="1 / <step>"),
        "model.init_args.kind": Categorical((EVIL, "plain")),
    }
)
OUTCOMES: tuple[tuple[Outcome, list[float]], ...] = (
    (Outcome.COMPLETED, [3.0, 2.0, 1.0]),
    (Outcome.COMPLETED, [3.0, 0.5, 0.4]),
    (Outcome.PRUNED, [5.0]),
    (Outcome.DIVERGED, []),
    (Outcome.FAILED, []),
    (Outcome.COMPLETED, [2.0, 1.5, 1e6]),
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Give a study with a trial of each kind, whose names hold what HTML would take for markup."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('report')}/tuner.db")
    definition = sample_definition(space=SPACE, name="reported", metric=EVIL, trials=8, exploration=1.0)
    made = create(database, definition, "")
    for outcome, curve in OUTCOMES:
        running = begun(made)
        for step, score in enumerate(curve, start=1):
            running.trial.report(score, step)
        final = curve[-1] if outcome is Outcome.COMPLETED else None
        tell(made, running, outcome, final, {"cause": "x < y"} if outcome is Outcome.FAILED else {})
    database.engine.dispose()
    return made


@pytest.fixture(scope="module")
def html(ledger: Ledger) -> str:
    """Give the report as HTML."""
    return render_report(subject_of_ledger(ledger))[0]


class Reader(HTMLParser):
    """Collects the tags, addresses and text of a page, without what stands in scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and what it refers to."""
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        """Note text."""
        if self.tags[-1:] not in (["script"], ["style"]):
            self.text += data


def read(page: str) -> Reader:
    """Parse a page."""
    reader = Reader()
    reader.feed(page)
    return reader


def test_a_report_refers_to_nothing(html: str) -> None:
    """No tag loads anything, from the network or beside the file; the next study is in the page itself."""
    found = read(html)
    assert [address.partition(",")[0] for address in found.addresses] == ["data:text/yaml;base64"]
    assert "link" not in found.tags
    assert "iframe" not in found.tags
    assert "script" not in found.tags
    assert len(html.encode()) < 1_500_000


def test_names_stay_text(html: str) -> None:
    """A metric, a value, a unit and a cause with `<` and `&` are shown as they are."""
    found = read(html)
    assert "b" not in found.tags
    assert f"Best {EVIL}: 0.4, trial 1 (minimized)." in " ".join(found.text.split())
    assert f"model.init_args.kind={EVIL}" in found.text
    assert "x < y" in found.text


def test_every_figure_names_its_axes(ledger: Ledger) -> None:
    """Axes carry the name, the unit and the scale, in figures that markup cannot enter."""
    trials, best = ledger.records(), ledger.best()
    axis = axis_of_trials(trials, EVIL, minimizes=True)
    rate, kind = parameters(SPACE)
    metric = "&lt;b&gt;a &amp; b&lt;/b&gt; (log scale)"
    for figure, name in (
        (progress_figure(trials, axis), "trial (number)"),
        (curves_figure(trials, EVIL, best, minimizes=True), "validation (number)"),
        (slice_figure(trials, rate, axis, best), "rate (1 / &lt;step&gt;)"),
        (slice_figure(trials, kind, axis, best), "kind"),
    ):
        assert figure.layout.xaxis.title.text == name
        assert figure.layout.yaxis.title.text == metric
    assert figure.layout.xaxis.categoryarray == ("&lt;b&gt;a &amp; b&lt;/b&gt;", "plain")


def test_every_ended_trial_has_its_mark(ledger: Ledger) -> None:
    """Completed, pruned and diverged trials are drawn; those without a score on the edge."""
    trials = ledger.records()
    axis = axis_of_trials(trials, "loss", minimizes=True)
    assert axis.high < 1e6
    traces = progress_figure(trials, axis).data
    drawn = {trace.name: list(zip(trace.x, trace.y, strict=True)) for trace in traces}
    assert drawn["completed"] == [(0, 1.0), (1, 0.4), (5, axis.high)]
    assert drawn["pruned"] == [(2, 5.0)]
    assert drawn["diverged"] == [(3, axis.high)]
    assert drawn["best so far"] == [(0, 1.0), (1, 0.4), (5, 0.4), (5, 0.4)]


def test_the_best_so_far_follows_the_direction(ledger: Ledger) -> None:
    """The line of the best falls where scores are minimized and rises where they are maximized."""
    assert best_so_far(ledger.records(), minimizes=True) == ([0, 1, 5], [1.0, 0.4, 0.4])
    assert best_so_far(ledger.records(), minimizes=False) == ([0, 1, 5], [1.0, 1.0, 1e6])
    limited = [
        replace(each, violations={"size": 1.0} if each.number == 1 else {}) for each in ledger.records()
    ]
    assert best_so_far(limited, minimizes=True) == ([0, 5], [1.0, 1.0])


def test_an_axis_shows_the_good_end_whole() -> None:
    """The fence cuts only the worse side and what lies far out; scores over decades are on a log scale."""
    ordinary = [0.5, 0.6, 0.7, 0.8]
    whole = score_axis("a", ordinary, minimizes=True)
    assert (whole.low, whole.high) == (0.5, 0.8)
    loss = score_axis("a", [*ordinary, 900.0], minimizes=True)
    assert loss.log
    assert loss.low == pytest.approx(0.5)
    assert 0.8 < loss.high < 2.0
    assert loss.place(900.0) == loss.place(None) == loss.place(float("nan")) == loss.high
    accuracy = score_axis("a", [*ordinary, -5.0], minimizes=False)
    assert not accuracy.log
    assert accuracy.high == 0.8
    assert 0.0 < accuracy.low < 0.5
    assert accuracy.place(None) == accuracy.place(-5.0) == accuracy.low
    assert score_axis("a", [], minimizes=True).place(None) == 1.0
    assert score_axis("a", [float("inf"), 2.0], minimizes=True).place(float("inf")) == 2.0


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1e-5, 1e-1, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
        (1e-7, 1e1, [1e-7, 1e-5, 1e-3, 1e-1, 1e1]),
        (0.05, 0.7, [0.05, 0.1, 0.2, 0.5]),
        (3.0, 3.0, []),
    ],
)
def test_ticks_of_a_log_axis(low: float, high: float, ticks: list[float]) -> None:
    """Ticks stand at round numbers inside the range, few enough to be read."""
    assert log_ticks(low, high) == ticks


def test_an_empty_study_has_a_report(tmp_path: Path) -> None:
    """Before any trial has ended the report says so."""
    database = open_database(f"sqlite:///{tmp_path}/tuner.db")
    ledger = create(database, sample_definition(trials=3), "")
    write_report(subject_of_ledger(ledger), tmp_path / "folder" / "report.html")
    database.engine.dispose()
    text = " ".join(read((tmp_path / "folder" / "report.html").read_text(encoding="utf-8")).text.split())
    assert "No trial is completed yet. 0 of 3 slots are spent." in text


def test_a_browser_draws_every_figure(html: str, tmp_path: Path) -> None:
    """Opened in a browser without a network, the report shows all its figures."""
    # `.ci/run` names one, so that the test is never skipped there.
    browser = (
        os.environ.get("TUNER_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if browser is None:
        pytest.skip("no chromium or google-chrome is installed to open the report in; see .ci/run")
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    shown = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=5000", "--dump-dom",
            (tmp_path / "report.html").as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert len(re.findall(r'<svg [^>]*role="img"', shown)) == 4
    assert "&lt;b&gt;a &amp; b&lt;/b&gt; (log scale)" in shown


@pytest.mark.parametrize(
    ("first", "second", "tied"),
    [
        ([0.030, 0.033, 0.0315], [0.029, 0.037, 0.0325], True),
        ([0.030, 0.031, 0.0305], [0.050, 0.051, 0.0520], False),
        ([0.030, 0.031, 0.0305], [0.030, float("inf"), 0.03], False),
        ([0.030], [0.090], True),
    ],
)
def test_a_tie_on_fresh_seeds_has_no_winner(first: list[float], second: list[float], tied: bool) -> None:  # noqa: FBT001
    """Candidates whose means differ by less than the noise are told to be level; a diverged one is not."""
    trial = TrialRecord.of(optuna.trial.create_trial(value=0.0))
    made = [Candidate(trial, (), scores) for scores in (first, second)]
    said = level_in_words(made)
    assert (said is not None) is tied
