"""Paused trials that really train: what goes on ends as if it had never been paused."""

from pathlib import Path

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.proposing.seeds import training_seed
from studies.trials.outcomes import Outcome
from tests.tuner.training.by_processes import train
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import work
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Fit

pytestmark = IN_MEMORY

STUDY = """
study: {name: pausing, metric: val_loss, trials: 8, seed: 4, exploration: 0.25, score: last}
trainer: {max_epochs: 6}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
pruner: {class_path: studies.proposing.pausing.PausingPruner, init_args: {rungs: 2}}
"""


def test_no_trial_that_was_paused_ends_otherwise_than_one_that_was_not(tmp_path: Path) -> None:
    """Each completed trial has the curve of one plain training; each epoch is paid once; no file is left."""
    definition = prepare(parse_study_file(STUDY, source="pausing.yaml"))
    ledger = create(open_database(f"sqlite:///{tmp_path}/tuner.db"), definition, STUDY)
    work(ledger, tmp_path)
    furthest = {record.slot: record for record in ledger.records()}
    completed = [record for record in furthest.values() if record.outcome is Outcome.COMPLETED]
    assert any((record.attempt or 0) > 1 for record in completed), "none was taken up again and ended"
    for record in completed:
        seed = training_seed(definition, record.slot or 0)
        plain = train(Assignment(record.configuration or {}, seed, Objective("val_loss", score="last")))
        assert isinstance(plain, Fit)
        assert tuple(record.curve.values()) == plain.scores
    assert {max(record.curve) for record in furthest.values()} == {2, 4, 6}
    assert status_of(ledger).epochs == sum(max(record.curve) for record in furthest.values())
    assert ledger.slots.budget().done == len(furthest) == 8
    assert not list((tmp_path / "checkpoints").iterdir())
    assert all(record.anew is None for record in ledger.records())


def test_a_rung_within_an_epoch_pauses_at_its_end(tmp_path: Path) -> None:
    """What is said of a later validation of the epoch does not undo it."""
    text = STUDY.replace("max_epochs: 6", "max_epochs: 5, val_check_interval: 0.5").replace(
        "rungs: 2", "rungs: 1"
    )
    definition = prepare(parse_study_file(text, source="pausing.yaml"))
    ledger = create(open_database(f"sqlite:///{tmp_path}/tuner.db"), definition, text)
    work(ledger, tmp_path)
    furthest = {record.slot: record for record in ledger.records()}
    assert {max(record.curve) for record in furthest.values()} == {8, 10}  # the rung stands at the seventh
