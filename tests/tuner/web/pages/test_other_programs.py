"""Pages of studies that another program made."""

import re
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial

from tests.tuner.web.pages.test_answers import page
from tests.tuner.web.served import served


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_choices_of_any_kind_have_a_page(tmp_path: Path) -> None:
    """What another program chose from nothing, numbers and lists is drawn, each as an option."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    study = optuna.create_study(storage=url, study_name="odd")
    depth = CategoricalDistribution([None, 3, 5])
    widths = CategoricalDistribution([[64], [128, 64]])  # type: ignore[list-item]
    for chosen in ({"depth": None, "widths": [64]}, {"depth": 5, "widths": [128, 64]}):
        study.add_trial(
            create_trial(value=1.0, params=chosen, distributions={"depth": depth, "widths": widths})
        )
    with served(url) as server:
        text = page(server, "/studies/odd")
    figure = text.partition('<svg class="parallel"')[2].partition("</svg>")[0]
    assert {"None", "5", "[64]", "[128, 64]"} <= set(re.findall(r'class="value">([^<]*)<', figure))


def test_the_best_of_another_program_breaks_no_constraint(tmp_path: Path) -> None:
    """Of a study with constraints the best trial is the one that Optuna calls so."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    study = optuna.create_study(storage=url, study_name="held")
    for score, violation in enumerate((1.0, -1.0, 0.0)):
        study.add_trial(create_trial(value=float(score), system_attrs={"constraints": [violation]}))
    with served(url) as server:
        text = page(server, "/studies/held")
    best = re.sub("<[^>]*>", " ", text.partition("<dt>best")[2].partition("</div>")[0])
    assert f"trial {study.best_trial.number}" in best
