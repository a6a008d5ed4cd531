"""`tuner validate` says beforehand whether the trials are too few."""

import json

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

STUDY = """
study: {name: small, metric: val_loss, trials: %d, threads: 1}
trainer: {max_epochs: 1}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
"""


@pytest.mark.parametrize(("trials", "said"), [(12, True), (20, False)])
def test_too_few_trials_are_named_before_they_are_spent(
    tuner: CommandLine, trials: int, *, said: bool
) -> None:
    """A study of twelve trials is told that its parameter needs twenty, and one of twenty is told nothing."""
    tuner.write("small.yaml", STUDY % trials)
    answer = tuner("validate small.yaml")
    assert answer.code == 0, answer.err
    text = " ".join(answer.out.split())
    assert ("may be too few to say what mattered: 1 parameter needs some 20 trials" in text) is said
    assert answer.out.splitlines()[-1] == "Next: tuner run small.yaml"
    told = json.loads(tuner("validate small.yaml --json").out)
    assert (told["trials"], told["trials_needed"]) == (trials, 20)


def test_the_trainings_of_repeats_are_counted_beforehand(tuner: CommandLine) -> None:
    """A study of twelve trials on three seeds each is told that it makes 36 trainings."""
    tuner.write("small.yaml", STUDY.replace("threads", "repeats: {seeds: 3}, threads") % 12)
    answer = tuner("validate small.yaml")
    assert "12 trials of up to 3 trainings, 36 in all, which minimize val_loss." in " ".join(
        answer.out.split()
    )
    assert json.loads(tuner("validate small.yaml --json").out)["trainings"] == 36
