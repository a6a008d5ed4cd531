"""`tuner interactions --fix` and what `tuner importance` says of the best configurations."""

import json

import optuna
import pytest

from tests.tuner.command_line import CommandLine


@pytest.fixture
def theirs(tuner: CommandLine) -> CommandLine:
    """A folder with a study whose second option loses .3."""
    study = optuna.create_study(
        study_name="theirs", storage="sqlite:///tuner.db", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(_objective, n_trials=25)
    return tuner


def _objective(trial: optuna.Trial) -> float:
    level = 0.3 * (trial.suggest_categorical("kind", ["a", "b"]) == "b")
    return level + 1 + (trial.suggest_float("rate", 0.0, 1.0) - 0.4) ** 2


def test_the_loss_of_a_fixed_option_is_a_sentence_and_json(theirs: CommandLine) -> None:
    """Both say that the worse option loses about .3 of the metric's own unit."""
    told = theirs("interactions theirs --fix kind=b")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("With kind = b the best expected objective is")
    fixed = json.loads(theirs("interactions theirs --fix kind=b --json").out)["fixed"]
    assert fixed["loss"] == pytest.approx(0.3, abs=0.05)
    assert fixed["low"] <= 0.3 <= fixed["high"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("kind=z", "--fix kind=z: z is no option of kind; write kind=a, kind=b."),
        ("rate=7", "--fix rate=7: rate must be a number from"),
        ("rate=fast", "--fix rate=fast: rate must be a number from"),
        ("rte=0.1", "The space holds no parameter 'rte'; did you mean rate?"),
        ("kind=a --fix kind=b", "--fix kind=b: kind is named twice; name each parameter once."),
    ],
)
def test_what_cannot_be_fixed_is_refused(theirs: CommandLine, given: str, sentence: str) -> None:
    """An option, a range or a name that the study does not have ends with a sentence and exit code 2."""
    refused = theirs(f"interactions theirs --fix {given}")
    assert refused.code == 2
    assert refused.sentence.startswith(sentence)


def test_importance_tells_what_matters_near_the_best(theirs: CommandLine) -> None:
    """The shares near the best stand beside the global ones, in words and as JSON."""
    assert "Near the best" in theirs("importance theirs").out
    near = json.loads(theirs("importance theirs --json").out)["near_best"]
    assert {row["name"] for row in near["main"]} == {"kind", "rate"}


def test_figures_that_cannot_be_written_are_refused(theirs: CommandLine) -> None:
    """A folder below a file ends with a sentence that names the option; one that can be made is filled."""
    theirs.write("taken", "a file")
    refused = theirs("report theirs --figures taken/below")
    assert refused.code == 2
    assert refused.sentence.startswith("--figures: ")
    told = json.loads(theirs("report theirs --figures figures --json").out)
    assert told["figures"] == "figures"
    assert list((theirs.folder / "figures").glob("*.csv"))
