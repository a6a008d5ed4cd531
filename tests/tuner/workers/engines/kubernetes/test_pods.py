"""What a cluster shows of pods is told in words, for each index once."""

from typing import Any

import pytest

from tuner.workers.engines.engine import ENDED, RUNNING, WAITING, WorkerState
from tuner.workers.engines.kubernetes.pods import states

ANNOTATION = "batch.kubernetes.io/job-completion-index"


def pod(phase: str, *, made: str = "2026-01-01T00:00:00Z", index: int = 0, **status: Any) -> dict[str, Any]:
    """Write a pod as the API gives it."""
    metadata = {"creationTimestamp": made, "annotations": {ANNOTATION: str(index)}}
    return {"metadata": metadata, "spec": {"nodeName": "node-1"}, "status": {"phase": phase, **status}}


def container(**state: Any) -> list[dict[str, Any]]:
    """Write the states of the containers of a pod."""
    return [{"state": state}]


def one(*pods: dict[str, Any], why: str = "", deleted: bool = False, **status: Any) -> WorkerState:
    """Give the state of a Job's only worker."""
    job = {"metadata": {"deletionTimestamp": "now"} if deleted else {}, "status": status}
    (state,) = states(job, pods, 1, why)
    return state


NO_NODE = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient nvidia.com/gpu."}]
NO_IMAGE = container(waiting={"reason": "ImagePullBackOff", "message": "no such\n image"})
OUT_OF_MEMORY = container(terminated={"exitCode": 137, "reason": "OOMKilled"})
WRONG = container(terminated={"exitCode": 2, "reason": "Error", "message": "begun\nError: no such study.\n"})
DIED = container(terminated={"exitCode": 1, "reason": "Error", "message": ""})


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (pod("Pending", conditions=NO_NODE), WAITING, "0/3 nodes: Insufficient nvidia.com/gpu"),
        (pod("Pending", containerStatuses=NO_IMAGE), WAITING, "ImagePullBackOff: no such image"),
        (pod("Pending", containerStatuses=container(waiting={"reason": "ContainerCreating"})), WAITING, ""),
        (pod("Running"), RUNNING, ""),
        (pod("Succeeded", containerStatuses=container(terminated={"exitCode": 0})), ENDED, ""),
        (pod("Failed", containerStatuses=WRONG), ENDED, "exit code 2, Error: no such study"),
        (pod("Failed", containerStatuses=DIED), WAITING, "it is begun anew: exit code 1"),
        (pod("Failed", reason="Evicted", message="disk"), WAITING, "it is begun anew: Evicted: disk"),
        (
            pod("Failed", containerStatuses=OUT_OF_MEMORY),
            WAITING,
            "it is begun anew: it took more memory than it was given; see --memory-per-worker",
        ),
    ],
)
def test_a_pod_is_never_told_without_its_reason(found: dict[str, Any], state: str, why: str) -> None:
    """What the cluster knows of it stands in one line."""
    told = one(found)
    assert (told.state, told.why) == (state, why)


def test_a_pod_that_was_replaced_counts_no_more() -> None:
    """The newest of an index counts, and within a second the one that is not over."""
    old, new = pod("Failed", containerStatuses=DIED), pod("Running", made="2026-01-01T00:01:00Z")
    assert one(new, old).state == RUNNING
    assert one(pod("Running"), old).state == one(old, pod("Running")).state == RUNNING


def test_an_index_without_a_pod_is_waiting_until_the_job_is_over() -> None:
    """Whether it ever had one, a Job that is over or deleted makes none."""
    assert one(why="exceeded quota") == WorkerState(WAITING, "", "exceeded quota")
    assert (
        one(failedIndexes="0").state == one(completedIndexes="0-1").state == one(deleted=True).state == ENDED
    )
    assert one(conditions=[{"type": "Failed", "status": "True"}]).state == ENDED
