"""What a trial trained follows from the study's definition, whatever stands among the trial's attributes."""

from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial

from search_spaces.configuration import configure
from search_spaces.suggest import distributions
from studies.errors import UnusableStudy
from studies.proposing.exploration import exploration_point
from studies.trials.record import TrialRecord
from studies.trials.trained import trained
from tests.studies.samples import sample_definition

DEFINITION = sample_definition()
HOSTILE = {"model": {"class_path": "os.system", "init_args": {"command": "id"}}}


def trial_with(values: dict[str, Any], **others: Any) -> TrialRecord:
    """Make a trial of some values, whose attributes tell of another configuration."""
    known = {name: of for name, of in distributions(DEFINITION.space).items() if name in values}
    trial = create_trial(
        value=0.5,
        params=values | {name: value for name, (value, _) in others.items()},
        distributions=known | {name: of for name, (_, of) in others.items()},
        user_attrs={"configuration": HOSTILE},
    )
    return TrialRecord.of(trial)


@pytest.mark.parametrize("index", range(8))
def test_an_attribute_is_not_trained(index: int) -> None:
    """What is tested and exported is what the definition makes of the trial's values."""
    values = exploration_point(DEFINITION.space, index=index, seed=3)
    assert trained(DEFINITION, trial_with(values)) == configure(DEFINITION.fixed, DEFINITION.space, values)


@pytest.mark.parametrize("name", sorted(exploration_point(DEFINITION.space, index=0, seed=3)))
def test_a_value_of_another_space_is_refused(name: str) -> None:
    """A trial with a value that the space does not hold is none of the study, and nothing is made of it."""
    values = exploration_point(DEFINITION.space, index=0, seed=3)
    other = {name: ("os.system", CategoricalDistribution(("os.system", "id")))}
    with pytest.raises(UnusableStudy, match="is no trial of this study"):
        trained(DEFINITION, trial_with({key: values[key] for key in values if key != name}, **other))
    with pytest.raises(UnusableStudy, match="is no trial of this study"):
        trained(DEFINITION, trial_with({key: values[key] for key in values if key != name}))
