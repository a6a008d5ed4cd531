"""The best trials on fresh seeds: each trained again as often as asked, and the best mean wins."""

from dataclasses import replace
from math import inf

import pytest

from studies.database.open import Database
from studies.errors import StudyChanged, UnknownTrial
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.confirmation import SUFFIX, chosen, confirm, confirmed, confirming
from tests.studies.lives import answer
from tests.studies.samples import sample_definition


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A study whose trials 1 and 2 are the best of four."""
    made = create(database, sample_definition(trials=4, exploration=1.0), "")
    answer(made, [3.0, 1.0, 2.0, 4.0])
    return made


def test_each_of_the_best_is_trained_on_the_same_fresh_seeds(ledger: Ledger) -> None:
    """The repeats go through the best trials in turns, with their values; a turn has one seed, a new one."""
    repeats = answer(confirm(ledger, top=2, seeds=2), [1.0] * 4)
    best, second = ledger.trial(1).params, ledger.trial(2).params
    assert [dict(repeat.values) for repeat in repeats] == [best, second, best, second]
    assert [repeat.seed == repeats[0].seed for repeat in repeats] == [True, True, False, False]


def test_the_best_mean_on_fresh_seeds_is_recommended(ledger: Ledger) -> None:
    """A trial that was second in the study wins if its mean is better; its best repeat is what is kept."""
    repeating = confirm(ledger, top=2, seeds=2)
    answer(repeating, [5.0, 2.5, 7.0, 1.5])
    first, second = confirmed(ledger)
    assert (first.trial.number, first.mean, second.trial.number, second.mean) == (2, 2.0, 1, 6.0)
    assert first.deviation == pytest.approx(0.5**0.5)
    choice = chosen(ledger)
    assert choice is not None
    assert (choice.original.number, choice.trial.number, choice.ledger.name) == (2, 3, repeating.name)
    assert [leader.number for leader in repeating.leaders()] == [3, 0]


def test_a_candidate_that_diverges_once_is_not_recommended(ledger: Ledger) -> None:
    """Training that fails on one seed of two loses to any that does not."""
    answer(confirm(ledger, top=2, seeds=2), [0.1, 9.0, None, 9.0])
    assert [(candidate.trial.number, candidate.mean) for candidate in confirmed(ledger)] == [
        (2, 9.0),
        (1, inf),
    ]
    choice = chosen(ledger)
    assert choice is not None
    assert choice.original.number == 2


def test_nothing_is_confirmed_before_every_repeat_has_ended(ledger: Ledger) -> None:
    """Half a confirmation recommends nothing; more seeds add repeats to those that are there."""
    answer(confirm(ledger, top=2, seeds=2), [5.0, 1.0, 5.0])
    assert confirmed(ledger) == []
    choice = chosen(ledger)
    assert choice is not None
    assert (choice.trial.number, choice.candidate) == (1, None)
    answer(confirm(ledger, top=2, seeds=3), [1.0, 5.0, 1.0])
    assert [len(candidate.scores) for candidate in confirmed(ledger)] == [3, 3]


def test_a_better_trial_found_since_asks_for_another_confirmation(ledger: Ledger, database: Database) -> None:
    """What confirmed the old best says nothing of the new one, and gives way to it."""
    answer(confirm(ledger, top=2, seeds=1), [5.0, 1.0])
    ledger.slots.grow(5, exploration=1.0)
    answer(ledger, [0.5])
    assert confirmed(ledger) == []
    repeating = confirm(ledger, top=2, seeds=1)
    assert repeating.slots.budget().done == 0
    answer(repeating, [1.0, 2.0])
    assert [candidate.trial.number for candidate in confirmed(ledger)] == [4, 1]


def test_a_study_of_the_user_s_by_that_name_is_not_touched(database: Database) -> None:
    """A study that only happens to be called so is no confirmation, and is not replaced by one."""
    definition = sample_definition(trials=1)
    ledger = create(database, definition, "")
    settings = replace(definition.settings, name=ledger.name + SUFFIX)
    other = create(database, replace(definition, settings=settings), "")
    answer(ledger, [1.0])
    with pytest.raises(StudyChanged, match="confirms no other"):
        confirm(ledger, top=1, seeds=1)
    assert other.is_there()
    assert confirming(database, ledger.name) is None


def test_a_study_without_a_score_has_nothing_to_confirm(database: Database) -> None:
    """Where every trial diverged there is none to train again."""
    ledger = create(database, sample_definition(trials=1), "")
    answer(ledger, [None])
    with pytest.raises(UnknownTrial, match="no completed trial"):
        confirm(ledger, top=3, seeds=2)
