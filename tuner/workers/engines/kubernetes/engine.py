"""Workers as the pods of an Indexed Job: `tuner launch STUDY --on kubernetes --with image=NAME`."""

import math
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Self

from tuner.errors import Refused
from tuner.workers.engines.engine import EngineAway, Order, WorkerState
from tuner.workers.engines.kubernetes import checks, manifests
from tuner.workers.engines.kubernetes.cluster import Absent, Cluster, Forbidden, shown
from tuner.workers.engines.kubernetes.place import Place
from tuner.workers.engines.kubernetes.pods import states as states_of
from tuner.workers.engines.kubernetes.request import OPTIONS, Request

TICK = 1.0  # seconds between two looks at pods that are to leave
ENDING = 90.0  # seconds beyond the grace period in which a cluster has ended what it was told to end


class Kubernetes:
    """Starts workers as the pods of a Job, each with an index."""

    OPTIONS: ClassVar[Mapping[str, str]] = OPTIONS
    KEPT: ClassVar[Sequence[str]] = ()  # the identifier of a job says where it is

    def __init__(self, request: Request) -> None:
        """Take what pods are made of."""
        self._request = request
        self._clusters: dict[str, Cluster] = {}
        self._identities: dict[str, str] = {}  # by context

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Make it of its options."""
        return cls(Request.of(options))

    def check(self, order: Order) -> None:
        """Ask the cluster whether it would take the Job, which makes nothing."""
        cluster, namespace = self._here()
        checks.refuse_old(cluster)
        body = manifests.job(order, self._request)
        if not self._request.secret:
            checks.refuse_unreachable(order.url)
        checks.refuse_absent(cluster, self._request, namespace)
        checks.refuse_forbidden(cluster, self._request, namespace)
        checks.refuse_too_much(cluster, self._request, order.resources)
        cluster.ask("BatchV1Api", "create_namespaced_job", namespace, body, dry_run="All")

    def is_one_machine(self) -> bool:
        """A pod may run on any node, and sees no file of this machine."""
        return False

    def plan(self, order: Order) -> str:
        """Write the manifests."""
        return manifests.written(order, self._request)

    def submit(self, order: Order) -> str:
        """Make the Job; where its Secret is made too, no pod is begun before that is there."""
        cluster, namespace = self._here()
        place = Place(order.launch, order.workers, namespace, cluster.identity(), cluster.context)
        body = manifests.job(order, self._request)
        if self._request.secret:
            cluster.ask("BatchV1Api", "create_namespaced_job", namespace, body)
            return str(place)
        # The Job first: it owns the Secret, which goes with it. Suspended, it holds no node if we die here.
        body["spec"]["suspend"] = True
        made = cluster.ask("BatchV1Api", "create_namespaced_job", namespace, body)
        try:
            secret = manifests.secret(order, self._request, order.url)
            owner = {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": place.name,
                "uid": made["metadata"]["uid"],
            }
            secret["metadata"]["ownerReferences"] = [owner]
            cluster.ask("CoreV1Api", "create_namespaced_secret", namespace, secret)
            begun = {"spec": {"suspend": False}}
            cluster.ask("BatchV1Api", "patch_namespaced_job", place.name, namespace, begun)
        except BaseException:
            with suppress(Refused):
                self.cancel(str(place), 0.0)
            raise
        return str(place)

    def states(self, job: str) -> Sequence[WorkerState]:
        """Look at the pods."""
        place = Place.of(job)
        cluster = self._of(place)
        found = _own(cluster, place)
        if found is None:
            return ()
        pods = list(_pods(cluster, place, found))
        why = "" if len(pods) >= place.workers else _why_none(cluster, place, found)
        return states_of(found, pods, place.workers, why)

    def cancel(self, job: str, grace: float) -> None:
        """Delete the Job, with it the pods, and wait until they are gone."""
        place = Place.of(job)
        cluster = self._of(place)
        found = _own(cluster, place)
        if found is None:
            return
        # Foreground: the Job is there until its pods and its Secret are gone, and makes no others.
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": found["metadata"]["uid"]}}
        with suppress(Absent):
            cluster.ask("BatchV1Api", "delete_namespaced_job", place.name, place.namespace, body=options)
        # Not 0, by which the cluster would forget a pod before it has ended.
        seconds = max(1, math.ceil(grace))
        for pod in list(_pods(cluster, place, found)):
            if seconds >= int(pod["spec"].get("terminationGracePeriodSeconds") or 0) - manifests.LEAVING:
                continue  # it is deleted with its Job, and has a grace period that is no longer
            with suppress(Absent):
                name, leaving = pod["metadata"]["name"], {"gracePeriodSeconds": seconds}
                cluster.ask("CoreV1Api", "delete_namespaced_pod", name, place.namespace, body=leaving)
        end = time.monotonic() + seconds + manifests.LEAVING + ENDING
        while (there := _own(cluster, place)) and there["metadata"]["uid"] == found["metadata"]["uid"]:
            if time.monotonic() > end:
                raise EngineAway(
                    f"The cluster has been told to delete the Job {place.name} and still shows it; look with "
                    f"`kubectl --namespace {place.namespace} get pods --selector {_selector(place)}`."
                )
            time.sleep(TICK)

    def where_printed(self, job: str) -> str:
        """Give the command that shows what the workers print."""
        place = Place.of(job)
        context = ("--context", place.context) if place.context else ()
        where = ("--namespace", place.namespace, "--selector", _selector(place))
        return shlex.join(["kubectl", *context, "logs", "--prefix", "--tail", "-1", *where])

    def _here(self) -> tuple[Cluster, str]:
        """Give the cluster and the namespace in which things are made."""
        cluster = self._by(self._request.context)
        return cluster, self._request.namespace or cluster.namespace

    def _by(self, context: str) -> Cluster:
        if context not in self._clusters:
            self._clusters[context] = Cluster(context)
        return self._clusters[context]

    def _of(self, place: Place) -> Cluster:
        """Give the cluster in which a launch is, and no other that is called the same here."""
        try:
            cluster = self._by(place.context)
        except Refused as error:
            raise EngineAway(
                f"The workers were started in a cluster that is not known here: {error}"
            ) from None
        if cluster.context and not place.context and place.cluster == "-":
            raise EngineAway(
                "The workers were started from a pod of their cluster; give the same command there."
            )
        if place.cluster != "-" and place.context not in self._identities:
            self._identities[place.context] = cluster.identity()
        if self._identities.get(place.context, "-") not in {"-", place.cluster}:
            raise EngineAway(
                f"The workers were started in another cluster than the one that the context "
                f"{place.context!r} names here; give the same command where it names that one."
            )
        return cluster


def _selector(place: Place) -> str:
    return f"{manifests.LAUNCH_LABEL}={place.launch}"


def _own(cluster: Cluster, place: Place) -> Mapping[str, Any] | None:
    """Find the Job of a launch; one that is called so and does not carry our labels is none."""
    found = cluster.found("BatchV1Api", "read_namespaced_job", place.name, place.namespace)
    wanted = manifests.labels(place.launch).items()
    return found if found is not None and wanted <= (found["metadata"].get("labels") or {}).items() else None


def _pods(cluster: Cluster, place: Place, job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    chosen = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
    return cluster.listed("list_namespaced_pod", place.namespace, label_selector=chosen)


def _why_none(cluster: Cluster, place: Place, job: Mapping[str, Any]) -> str:
    """Say why a Job makes no pods, such as a quota that is used up; nothing where that may not be read."""
    if job["spec"].get("suspend"):
        return "the Job is suspended"
    chosen = f"involvedObject.uid={job['metadata']['uid']},type=Warning"
    try:
        events = list(cluster.listed("list_namespaced_event", place.namespace, field_selector=chosen))
    except Forbidden:
        return ""
    last = max(
        events, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""), default={}
    )
    return shown(last.get("message") or last.get("reason") or "")
