"""The contract of names: what the database cannot write is refused, and never written as something else."""

import pytest

from studies.database.identity import names
from studies.database.open import Database, open_database
from studies.errors import StorageError
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from tests.contracts.servers import database_of_its_own
from tests.studies.samples import sample_definition

NAME = "größe-100%-😀"


def test_a_study_may_have_any_name(database: Database) -> None:
    """Umlauts, per cent signs and emoji are kept as they are."""
    if NAME not in names(database.engine).values():
        create(database, sample_definition(name=NAME), "")
    assert open_ledger(database, NAME).name == NAME


@pytest.mark.parametrize("mode", ["", "STRICT_ALL_TABLES"])
def test_a_name_that_a_character_set_lacks_is_refused(mysql_url: str, mode: str) -> None:
    """Another character set refuses the name in a sentence, even where the server is not strict."""
    with database_of_its_own(mysql_url, "CHARACTER SET latin1") as url:
        database = open_database(f"{url}?init_command=SET%20SESSION%20sql_mode%3D'{mode}'")
        with pytest.raises(StorageError, match=r"cannot keep a study named 'größe-100%-😀': Incorrect"):
            create(database, sample_definition(name=NAME), "")
        assert names(database.engine) == {}
        create(database, sample_definition(name="size"), "")
        database.engine.dispose()
