"""What the sections of a study file may not ask for together."""

import pytest

from tests.studies.definition.test_study_file import refused

PAUSING = "studies.proposing.pausing.PausingPruner"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "study: {name: a, metric: a, epochs: 8.5}",
            "study.epochs: must pay for one training, which is 9 epochs by the trainer section, but got 8.5.",
        ),
        (
            "study: {name: a, metric: a, repeatable: 2}\nsampler: optuna.samplers.NSGAIISampler",
            "sampler: NSGAIISampler does not answer alike on every run, as study.repeatable wants it",
        ),
        (
            "study: {name: a, metric: a, repeatable: 2}\npruner: optuna.pruners.HyperbandPruner",
            "pruner: HyperbandPruner does not answer alike on every run",
        ),
        (
            "study: {name: a, metric: a, repeatable: 2}\npruner: " + PAUSING,
            "pruner: PausingPruner does not answer alike on every run",
        ),
        (
            f"study: {{name: a, metric: a}}\npruner: {{class_path: {PAUSING}, init_args: {{share: 1}}}}",
            f"pruner: {PAUSING} cannot be made: share must be more than 0 and less than 1, but got 1",
        ),
    ],
)
def test_sections_that_do_not_go_together(lines: str, said: str) -> None:
    """A budget below one training, and what would not answer alike on every run, are refused."""
    rest = "trainer: {max_epochs: 9}\nmodel: {class_path: package.Model}\nspace: {use: recipe.quick}"
    assert refused(f"{lines}\n{rest}").startswith(f"a.yaml: {said}")
