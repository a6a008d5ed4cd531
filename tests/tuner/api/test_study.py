"""`tuner.Study`: what the commands do, from Python."""

import json
from pathlib import Path

import pytest

import tuner as package
from studies.errors import UnknownStudy
from studies.trials.outcomes import Outcome
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner import Manner, Study
from tuner.errors import Refused

pytestmark = IN_MEMORY

STUDY = """
study: {name: small, metric: val_loss, trials: 4, exploration: 0.5}
trainer: {max_epochs: 2, accelerator: cpu}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 64, type: int, default: 4}}}
"""


def made(tuner: CommandLine, **changes: object) -> Study:
    """Make the small study in the command line's folder."""
    tuner.write("small.yaml", STUDY)
    return Study.create(tuner.folder / "small.yaml", storage=None, **changes)  # type: ignore[arg-type]


def test_python_and_the_command_make_the_same_trials(tuner: CommandLine) -> None:
    """A study that Python runs has the values, curves and best trial of the one that the command runs."""
    study = made(tuner, name="python")
    status = study.run()
    assert (status.done, status.trials["complete"] + status.trials["pruned"]) == (4, 4)
    assert tuner("run small.yaml --name command --quiet").code == 0
    ours, theirs = study.trials(), Study.open("command").trials()
    assert [(trial.values, trial.curve) for trial in ours] == [
        (trial.values, trial.curve) for trial in theirs
    ]
    best = study.best()
    assert best is not None
    assert best.trial.number == json.loads(tuner("best command --json").out)["number"]
    told = json.loads(tuner("status python --json").out)
    assert told.pop("provenance")["code"]  # the command adds where the results come from, and the notes
    assert told.pop("notes") is None
    assert study.status().to_data() == told


def test_a_study_goes_on_is_confirmed_written_and_deleted(tuner: CommandLine) -> None:
    """What was made once is opened, gets more slots, is confirmed, told of, and removed."""
    study = made(tuner, trials=2, rehearses=False)
    study.run(Manner(output=tuner.folder / "out"))
    study.stop()
    again = Study.open("small")
    assert again.status().stopped is not None
    assert again.run(Manner(output=tuner.folder / "out"), trials=3).done == 3
    candidates = again.confirm(top=2, seeds=2, manner=Manner(output=tuner.folder / "out"))
    assert [len(candidate.scores) for candidate in candidates] == [2, 2]
    again.export(tuner.folder / "best.yaml")
    assert "tests.tuner.small_modules.Small" in (tuner.folder / "best.yaml").read_text()
    again.report(tuner.folder / "report.html")
    assert "3 of 3 slots are spent" in (tuner.folder / "report.html").read_text()
    again.delete()
    for name in ("small", "small-confirmed"):
        with pytest.raises(UnknownStudy):
            Study.open(name)


def test_what_cannot_be_is_refused_in_a_sentence(tuner: CommandLine) -> None:
    """A name that is no file, and a best trial that is not there yet, are told as such."""
    with pytest.raises(Refused, match="no study file and no shipped study"):
        Study.create("nothing")
    with pytest.raises(Refused, match="no completed trial yet"):
        made(tuner, rehearses=False).export(Path("best.yaml"))
    with pytest.raises(AttributeError, match="no attribute 'Studies'"):
        package.Studies  # noqa: B018


def test_the_best_is_none_while_no_trial_is_completed(tuner: CommandLine) -> None:
    """A study of which nothing has run says so by values, not by errors."""
    study = made(tuner, rehearses=False)
    assert (study.best(), study.trials(), study.is_spent) == (None, [], False)
    assert study.status().trials["waiting"] == 4
    assert not any(study.status().trials[key] for key in ("complete", Outcome.FAILED.value))
