"""The contract of the ledger: made once, changed by nobody, deleted without a trace, on every database."""

from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from search_spaces.space import algebra
from search_spaces.space.algebra import narrow
from search_spaces.space.nodes import Float, Prior
from search_spaces.space.parameters import find
from studies.database.identity import DEFINITION, SOURCE
from studies.database.open import Database
from studies.errors import StudyChanged, UnknownStudy, UnknownTrial
from studies.ledger.budgets import Budget
from studies.ledger.ledger import Ledger
from studies.ledger.making import create, delete
from studies.ledger.opening import find_study, is_known, open_ledger
from studies.ledger.status import status_of
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.contracts.processes import create_and_grow, run_at_once
from tests.studies.lives import answer, begun
from tests.studies.samples import SPACE, sample_definition


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study of four slots."""
    return create(database, sample_definition(trials=4), "# the file\n")


def test_a_study_is_opened_by_its_name(ledger: Ledger, database: Database) -> None:
    """A URL and a name give the definition that was put in, and the file's verbatim text."""
    opened = open_ledger(database, ledger.name)
    assert opened.definition == ledger.definition
    assert opened.slots.ledger == ledger.slots.ledger
    assert opened.study.user_attrs[SOURCE] == "# the file\n"


def test_creating_again_opens_the_same_study(ledger: Ledger, database: Database) -> None:
    """The same definition gives the same study, with what it has spent."""
    answer(ledger, [1.0])
    again = create(database, ledger.definition, "# the file, with another comment\n")
    assert again.slots.ledger == ledger.slots.ledger
    assert again.slots.budget() == Budget(open=3, claimed=0, done=1)


def test_processes_that_create_at_once_make_one_study(url: str, database: Database) -> None:
    """Whoever comes first makes the study, and all of them work in that one."""
    definition = sample_definition(trials=5)
    assert len(set(run_at_once(3, create_and_grow, url, definition))) == 1
    assert open_ledger(database, definition.settings.name).slots.budget() == Budget(open=5, claimed=0, done=0)


def test_more_trials_add_slots_and_fewer_change_nothing(ledger: Ledger, database: Database) -> None:
    """The budget of a study may be raised by its file; what is there is never taken away."""
    for trials, total in ((6, 6), (2, 6)):
        definition = replace(ledger.definition, settings=replace(ledger.definition.settings, trials=trials))
        assert create(database, definition, "").slots.budget().total == total


def test_a_changed_definition_is_refused(ledger: Ledger, database: Database) -> None:
    """Any other change is refused by the key that changed, its two values, and the name to use instead."""
    settings = replace(ledger.definition.settings, seed=1, trials=9)
    with pytest.raises(StudyChanged) as refusal:
        create(database, replace(ledger.definition, settings=settings), "")
    assert str(refusal.value) == (
        f"The study {ledger.name!r} was made from another definition: study.seed was 0 and is 1; "
        f"run the new one under another name: --name {ledger.name}-2."
    )
    assert ledger.slots.budget().total == 4


def test_defaults_and_explanations_of_a_space_may_change(ledger: Ledger, database: Database) -> None:
    """A space that means the same is the same, whatever its defaults."""
    moved = replace(ledger.definition, space=narrow(SPACE, "optimizer.sgd.lr", default=0.5))
    again = create(database, moved, "")
    assert again.slots.ledger == ledger.slots.ledger
    assert again.definition.space == SPACE  # whose defaults the first slot has tried


def test_what_may_change_is_as_it_was_given_last(ledger: Ledger, database: Database) -> None:
    """Workers, status and report read settings and priors as the newest file has them."""
    settings = replace(ledger.definition.settings, confirm=2, retry=False, notes="new", epochs=500)
    rate = find(SPACE, "optimizer.sgd.lr").node
    assert isinstance(rate, Float)
    space = algebra.replace(SPACE, "optimizer.sgd.lr", replace(rate, prior=Prior(rate.low, 0.5)))
    create(database, replace(ledger.definition, settings=settings, space=space), "the newest text")
    stored = open_ledger(database, ledger.name)
    assert stored.definition.settings == settings
    assert stored.definition.space == space
    assert stored.study.user_attrs[SOURCE] == "the newest text"


