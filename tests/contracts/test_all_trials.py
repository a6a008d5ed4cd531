"""The contract of kept trials: they are those of the database, and one that stays as it is, is read once."""

import random
from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event

from studies.database import optuna_tables
from studies.database.open import Database, open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import RunningTrial, report
from studies.trials.outcomes import Outcome
from tests.studies.samples import sample_definition

Change = Callable[[Ledger, RunningTrial], object]


def written(ledger: Ledger, running: RunningTrial, curve: dict[int, float]) -> None:
    """Store scores of a running trial."""
    with ledger.database.engine.begin() as connection:
        optuna_tables.hold(connection, running.identifier)
        optuna_tables.store_curve(connection, running.identifier, curve)


def plain(trial: FrozenTrial) -> dict[str, object]:
    """Give all that a trial holds, with scores that equal themselves."""
    curve = {step: repr(score) for step, score in trial.intermediate_values.items()}
    return {**vars(trial), "intermediate_values": curve}


CHANGES: dict[str, Change] = {
    "a score": lambda ledger, running: written(ledger, running, {1: 0.5}),
    "a score in the place of another": lambda ledger, running: written(ledger, running, {1: 0.25}),
    "a score that is no number": lambda ledger, running: written(ledger, running, {2: float("nan")}),
    "an attribute": lambda _, running: running.trial.set_user_attr("later", [1]),
    "an attribute that grows": lambda _, running: running.trial.set_user_attr("later", [1, 2]),
    "an attribute of a pruner": lambda ledger, running: ledger.database.storage.set_trial_system_attr(
        running.identifier, f"{optuna_tables.RUNG}0", 0.5
    ),
    "another trial": lambda ledger, _: ask(ledger, "another"),
    "its end": lambda ledger, running: tell(ledger, running, Outcome.COMPLETED, 0.5, {"cause": "why"}),
    "one that another program adds": lambda ledger, _: ledger.study.add_trial(
        optuna.create_trial(value=1.0, params={"x": 0.5}, distributions={"x": FloatDistribution(0.0, 1.0)})
    ),
    "one that waits": lambda ledger, _: ledger.study.enqueue_trial({"x": 0.5}),
}


def test_what_is_kept_is_what_the_database_holds(url: str, database: Database) -> None:
    """Whatever another process changes, the next look has it, as Optuna's own storage reads it."""
    elsewhere, optunas = open_database(url), RDBStorage(url)
    ledger = create(elsewhere, sample_definition(trials=9), "")
    looking = open_ledger(database, ledger.name)
    running = ask(ledger, "a worker")
    assert running is not None
    for what, change in CHANGES.items():
        looking.study.get_trials(deepcopy=False)
        change(ledger, running)
        found = looking.study.get_trials(deepcopy=False)
        assert list(map(plain, found)) == list(map(plain, optunas.get_all_trials(ledger.identifier))), what
    optunas.engine.dispose()
    elsewhere.engine.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_in_whatever_order_is_seen(url: str, database: Database, seed: int) -> None:
    """Many trials at a time, with scores of every kind that come and are replaced, looked at now and then."""
    chance, running = random.Random(seed), list[RunningTrial]()  # noqa: S311 - no secret
    elsewhere, optunas = open_database(url), RDBStorage(url)
    ledger = create(elsewhere, sample_definition(trials=30), "")
    looking = open_ledger(database, ledger.name)
    scores = (0.5, -1.7e308, 1.7e308, 1e-300, float("inf"), float("-inf"), float("nan"))
    for _ in range(60):
        match chance.choice(("ask", "score", "score", "attribute", "tell", "look")):
            case "ask" if (asked := ask(ledger, "a worker")) is not None:
                running.append(asked)
            case "score" if running:
                written(ledger, chance.choice(running), {chance.randint(1, 3): chance.choice(scores)})
            case "attribute" if running:
                held = chance.choice(running)
                held.trial.set_user_attr(chance.choice(("a", "b")), chance.randint(0, 3))
            case "tell" if running:
                told = running.pop(chance.randrange(len(running)))
                outcome = chance.choice((Outcome.COMPLETED, Outcome.DIVERGED, Outcome.PREEMPTED))
                tell(ledger, told, outcome, 0.5 if outcome is Outcome.COMPLETED else None, {"cause": "why"})
            case "look":
                found = looking.study.get_trials(deepcopy=False)
                assert list(map(plain, found)) == list(map(plain, optunas.get_all_trials(ledger.identifier)))
    found = looking.study.get_trials(deepcopy=False)
    assert list(map(plain, found)) == list(map(plain, optunas.get_all_trials(ledger.identifier)))
    optunas.engine.dispose()
    elsewhere.engine.dispose()


def test_a_trial_that_runs_unchanged_is_not_read_again(database: Database) -> None:
    """However many trials run, a look that finds nothing new reads neither values, attributes nor scores."""
    ledger = create(database, sample_definition(trials=6), "")
    for _ in range(6):
        running = ask(ledger, "a worker")
        assert running is not None
        report(running, 1, 0.5)
    before = ledger.trials(TrialState.RUNNING)
    read: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        read.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        assert ledger.trials(TrialState.RUNNING) == before
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)
    assert len(before) == 6
    assert not [statement for statement in read if "value_json, " in statement or "param_value" in statement]
    assert len([statement for statement in read if "trials" in statement]) == 2


def test_a_study_of_several_objectives_is_read_by_optuna(database: Database) -> None:
    """A study that another program made keeps every value of its trials."""
    study = optuna.create_study(storage=database.storage, directions=["minimize", "maximize"])
    study.add_trial(optuna.create_trial(values=[1.0, 2.0]))
    assert [trial.values for trial in study.get_trials()] == [[1.0, 2.0]]
    optuna.delete_study(study_name=study.study_name, storage=database.storage)


def test_a_study_that_is_gone_has_no_trials(url: str, database: Database) -> None:
    """What was kept of a study is not given once another process has deleted it."""
    elsewhere = open_database(url)
    study = optuna.create_study(storage=database.storage)
    study.add_trial(optuna.create_trial(value=1.0))
    assert len(study.trials) == 1
    optuna.delete_study(study_name=study.study_name, storage=elsewhere.storage)
    with pytest.raises(KeyError):
        study.get_trials()
    elsewhere.engine.dispose()


def test_a_study_that_takes_the_numbers_of_a_deleted_one_is_another_study(
    url: str, database: Database
) -> None:
    """SQLite gives the numbers of what was deleted again: name, direction and trials are its own."""
    elsewhere, storage = open_database(url), database.storage
    for score, direction in ((1.0, "minimize"), (2.0, "maximize")):
        name = f"again-{direction}"
        study = optuna.create_study(study_name=name, storage=elsewhere.storage, direction=direction)
        study.add_trial(optuna.create_trial(value=score))
        study.add_trial(optuna.create_trial(value=score + 5.0))
        seen = optuna.load_study(study_name=name, storage=storage)
        assert [trial.value for trial in seen.get_trials()] == [score, score + 5.0]
        assert storage.get_n_trials(seen._study_id) == 2
        assert seen.direction.name == direction.upper()
        assert storage.get_study_name_from_id(seen._study_id) == name
        for number in (0, 1):
            identifier = storage.get_trial_id_from_study_id_trial_number(seen._study_id, number)
            assert storage.get_trial(identifier).value == score + 5.0 * number
            assert storage.get_trial_number_from_id(identifier) == number
        optuna.delete_study(study_name=name, storage=elsewhere.storage)
    elsewhere.engine.dispose()
