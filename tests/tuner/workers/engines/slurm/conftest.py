"""A Slurm for the tests of its engine."""

from tests.contracts.conftest import postgresql_url
from tests.contracts.slurm import cluster, one_cluster

__all__ = ["cluster", "one_cluster", "postgresql_url"]
