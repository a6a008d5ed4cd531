"""What the API of a cluster is asked, by the official client, and what its refusals are in a sentence.

Answers are plain data as the API gives them. The client is imported when a cluster is asked for.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tuner.errors import Refused
from tuner.workers.engines.engine import EngineAway

TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of an answer
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
PAGE = 500  # pods in one answer
LONGEST = 300  # characters of what the cluster says that are shown
_TOKEN, _FORBIDDEN, _ABSENT = 401, 403, 404
_WRONG: Final = frozenset({400, 409, 413, 422})  # what the same request meets again
_HINT = "pip install 'interplay-tuner[kubernetes]'"


class Cluster:
    """A cluster, by a context of the kubeconfig, or the one that this process runs in.

    Attributes:
        context: the name of the context; empty inside a cluster.
        namespace: where things are made unless another is named.
    """

    def __init__(self, context: str) -> None:
        """Read the kubeconfig; the cluster is not asked yet.

        Raises:
            Refused: the client is not installed, or there is no such context.
        """
        try:
            from kubernetes import client, config
        except ImportError:
            raise Refused(f"--on kubernetes needs the client of Kubernetes: {_HINT}.") from None
        self._library: Any = client
        self._client: Any = None
        inside = not context and "KUBERNETES_SERVICE_HOST" in os.environ
        try:
            contexts, current = config.list_kube_config_contexts(_kubeconfig())
        except config.ConfigException as error:
            if not inside:
                raise Refused(
                    f"--on kubernetes finds no cluster: {shown(error)}; KUBECONFIG names the file that tells "
                    f"where it is."
                ) from None
            self.context, self.namespace = "", _own_namespace()
            return
        except Exception as error:  # noqa: BLE001 - whatever stands in the file
            raise Refused(f"--on kubernetes: the kubeconfig cannot be read: {shown(error)}.") from None
        names = {each["name"]: each for each in contexts}
        if context and context not in names:
            known = ", ".join(sorted(names))
            raise Refused(f"--with context={context}: the kubeconfig has no such context; it has {known}.")
        chosen = names.get(context, current)
        self.context = str(chosen["name"])
        self.namespace = str(chosen["context"].get("namespace") or "default")

    def identity(self) -> str:
        """Give what tells this cluster from others: 8 letters and digits, a dash where that is forbidden."""
        try:
            found = self.ask("CoreV1Api", "read_namespace", "kube-system")
        except Forbidden:
            return "-"
        return str(found["metadata"]["uid"])[:8]

    def allows(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Say whether whoever asks may do something in a namespace."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self.ask("AuthorizationV1Api", "create_self_subject_access_review", body)
        return bool(answer["status"]["allowed"])

    def found(self, api: str, method: str, *names: str) -> Mapping[str, Any] | None:
        """Read a thing; None where there is none.

        Raises:
            Forbidden: it may not be read.
            EngineAway: the cluster does not answer.
        """
        try:
            return self.ask(api, method, *names)
        except Absent:
            return None

    def listed(self, method: str, *names: str, **query: Any) -> Iterator[Mapping[str, Any]]:
        """List things of the core interface, page by page; errors as `found`'s."""
        page: dict[str, Any] = {"limit": PAGE}
        while True:
            answer = self.ask("CoreV1Api", method, *names, **query, **page)
            yield from answer["items"]
            page["_continue"] = answer["metadata"].get("continue")
            if not page["_continue"]:
                return

    def ask(self, api: str, method: str, *arguments: Any, **query: Any) -> Mapping[str, Any]:
        """Call a method of one of the client's interfaces.

        Raises:
            Absent: there is no such thing.
            Forbidden: whoever asks may not do that.
            Refused: the cluster says no, and will say so again.
            EngineAway: it does not answer, or no longer knows who asks.
        """
        from urllib3.exceptions import HTTPError

        tries = (
            2 if method.startswith(("read", "list", "get")) else 1
        )  # a connection that was kept may be gone
        while True:
            tries -= 1
            try:
                interface = getattr(self._library, api)(self._connected())
                answer = getattr(interface, method)(
                    *arguments, **query, _preload_content=False, _request_timeout=TIMEOUT
                )
                data: Mapping[str, Any] = json.loads(answer.data)
            except self._library.ApiException as error:
                raise self._said(error) from None
            except (HTTPError, OSError, ValueError) as error:
                if tries:
                    continue
                raise EngineAway(
                    f"The cluster of {self._named()} does not answer: {shown(error)}; give the same command "
                    f"again."
                ) from None
            return data

    def _connected(self) -> Any:
        if self._client is None:
            from kubernetes import config

            settings = self._library.Configuration()
            settings.retries = False  # urllib3 would log each, into the view
            try:
                if self.context:
                    config.load_kube_config(_kubeconfig(), self.context, settings)
                else:
                    config.load_incluster_config(client_configuration=settings)
            except Exception as error:  # noqa: BLE001 - of the file, or of a program that it names
                raise EngineAway(f"{self._named()} cannot be used: {shown(error)}.") from None
            self._client = self._library.ApiClient(settings)
        return self._client

    def _said(self, error: Any) -> Refused:
        if error.status == _TOKEN:
            self._client = None  # the kubeconfig is read anew, once somebody has signed in
            return EngineAway(
                f"The cluster of {self._named()} does not know who asks (401): the credentials are wrong "
                f"or have expired; sign in again, and give the same command."
            )
        try:
            message = str(json.loads(error.body or "")["message"])
        except (ValueError, KeyError, TypeError):
            message = str(error.reason or "no reason is given")
        told = f"The cluster of {self._named()} says no ({error.status}): {shown(message)}."
        if error.status == _ABSENT:
            return Absent(told)
        if error.status == _FORBIDDEN:
            return Forbidden(told)
        return Refused(told) if error.status in _WRONG else EngineAway(told)

    def _named(self) -> str:
        return f"the context {self.context!r}" if self.context else "this pod"


class Absent(Refused):
    """There is no such thing in the cluster."""


class Forbidden(Refused):
    """Whoever asks may not do that."""


def shown(what: object) -> str:
    """Write what a cluster says as one line of plain characters, without a full stop."""
    line = " ".join("".join(each if each.isprintable() else " " for each in str(what)).split())
    return (line if len(line) <= LONGEST else f"{line[:LONGEST]}…").rstrip(".")


def _kubeconfig() -> str:
    """Name the file or files; the client would take what KUBECONFIG said when it was imported."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _own_namespace() -> str:
    try:
        return _OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "default"
