"""One contract, every database: SQLite, PostgreSQL from a package, MySQL or MariaDB where one is named."""

import os
from collections.abc import Iterator

import pytest

from studies.database.open import Database, open_database
from tests.contracts.ray_cluster import RayCluster, ray_cluster
from tests.contracts.servers import database_of_its_own, postgresql
from tests.contracts.slurm import cluster, one_cluster
from tests.fork_server import fork_server

__all__ = ["cluster", "fork_server", "one_cluster"]


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of a SQLite file."""
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/tuner.db"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Give the URL of a PostgreSQL database: on the server that is named, else on one that is started."""
    named = os.environ.get("TUNER_TEST_POSTGRESQL")
    if named:
        with database_of_its_own(named) as url:
            yield url
    else:
        with postgresql() as url:
            yield url


@pytest.fixture(scope="session")
def one_node() -> Iterator[RayCluster]:
    """Run a Ray cluster of one node, which says that it has a GPU."""
    with ray_cluster() as cluster:
        cluster.start(cpus=2, gpus=1)
        yield cluster


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """Give the URL of a database on the MySQL or MariaDB server that is named."""
    named = os.environ.get("TUNER_TEST_MYSQL")
    if not named:
        pytest.skip("TUNER_TEST_MYSQL names no MySQL or MariaDB server, and no package ships one")
    with database_of_its_own(named) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Give the URL of each database in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def shared_database(url: str) -> Iterator[Database]:
    """Open each database once."""
    database = open_database(url)
    yield database
    database.engine.dispose()


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Give an open database; a test makes a study of its own in it."""
    return shared_database
