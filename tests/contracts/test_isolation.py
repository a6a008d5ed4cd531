"""The contract of isolation: a transaction sees what others have committed, by whatever default."""

from studies.database.open import open_database
from studies.ledger.making import create
from tests.contracts.faults import check_exact
from tests.contracts.processes import answer_all, run_at_once
from tests.studies.samples import sample_definition

TRIALS = 12


def strict(url: str) -> str:
    """Give the URL with defaults as a careful administrator may set them."""
    if url.startswith("postgresql"):
        return f"{url}&options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"
    if url.startswith("mysql"):
        return f"{url}?init_command=SET%20SESSION%20TRANSACTION%20ISOLATION%20LEVEL%20SERIALIZABLE"
    return url


def test_no_default_isolation_gives_two_trials_one_number(url: str) -> None:
    """Workers that begin trials at once number them one by one, and every trial can be seen afterwards."""
    database = open_database(strict(url))
    ledger = create(database, sample_definition(trials=TRIALS), "")
    run_at_once(3, answer_all, strict(url), ledger.name)
    check_exact(ledger, TRIALS)
    assert [trial.number for trial in ledger.trials()] == list(range(TRIALS))
    database.engine.dispose()
