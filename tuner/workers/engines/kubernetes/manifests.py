"""The manifests of a launch: an Indexed Job, and the Secret that holds the database's address."""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from studies.definition.yaml_text import yaml_text
from tuner.errors import Refused
from tuner.workers.engines.engine import LAUNCH, STORAGE, Order
from tuner.workers.engines.kubernetes.request import Request

LAUNCH_LABEL = "interplay-tuner/launch"
OWNED = {"app.kubernetes.io/managed-by": "interplay-tuner"}
STUDY = "interplay-tuner/study"  # an annotation, since a label takes no text
CONTAINER = "worker"
LEAVING = 30  # seconds beyond the grace period after which Kubernetes kills a pod
KEPT = 3600  # seconds that a Job which is over remains, for whoever wants to know how its pods ended
# How often a worker of each index may die. A container whose memory is full is killed whole by the kernel, so
# each trial that needs too much may cost one; Kubernetes waits longer from time to time, up to six minutes.
DEATHS = 20
# Exit codes after which a worker is not begun anew: its request is wrong, or `tuner` is not in the image.
REFUSED = [2, 126, 127, 128]
_INDEX = "JOB_COMPLETION_INDEX"
PLACEHOLDER = "write the URL of the database here"


def labels(launch: str) -> dict[str, str]:
    """Give the labels by which what belongs to a launch is told from all else."""
    return {**OWNED, "app.kubernetes.io/name": "interplay-tuner", LAUNCH_LABEL: launch}


def job(order: Order, request: Request) -> dict[str, Any]:
    """Write the Job of an order; it names the Secret, and holds no password.

    Raises:
        Refused: no image is named, or checkpoints would lie in a folder of this machine.
    """
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": math.ceil(order.grace) + LEAVING,
        # Else a worker would be process 1, to which a SIGTERM before its imports are done means nothing.
        "shareProcessNamespace": True,
        "automountServiceAccountToken": bool(request.service_account),
        "enableServiceLinks": False,  # else a Service called `tuner` would set variables of ours
        "containers": [_container(order, request)],
        "volumes": [
            {"name": "runs", "persistentVolumeClaim": {"claimName": request.claim}}
            if request.claim
            else {"name": "runs", "emptyDir": {}},
            # PyTorch's data loaders hand batches over in shared memory, of which a container has 64 MB.
            {"name": "shared-memory", "emptyDir": {"medium": "Memory"}},
        ],
    }
    if request.service_account:
        pod["serviceAccountName"] = request.service_account
    if request.pull_secret:
        pod["imagePullSecrets"] = [{"name": request.pull_secret}]
    if request.node_selector:
        pod["nodeSelector"] = dict(request.node_selector)
    if request.tolerations:
        pod["tolerations"] = [{"key": key, "operator": "Exists"} for key in request.tolerations]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(order, request),
        "spec": {
            "completionMode": "Indexed",
            "completions": order.workers,
            "parallelism": order.workers,
            "backoffLimitPerIndex": DEATHS,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailIndex",
                        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": REFUSED},
                    },
                    # Preempted, evicted, drained: replaced, however often.
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    },
                ]
            },
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": labels(order.launch)}, "spec": pod},
        },
    }


def secret(order: Order, request: Request, url: str = PLACEHOLDER) -> dict[str, Any]:
    """Write the Secret that is made for a launch."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(order, request),
        "type": "Opaque",
        "stringData": {request.key: url},
    }


def written(order: Order, request: Request) -> str:
    """Write what `kubectl apply -f -` takes; the database's address is left to whoever applies it."""
    own = [] if request.secret else [secret(order, request)]
    documents = [yaml_text(each, compact=False) for each in (*own, job(order, request))]
    return "---\n".join(documents).rstrip("\n")


def _metadata(order: Order, request: Request) -> dict[str, Any]:
    where = {"namespace": request.namespace} if request.namespace else {}
    annotations = {STUDY: order.study}
    return {"name": order.name, **where, "labels": labels(order.launch), "annotations": annotations}


def _container(order: Order, request: Request) -> dict[str, Any]:
    if not request.image:
        raise Refused("--on kubernetes needs an image with `tuner` and your code in it: --with image=NAME.")
    program = "tuner" if order.python == sys.executable else str(Path(order.python).with_name("tuner"))
    threads = (
        [{"name": "OMP_NUM_THREADS", "value": str(order.resources.cpus)}] if order.resources.cpus else []
    )
    held = {"name": request.secret or order.name, "key": request.key}
    index = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": request.image,
        # Kubernetes reads $(NAME) in a command as a variable, and $$ as a dollar.
        "command": [word.replace("$", "$$") for word in (program, *_moved(order, request.mount).worker)],
        "env": [
            *threads,
            {"name": STORAGE, "valueFrom": {"secretKeyRef": held}},
            {"name": _INDEX, "valueFrom": index},
            {"name": LAUNCH, "value": f"{order.engine}:{order.launch}:$({_INDEX})"},
        ],
        "resources": {"requests": _resources(order, request), "limits": _resources(order, request)},
        "terminationMessagePolicy": "FallbackToLogsOnError",  # what it printed last says why it ended
        "volumeMounts": [
            {"name": "runs", "mountPath": request.mount},
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - of the container
        ],
    }
    if request.env_from:
        container["envFrom"] = [{"secretRef": {"name": name}} for name in request.env_from]
    return container


def _resources(order: Order, request: Request) -> Mapping[str, str]:
    asked = {
        request.gpu_resource: order.resources.gpus or None,
        "cpu": order.resources.cpus,
        "memory": None if order.resources.memory is None else f"{math.ceil(1000 * order.resources.memory)}M",
    }
    return {name: str(value) for name, value in asked.items() if value is not None}


def _moved(order: Order, mount: str) -> Order:
    """Give the order of a worker that writes to a folder of its pod, not to one of this machine."""
    options = dict(zip(order.options[::2], order.options[1::2], strict=True))
    checkpoints = options.get("--checkpoints", "")
    if checkpoints and "://" not in checkpoints and not Path(checkpoints).is_relative_to(mount):
        raise Refused(
            f"--checkpoints {checkpoints} is a folder of this machine, which no pod sees; name a URL such as "
            f"s3://bucket/folder, or leave it out: they lie in {mount} of the pods."
        )
    options["--output"] = mount
    return replace(order, options=tuple(word for pair in options.items() for word in pair))
