"""The sampler of a slot: the study's own, seeded so that trials differ and a study can be repeated."""

from pathlib import Path

import pytest
from optuna.exceptions import ExperimentalWarning

from search_spaces.space.nodes import Float, Group, Prior
from studies.database.open import open_database
from studies.ledger.making import create
from studies.proposing.model import FEWEST
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.studies.samples import sample_definition

SPACE = Group({"model.init_args.rate": Float(0.0, 1.0)})


def sampled(tmp_path: Path, sampler: str, count: int) -> list[float]:
    """Give the values that a named sampler chooses in the slots after the first, the defaults."""
    database = open_database(f"sqlite:///{tmp_path}/tuner.db")
    config = {"class_path": f"optuna.samplers.{sampler}", "init_args": {}}
    definition = sample_definition(space=SPACE, sampler=config, trials=count + 1, exploration=0.0)
    ledger = create(database, definition, "")
    values = []
    while (running := ask(ledger, "worker")) is not None:
        values.append(float(running.values["model.init_args.rate"]))
        tell(ledger, running, Outcome.COMPLETED, values[-1], {})
    database.engine.dispose()
    return values[1:]


def test_a_study_without_a_sampler_is_led_by_priors_and_the_joint_model(tmp_path: Path) -> None:
    """Where its file names none, trials are drawn from the priors, and then proposed by the model."""
    prior = Prior(0.2, 0.05)
    space = Group({"model.init_args.rate": Float(0.0, 1.0, prior=prior)})
    ledger = create(
        open_database(f"sqlite:///{tmp_path}/tuner.db"),
        sample_definition(space=space, trials=FEWEST + 1, exploration=0.0),
        "",
    )
    while (running := ask(ledger, "worker")) is not None:
        tell(ledger, running, Outcome.COMPLETED, float(running.values["model.init_args.rate"]), {})
    records = sorted(ledger.records(), key=lambda record: record.number)
    assert [record.origin for record in records] == ["defaults", *["prior"] * (FEWEST - 1), "model"]
    assert all(abs(float(one.values["model.init_args.rate"]) - prior.centre) < 0.25 for one in records[1:-1])
    ledger.database.engine.dispose()


def test_a_random_sampler_differs_from_slot_to_slot(tmp_path: Path) -> None:
    """Each slot has a seed of its own, and the same study has the same seeds."""
    values = sampled(tmp_path, "RandomSampler", 8)
    assert len(set(values)) == 8
    assert sampled(tmp_path, "RandomSampler", 8) == values


def test_a_quasi_random_sampler_keeps_its_sequence(tmp_path: Path) -> None:
    """The slots of a quasi-random sampler share one scrambling, so eight points fall into eight eighths."""
    with pytest.warns(ExperimentalWarning, match="QMCSampler"):
        values = sampled(tmp_path, "QMCSampler", 8)
    assert sorted(int(8 * value) for value in values) == list(range(8))
