"""The identifier of a launch in a cluster, by which another process finds it again."""

import re
from dataclasses import dataclass
from typing import Self

from tuner.errors import Refused

_JOB = re.compile(
    r"(?P<launch>[0-9a-f]{12})/(?P<workers>\d{1,5})/(?P<namespace>[a-z0-9-]{1,63})/(?P<cluster>[0-9a-f]{8}|-)"
    r"/(?P<context>[^\n]{0,250})"
)


@dataclass(frozen=True)
class Place:
    """Where a launch is.

    Attributes:
        launch: what tells it from any other.
        workers: how many pods it has.
        namespace: of its Job.
        cluster: what tells the cluster from others, see `Cluster.identity`.
        context: by which the kubeconfig names it; empty where it was started inside the cluster.
    """

    launch: str
    workers: int
    namespace: str
    cluster: str
    context: str

    @classmethod
    def of(cls, job: str) -> Self:
        """Read the identifier of a job, which a database may have altered.

        Raises:
            Refused: it is none.
        """
        found = _JOB.fullmatch(job)
        if found is None:
            raise Refused(
                f"The launch {job[:40]!r} is none that --on kubernetes has made; delete its record."
            )
        launch, workers, namespace, cluster, context = found.groups()
        return cls(launch, int(workers), namespace, cluster, context)

    @property
    def name(self) -> str:
        """The name of the Job; nothing else in the cluster is asked for or deleted by its name."""
        return f"tuner-{self.launch}"

    def __str__(self) -> str:
        return f"{self.launch}/{self.workers}/{self.namespace}/{self.cluster}/{self.context}"
