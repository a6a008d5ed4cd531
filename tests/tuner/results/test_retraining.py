"""Which weights count as those of a winner that was trained again. Its ledger is real, and nothing trains."""

import pytest

from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.retraining import retrain
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

STUDY = """
study: {name: mine, metric: val_loss, trials: 2}
trainer: {max_epochs: 2}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 800, type: int}}}
"""


def end(ledger: Ledger, score: float | None) -> None:
    """Let a trial end with a score, or diverge."""
    outcome = Outcome.DIVERGED if score is None else Outcome.COMPLETED
    assert tell(ledger, begun(ledger), outcome, score, {})


@pytest.fixture
def mine(tuner: CommandLine) -> Ledger:
    """A study with a winner, and a slot that is free."""
    definition = define(parse_study_file(STUDY, source="mine"), lambda *_: None)
    ledger = create(open_database("sqlite:///tuner.db"), definition, STUDY)
    end(ledger, 1.0)
    return ledger


def test_a_retraining_of_an_older_winner_is_passed_over(tuner: CommandLine, mine: Ledger) -> None:
    """Weights that were trained again count while they are of the winner; then a line says what to type."""
    end(retrain(mine, seeds=1, fixed=mine.definition.fixed, last=False), 1.1)
    assert "The weights of trial 0 of 'mine-retrained' are not in" in tuner("predict mine rows.csv").sentence
    end(mine, 0.1)
    older, refused = tuner("predict mine rows.csv").err.splitlines()
    assert older == (
        "'mine-retrained' trains an older winner, trial 0, and is passed over, since the best is trial "
        "1 now; `tuner retrain mine` trains that."
    )
    assert "The weights of trial 1 of 'mine' are not in" in refused


def test_trainings_that_all_diverged_are_no_result(tuner: CommandLine, mine: Ledger) -> None:
    """The original trial is not told as if it had been trained again."""
    again = retrain(mine, seeds=2, fixed=mine.definition.fixed, last=False)
    end(again, None)
    end(again, None)
    answer = tuner("retrain mine --seeds 2")
    assert (answer.code, answer.out) == (2, "")
    assert answer.sentence.startswith(
        "No training of 'mine-retrained' has a score, so there are no weights: "
    )
    assert "2 diverged; `tuner trial mine-retrained 0` shows" in answer.sentence
