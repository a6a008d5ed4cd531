"""What is refused before anything is made in a cluster."""

import ipaddress
import re
from contextlib import suppress
from decimal import Decimal

from sqlalchemy.engine import make_url

from tuner.errors import Refused
from tuner.workers.engines.engine import Resources
from tuner.workers.engines.kubernetes.cluster import Cluster, Forbidden
from tuner.workers.engines.kubernetes.request import Request

OLDEST = 29  # 1.29, the first whose Jobs count the deaths of each index unless that is switched off
_ALWAYS = (
    ("create", "batch", "jobs"),
    ("get", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("list", "", "pods"),
    ("delete", "", "pods"),
)
_FOR_A_SECRET = (("create", "", "secrets"), ("patch", "batch", "jobs"))


def refuse_unreachable(url: str) -> None:
    """Refuse a database that only this machine reaches."""
    parsed = make_url(url)
    named = parsed.host or parsed.query.get("host") or ""
    host = named if isinstance(named, str) else named[0]
    with suppress(ValueError):
        host = "localhost" if ipaddress.ip_address(host).is_loopback else host
    # A path is a socket of this machine. A SQLite file is refused where every engine's is.
    if (host in {"", "localhost"} or host.startswith("/")) and parsed.get_backend_name() != "sqlite":
        raise Refused(
            "--on kubernetes: the database's URL names this machine itself, which a pod would take for "
            "its own; name its host, or a Secret with the URL that pods reach it by: --with secret=NAME."
        )


def refuse_old(cluster: Cluster) -> None:
    """Refuse a cluster whose Jobs do not know what ours ask for."""
    version = cluster.ask("VersionApi", "get_code")
    minor = re.match(r"\d+", str(version["minor"]))
    if str(version["major"]) == "1" and minor and int(minor[0]) < OLDEST:
        raise Refused(
            f"--on kubernetes needs Kubernetes 1.{OLDEST} or newer, and this cluster is "
            f"{version['gitVersion']}."
        )


def refuse_absent(cluster: Cluster, request: Request, namespace: str) -> None:
    """Refuse what is named and not there; what may not be read is left to the pods to find."""
    named = {
        "namespace": ("read_namespace", namespace),
        "secret": ("read_namespaced_secret", request.secret),
        "claim": ("read_namespaced_persistent_volume_claim", request.claim),
        "pull_secret": ("read_namespaced_secret", request.pull_secret),
        "service_account": ("read_namespaced_service_account", request.service_account),
    }
    for key, (method, name) in named.items():
        where = (name,) if key == "namespace" else (name, namespace)
        try:
            found = cluster.found("CoreV1Api", method, *where) if name else {}
        except Forbidden:
            continue
        if found is None:
            place = (
                f"the cluster of {cluster.context!r}" if key == "namespace" else f"the namespace {namespace}"
            )
            raise Refused(f"--with {key}={name}: there is none of this name in {place}.")
        if name and key == "secret" and request.key not in (found.get("data") or {}):
            keys = ", ".join(sorted(found.get("data") or {})) or "none"
            raise Refused(
                f"--with secret={name}: its keys are {keys}, and none is {request.key!r}; write "
                f"secret={name}/KEY."
            )


def refuse_forbidden(cluster: Cluster, request: Request, namespace: str) -> None:
    """Refuse a namespace in which whoever asks may not do what a launch does."""
    needed = _ALWAYS if request.secret else (*_ALWAYS, *_FOR_A_SECRET)
    missing = [
        f"{verb} {resource}"
        for verb, group, resource in needed
        if not cluster.allows(verb, group, resource, namespace)
    ]
    if missing:
        raise Refused(
            f"--on kubernetes: you may not {', '.join(missing)} in the namespace {namespace}; ask for a "
            f"role that may, or name another: --with namespace=NAME."
        )


def refuse_too_much(cluster: Cluster, request: Request, resources: Resources) -> None:
    """Refuse what no node has; nothing where nodes are added as needed, or may not be listed."""
    from kubernetes.utils import parse_quantity

    selector = ",".join(f"{key}={value}" for key, value in request.node_selector)
    try:
        found = [] if request.autoscaling else list(cluster.listed("list_node", label_selector=selector))
    except Forbidden:
        return
    usable = [
        node["status"].get("allocatable") or {} for node in found if not node["spec"].get("unschedulable")
    ]
    asked = [
        ("--gpus-per-worker", resources.gpus, request.gpu_resource, Decimal(1), request.gpu_resource),
        ("--cpus-per-worker", resources.cpus or 0, "cpu", Decimal(1), "cores"),
        ("--memory-per-worker", resources.memory or 0, "memory", Decimal(10**9), "GB"),
    ]
    for option, wanted, name, unit, words in () if request.autoscaling else asked:
        most = max((parse_quantity(each.get(name, "0")) for each in usable), default=Decimal(0)) / unit
        if Decimal(str(wanted)) > most:
            where = f" with {selector}" if selector else ""
            raise Refused(
                f"{option} {wanted:g}: no node{where} gives a pod more than {float(most):.4g} {words}; "
                f"ask for less, or write --with autoscaling=yes where nodes are added as they are needed."
            )
