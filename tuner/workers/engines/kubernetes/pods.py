"""What the pods of a Job say of its workers, one for each index."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner.workers.engines.engine import ENDED, RUNNING, WAITING, WorkerState
from tuner.workers.engines.kubernetes.cluster import shown
from tuner.workers.engines.kubernetes.manifests import REFUSED

_INDEX = "batch.kubernetes.io/job-completion-index"
_MEMORY = "OOMKilled"
_NO_REASONS = {"", "ContainerCreating", "PodInitializing", "Completed", "Error"}


def states(
    job: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], workers: int, why: str
) -> Sequence[WorkerState]:
    """Say how each worker is.

    Args:
        job: the Job, as the API gives it.
        pods: its pods.
        workers: how many.
        why: why the Job makes no pods, as far as that is known.
    """
    latest: dict[int, Mapping[str, Any]] = {}
    for pod in sorted(pods, key=lambda each: str(each["metadata"].get("creationTimestamp") or "")):
        number = str(pod["metadata"].get("annotations", {}).get(_INDEX, ""))
        # Where one is gone and its successor there, the successor counts, whatever the clock's seconds say.
        if number.isdecimal() and not (
            _is_over(pod) and int(number) in latest and not _is_over(latest[int(number)])
        ):
            latest[int(number)] = pod
    status = job.get("status", {})
    done, failed = (_indexes(status.get(name) or "") for name in ("completedIndexes", "failedIndexes"))
    is_over = bool(job["metadata"].get("deletionTimestamp")) or any(
        each["type"] in {"Complete", "Failed"} and each["status"] == "True"
        for each in status.get("conditions") or ()
    )
    return [
        _state(latest.get(index), is_over=is_over or index in done or index in failed, why=why)
        for index in range(workers)
    ]


def _state(pod: Mapping[str, Any] | None, *, is_over: bool, why: str) -> WorkerState:
    if pod is None:
        return WorkerState(ENDED) if is_over else WorkerState(WAITING, "", why)
    phase, node = pod.get("status", {}).get("phase"), str(pod["spec"].get("nodeName") or "")
    if phase == "Running":
        return WorkerState(RUNNING, node)
    if phase in {"Succeeded", "Failed"}:
        code, how = _end(pod)
        if is_over or phase == "Succeeded" or code in REFUSED:
            return WorkerState(ENDED, node, how)
        return WorkerState(WAITING, node, f"it is begun anew: {how}" if how else "it is begun anew")
    return WorkerState(ENDED if is_over else WAITING, node, _pending(pod))


def _pending(pod: Mapping[str, Any]) -> str:
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason", "") not in _NO_REASONS:
            return shown(": ".join(filter(None, (waiting["reason"], waiting.get("message")))))
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return shown(condition.get("message") or condition.get("reason") or "no node takes it")
    return ""


def _end(pod: Mapping[str, Any]) -> tuple[int, str]:
    """Give the exit code of a pod that has ended, 0 where there is none, and why it ended."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or ():
        ended = container.get("state", {}).get("terminated") or {}
        code, reason = ended.get("exitCode", 0), ended.get("reason") or ""
        if code and reason == _MEMORY:
            return code, "it took more memory than it was given; see --memory-per-worker"
        if code:
            lines = str(ended.get("message") or "").strip().splitlines()
            return code, f"exit code {code}" + (f", {shown(lines[-1])}" if lines else "")
    return 0, shown(": ".join(filter(None, (status.get("reason"), status.get("message")))))


def _is_over(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _indexes(text: str) -> set[int]:
    """Read indexes as a Job writes them: `0,2-5`."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
