"""`--where` and `--pair`: a part of the space, and two parameters that were asked for."""

import json
from pathlib import Path

import optuna
import pytest

from tests.tuner.command_line import CommandLine

REFUSED = (
    ("--pair only_a only_b", "only_a and only_b share no branch: only_a exists where kind is a"),
    ("--pair kind only_a", "kind and only_a: one of them exists on a branch of the other only"),
    ("--pair rate rate", "rate is one parameter"),
    ("--pair rate rte", "The space holds no parameter 'rte'; did you mean rate?"),
    ("--where rate=0.2..7", "--where rate=0.2..7: rate is a range, of which a part is written"),
    ("--where rate=0.5", "--where rate=0.5: rate is a range, of which a part is written"),
    ("--where kind=z", "--where kind=z: z is no option of kind; write kind=a, kind=b."),
    ("--where rate=.1..1 --where rate=.2..1", "--where rate=.2..1: rate is named twice"),
    ("--where kind=b --where only_a=0.1..0.9", "No configuration is where kind is b and only_a is"),
    ("--where rate=0.5..0.501", "Where rate is 0.5 to 0.501: The study has"),
)


@pytest.fixture
def theirs(tuner: CommandLine) -> CommandLine:
    """A folder with a study whose `rate` and `size` interact, beside the parameters of two branches."""
    study = optuna.create_study(
        study_name="theirs", storage="sqlite:///tuner.db", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(_objective, n_trials=40)
    return tuner


def _objective(trial: optuna.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["a", "b"])
    beside = trial.suggest_float("only_a" if kind == "a" else "only_b", 0.0, 1.0)
    rate, size = trial.suggest_float("rate", 0.0, 1.0), trial.suggest_float("size", 0.0, 1.0)
    return (rate - size) ** 2 + 0.1 * beside * (kind == "a")


def test_a_pair_that_was_asked_for_is_told_with_its_best_values(theirs: CommandLine) -> None:
    """The sentence says what depends on what, and JSON where the best value of one lies along the other."""
    told = theirs("interactions theirs --pair size rate")
    assert (told.code, told.err) == (0, "")
    assert "depends on" in told.out
    (pair,) = json.loads(theirs("interactions theirs --pair size rate --json").out)["asked"]
    assert set(pair["names"]) == {"rate", "size"}
    assert pair["low"] > 0
    for place in pair["best"]:
        if 0.2 < place["at"] < 0.8:
            assert place["value"] == pytest.approx(place["at"], abs=0.15)


def test_a_part_of_a_range_keeps_to_its_trials(theirs: CommandLine) -> None:
    """Only trials within count, and a range of a branch brings its branch with it."""
    found = json.loads(theirs("interactions theirs --where rate=0.2..0.9 --json").out)
    assert found["where"] == {"rate": {"low": 0.2, "high": 0.9}}
    study = optuna.load_study(study_name="theirs", storage="sqlite:///tuner.db")
    assert found["trials_used"] == sum(0.2 <= trial.params["rate"] <= 0.9 for trial in study.trials)
    inside = json.loads(theirs("interactions theirs --where only_a=0.05..0.9 --json").out)
    assert {each["name"] for each in inside["main"]} == {"only_a", "rate", "size"}


def test_a_report_keeps_to_the_part_and_draws_the_pair(theirs: CommandLine) -> None:
    """The page says which part it is about, and shows a pair that interacts little, too."""
    told = theirs("report theirs --where size=0..0.9 --pair kind rate --output part.html")
    assert (told.code, told.err) == (0, "")
    page = (theirs.folder / "part.html").read_text()
    assert "Only the part of the space where size is 0 to 0.9" in page
    assert ">kind x rate<" in page or ">rate x kind<" in page


def test_what_cannot_be_looked_at_is_refused(theirs: CommandLine) -> None:
    """A pair without a branch, or a part that is none, ends with a sentence and exit code 2."""
    before = set(Path(theirs.folder).iterdir())
    for given, sentence in REFUSED:
        for command in ("interactions", "report"):
            refused = theirs(f"{command} theirs {given}")
            assert (refused.code, given) == (2, given)
            assert refused.sentence.startswith(sentence)
    assert set(Path(theirs.folder).iterdir()) == before  # nothing was written
