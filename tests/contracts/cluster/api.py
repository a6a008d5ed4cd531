"""A stand-in for the API server of Kubernetes: real HTTP, objects in memory, and a controller of Jobs.

It takes only what the schemas of `kubernetes-validate` take, as a cluster does. Whoever plays the nodes
changes the objects under its lock.
"""

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate

Thing = dict[str, Any]
VERSION = "1.37"
TOKEN = "a token"  # noqa: S105 - of the stand-in
_PATH = re.compile(
    r"/(?:api|apis/(?:batch|authorization\.k8s\.io))/v1(?:/namespaces/(?P<namespace>[^/]+))?"
    r"(?:/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?)?"
)


class Api:
    """The objects of a cluster, and the server that tells and changes them.

    Attributes:
        lock: held by whoever looks at or changes the objects.
        refusals: a status for each method and kind that is refused, such as `("POST", "jobs")`.
        forbidden: what whoever asks may not do, such as `("create", "jobs")`.
        asked: the method and path of each request.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.things: dict[tuple[str, str, str], Thing] = {}
        self.refusals: dict[tuple[str, str], int] = {}
        self.forbidden: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        for name in ("default", "kube-system"):
            self.add("namespaces", "", {"kind": "Namespace", "metadata": {"name": name}})

    def add(self, kind: str, namespace: str, thing: Thing) -> Thing:
        """Take an object."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        thing["metadata"].update(uid=str(uuid.uuid4()), creationTimestamp=now)
        if namespace:
            thing["metadata"]["namespace"] = namespace
        with self.lock:
            self.things[kind, namespace, thing["metadata"]["name"]] = thing
        return thing

    def all(self, kind: str) -> list[Thing]:
        """List the objects of a kind, wherever."""
        with self.lock:
            return [thing for (each, _, _), thing in self.things.items() if each == kind]

    def drop(self, kind: str, thing: Thing) -> None:
        """Forget an object."""
        with self.lock:
            self.things.pop((kind, thing["metadata"].get("namespace", ""), thing["metadata"]["name"]), None)

    def answer(  # noqa: PLR0911 - one for each kind of request
        self, method: str, path: str, query: dict[str, str], body: Thing | None
    ) -> tuple[int, Thing]:
        """Answer a request; gives the status and the object."""
        if path.rstrip("/") == "/version":
            major, minor = VERSION.split(".")
            return 200, {"major": major, "minor": f"{minor}+", "gitVersion": f"v{VERSION}.0"}
        found = _PATH.fullmatch(path)
        assert found, path
        kind, name, namespace = found["kind"] or "namespaces", found["name"], found["namespace"] or ""
        if kind == "namespaces":
            name, namespace = namespace, ""
        if status := self.refusals.get((method, kind)):
            return status, _status(status, f"{kind} is refused")
        if kind == "selfsubjectaccessreviews":
            assert body
            asked = body["spec"]["resourceAttributes"]
            return 201, {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.forbidden}}
        if method == "POST":
            return self._make(kind, namespace, query, body or {})
        if name is None:
            return 200, {"items": list(self._listed(kind, namespace, query)), "metadata": {}}
        thing = self.things.get((kind, namespace, name))
        if thing is None:
            return 404, _status(404, f'{kind} "{name}" not found')
        return self._change(method, kind, thing, body or {})

    def _change(self, method: str, kind: str, thing: Thing, body: Thing) -> tuple[int, Thing]:
        metadata = thing["metadata"]
        if method == "PATCH":
            thing["spec"].update(body["spec"])
        if method == "DELETE":
            if body.get("preconditions", {}).get("uid", metadata["uid"]) != metadata["uid"]:
                return 409, _status(409, "the precondition does not hold")
            if kind in {"jobs", "pods"}:
                own = thing["spec"].get("terminationGracePeriodSeconds", 0)
                grace = min(
                    body.get("gracePeriodSeconds", own), metadata.get("deletionGracePeriodSeconds", own)
                )
                metadata.update(deletionTimestamp="now", deletionGracePeriodSeconds=grace)
            else:
                self.drop(kind, thing)
        return 200, thing

    def _make(self, kind: str, namespace: str, query: dict[str, str], body: Thing) -> tuple[int, Thing]:
        try:
            kubernetes_validate.validate(body, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            return 422, _status(422, str(error.message))
        if ("namespaces", "", namespace) not in self.things:
            return 404, _status(404, f'namespaces "{namespace}" not found')
        if (kind, namespace, body["metadata"]["name"]) in self.things:
            return 409, _status(409, f'{kind} "{body["metadata"]["name"]}" already exists')
        if query.get("dryRun") == "All":
            return 201, body
        made = json.loads(json.dumps(body))
        if texts := made.pop("stringData", None):
            made["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        return 201, self.add(kind, namespace, made)

    def _listed(self, kind: str, namespace: str, query: dict[str, str]) -> Iterator[Thing]:
        chosen = [each.split("=") for each in query.get("labelSelector", "").split(",") if each]
        for each in self.all(kind):
            labels, metadata = each["metadata"].get("labels", {}), each["metadata"]
            if namespace not in {"", metadata.get("namespace", "")}:
                continue
            if all(labels.get(key) == value for key, value in chosen) and (
                kind != "events"
                or f"involvedObject.uid={each['involvedObject']['uid']}" in query["fieldSelector"]
            ):
                yield each


def _status(code: int, message: str) -> Thing:
    return {"kind": "Status", "status": "Failure", "message": message, "code": code}


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            api.on_request(self.command, parts.path)
            with api.lock:
                api.asked.append((self.command, parts.path))
                if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                    status, answer = api.answer(self.command, parts.path, query, body)
                else:
                    status, answer = 401, _status(401, "Unauthorized")
                data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - named by http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            pass

    return Handler


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve an API on a port of this machine; gives its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(url: str, token: str = TOKEN) -> Thing:
    """Write a kubeconfig with one context, `here`."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "stand-in", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "stand-in", "user": "me"}}],
    }