def test_a_study_of_another_program_is_left_alone(database: Database) -> None:
    """A study with trials that are none of ours is neither taken over nor opened."""
    definition = sample_definition()
    name = definition.settings.name
    study = optuna.create_study(study_name=name, storage=database.storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(
        StudyChanged, match=f"that another program made; choose another name: --name {name}-2"
    ):
        create(database, definition, "")
    with pytest.raises(UnknownStudy, match="was made by another program"):
        open_ledger(database, name)
    assert DEFINITION not in study.user_attrs
    delete(database, name)
    assert not is_known(database, name)


def test_an_empty_study_of_the_other_direction_is_left_alone(database: Database) -> None:
    """A study that someone made for maximizing does not become one that minimizes."""
    definition = sample_definition()
    optuna.create_study(study_name=definition.settings.name, storage=database.storage, direction="maximize")
    with pytest.raises(StudyChanged, match=r"an empty study .* whose direction is maximize"):
        create(database, definition, "")


def test_an_unknown_study_is_named_with_the_nearest(ledger: Ledger, database: Database) -> None:
    """Asked for a study that is not there, the nearest name is offered."""
    with pytest.raises(UnknownStudy, match=rf"holds no study '{ledger.name}x'; did you mean {ledger.name}\?"):
        find_study(database, f"{ledger.name}x")


def test_an_unknown_trial_is_refused(ledger: Ledger) -> None:
    """A number that no trial has is answered with those that there are."""
    with pytest.raises(UnknownTrial, match="has no trial 0; it has none yet"):
        ledger.trial(0)
    answer(ledger, [1.0])
    assert ledger.trial(0).value == 1.0
    for number in (1, -1):
        with pytest.raises(UnknownTrial, match=f"has no trial {number}; its trials are 0 to 0"):
            ledger.trial(number)


def test_deleting_removes_everything(ledger: Ledger, database: Database) -> None:
    """A deleted study leaves no trial, no attribute and no slot, and its name is free again."""
    answer(ledger, [1.0])
    other = create(database, sample_definition(trials=3), "")
    delete(database, ledger.name)
    assert not is_known(database, ledger.name)
    assert ledger.slots.budget().total == 0
    assert other.slots.budget().total == 3
    again = create(database, ledger.definition, "")
    assert again.trials() == []
    assert again.slots.budget() == Budget(open=4, claimed=0, done=0)
    with pytest.raises(UnknownStudy):
        delete(database, f"{ledger.name}-none")


def test_a_worker_of_a_deleted_study_is_told(ledger: Ledger, database: Database) -> None:
    """Asking or telling in a study that the dashboard deleted is refused in one sentence."""
    running = begun(ledger)
    optuna.delete_study(study_name=ledger.name, storage=database.storage)
    with pytest.raises(UnknownStudy, match="has been deleted while it ran; start it again"):
        tell(ledger, running, Outcome.COMPLETED, 1.0, {})
    with pytest.raises(UnknownStudy, match="has been deleted while it ran; start it again"):
        ask(ledger, "worker")


def test_a_worker_does_not_follow_a_name_into_a_new_study(ledger: Ledger, database: Database) -> None:
    """After a study was deleted and made again, a worker of the old one puts no trial into the new one."""
    optuna.delete_study(study_name=ledger.name, storage=database.storage)
    again = create(database, ledger.definition, "")
    with pytest.raises(UnknownStudy):
        ask(ledger, "worker of the old study")
    assert again.trials() == []


@pytest.mark.parametrize(("direction", "best"), [("minimize", 1), ("maximize", 3)])
def test_the_best_is_the_earliest_of_the_best_completed(
    database: Database, direction: str, best: int
) -> None:
    """Among equal scores the earlier trial is best; pruned and diverged trials never are."""
    ledger = create(database, sample_definition(trials=7, direction=direction), "")
    assert ledger.best() is None
    answer(ledger, (2.0, 1.0, 1.0, 3.0, 3.0))
    for outcome, score in ((Outcome.PRUNED, 0.0), (Outcome.DIVERGED, 9.0)):
        running = begun(ledger)
        running.trial.report(score, 1)
        tell(ledger, running, outcome, None, {})
    found = ledger.best()
    assert found is not None
    assert found.number == best


def test_the_status_counts_every_outcome(database: Database) -> None:
    """Trials are counted by how they ended, beside those that run and the slots that wait."""
    ledger = create(database, sample_definition(trials=9, retry=False), "")
    for outcome in Outcome:
        running = begun(ledger)
        score = 1.0 if outcome is Outcome.COMPLETED else None
        tell(ledger, running, outcome, score, {})
    ask(ledger, "worker")
    status = status_of(ledger).to_data()
    assert status["trials"] == {
        "complete": 1, "pruned": 1, "paused": 1, "diverged": 1, "out_of_memory": 1, "timed_out": 1,
        "preempted": 1, "lost": 1, "disk_full": 1, "unreadable": 1, "failed": 1, "infeasible": 1,
        "running": 1, "waiting": 1,
    }  # fmt: skip
    assert (status["name"], status["metric"], status["direction"], status["slots"]) == (
        ledger.name,
        "val_loss",
        "minimize",
        9,
    )
    assert status["best"] == {
        "number": 0,
        "value": 1.0,
        "params": ledger.trial(0).params,
        "spread": None,
        "metrics": {},
    }
    assert [trial.state for trial in ledger.trials(TrialState.RUNNING)] == [TrialState.RUNNING]
