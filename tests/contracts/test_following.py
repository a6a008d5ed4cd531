"""The contract of whoever follows a study: line by line it says what reading every trial says."""

import pytest
import sqlalchemy as sa
from optuna.trial import TrialState, create_trial

from studies.database.open import Database
from studies.database.optuna_columns import attributes
from studies.database.trial_rows import read_few_columns, read_lengths, read_whole
from studies.ledger import following
from studies.ledger.following import NAMES, Following
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.slots import Slots
from studies.ledger.status import status_of, status_of_lines
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.attributes import claim
from studies.trials.outcomes import Outcome, outcome_of
from studies.trials.record import TrialRecord
from tests.studies.lives import begun, end
from tests.studies.samples import sample_definition


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study with slots for every outcome."""
    return create(database, sample_definition(trials=20, retry=False), "source")


@pytest.fixture
def followed(ledger: Ledger) -> Following:
    """Follow it."""
    return Following(ledger.database.engine, ledger.identifier, ledger.slots.ledger)


def test_lines_say_what_the_status_says_after_every_outcome(ledger: Ledger, followed: Following) -> None:
    """Counts, best, left and added trials never differ from `status_of`, whatever was seen when."""
    for place, outcome in enumerate(Outcome):
        running = begun(ledger)
        assert status_of_lines(ledger, followed.look()) == status_of(ledger)
        if outcome is Outcome.COMPLETED:
            assert tell(ledger, running, outcome, 2.0 + place, {})
        else:
            report(running, 1, 0.5 + place)
            end(ledger, running, outcome)
        assert status_of_lines(ledger, followed.look()) == status_of(ledger)
    dying = Slots(ledger.database.engine, ledger.identifier, ledger.slots.ledger, lease=-1.0)
    begun(Ledger(ledger.definition, ledger.study, ledger.identifier, ledger.database, dying))
    ledger.study.add_trial(create_trial(value=0.0))
    copied = ledger.trials(TrialState.COMPLETE)[0].user_attrs
    mine = claim(ledger.slots.ledger, copied["slot"], copied["attempt"])
    ledger.study.add_trial(create_trial(value=-1.0, user_attrs=mine))
    found = status_of_lines(ledger, followed.look())
    assert found == status_of(ledger)
    assert (found.added, found.left is not None) == (2, True)
    assert [line.outcome for line in followed.look().all] == list(map(outcome_of, ledger.trials()))


def test_a_look_reads_only_what_is_new(
    ledger: Ledger, followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has ended is not read again, and a look without patience says how much it has not read."""
    monkeypatch.setattr(following, "PAGE", 2)
    monkeypatch.setattr(following, "FIRST_PAGE", 2)
    read = []

    def counted(*given: object, **named: object) -> object:
        rows = read_few_columns(*given, **named)  # type: ignore[arg-type]
        read.extend(row.trial.number for row in rows)
        return rows

    monkeypatch.setattr(following, "read_few_columns", counted)
    for _ in range(5):
        end(ledger, begun(ledger), Outcome.COMPLETED)
    running = begun(ledger)
    assert (followed.look(patience=-1.0).unread, followed.look(patience=-1.0).unread) == (4, 2)
    assert len(followed.look().all) == 6
    read.clear()
    end(ledger, running, Outcome.PRUNED)
    followed.look()
    assert read == [running.number]
    read.clear()
    followed.look()
    assert read == []


def test_a_whole_trial_is_what_optuna_reads(ledger: Ledger) -> None:
    """Values, curve and attributes are those of Optuna's own reading."""
    running = begun(ledger)
    for step, score in enumerate((0.5, float("inf"), 0.25), start=1):
        report(running, step, score)
    end(ledger, running, Outcome.COMPLETED)
    key = ledger.identifier_of(running.number)
    (row,) = read_whole(ledger.database.engine, [key])
    theirs = ledger.trial(running.number)
    assert TrialRecord.of(row.trial) == TrialRecord.of(theirs)
    assert (row.trial.distributions, row.trial.system_attrs) == (theirs.distributions, theirs.system_attrs)
    assert row.broken == ()
    assert read_lengths(ledger.database.engine, [key]) == {key: 3}


def test_a_broken_attribute_hides_nothing_else(ledger: Ledger, followed: Following) -> None:
    """An attribute that is no JSON is named, and the rest of the trial is there."""
    end(ledger, begun(ledger), Outcome.COMPLETED)
    key = ledger.identifier_of(0)
    with ledger.database.engine.begin() as connection:
        row = {"trial_id": key, "key": "neighbour", "value_json": "{no"}
        connection.execute(sa.insert(attributes).values(**row))
    (whole,) = read_whole(ledger.database.engine, [key])
    assert whole.broken == ("The attribute neighbour is no JSON, so it is left out.",)
    assert TrialRecord.of(whole.trial).score == 1.0
    assert followed.look().counts[Outcome.COMPLETED] == 1


def test_a_column_grows_with_the_study(ledger: Ledger, followed: Following) -> None:
    """The values of a parameter are there for every trial that has it, those of running trials too."""
    first = begun(ledger)
    followed.look()
    assert list(followed.values_of("optimizer").values()) == [first.values["optimizer"]]
    end(ledger, first, Outcome.COMPLETED)
    second = begun(ledger)
    followed.look()
    assert list(followed.values_of("optimizer").values()) == [
        each.values["optimizer"] for each in (first, second)
    ]
    assert followed.values_of("no such parameter") == {}
    assert NAMES[0] == "outcome"
