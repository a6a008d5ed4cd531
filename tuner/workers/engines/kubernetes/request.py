"""What `--with` says of pods: the image, the namespace, where the database's address and the results lie."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from tuner.errors import Refused

OPTIONS: Mapping[str, str] = {
    "image": "the image of the pods, which has `tuner` and your code in it; needed",
    "namespace": "where the Job is made; by default that of the context",
    "context": "the context of the kubeconfig; by default the current one",
    "secret": "NAME or NAME/KEY of a Secret with the database's URL; by default one is made for the launch",
    "claim": "the PersistentVolumeClaim that takes what workers write; without it that goes with the pod",
    "mount": "the folder in the pods that takes what workers write; /runs by default",
    "env_from": "Secrets, separated by commas, of which each key is a variable of the workers",
    "pull_secret": "the Secret with which the image is pulled",
    "service_account": "the service account of the pods; without it they have no token",
    "gpu_resource": "the resource that is a GPU; nvidia.com/gpu by default",
    "node_selector": "labels that a node must have: KEY=VALUE, separated by commas",
    "tolerations": "keys of taints, separated by commas, that a node may have",
    "autoscaling": "yes where the cluster adds nodes as pods need them: none is looked for beforehand",
}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DATA = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True)
class Request:
    """What pods are made of; each text is a name that Kubernetes takes, or empty.

    Attributes:
        image: empty only where nothing is to be started.
        secret: that holds the database's URL; empty where one is made.
        key: of the Secret.
        mount: an absolute path.
        autoscaling: whether nodes may be added.
    """

    image: str = ""
    namespace: str = ""
    context: str = ""
    secret: str = ""
    key: str = "url"
    claim: str = ""
    mount: str = "/runs"
    env_from: tuple[str, ...] = ()
    pull_secret: str = ""
    service_account: str = ""
    gpu_resource: str = "nvidia.com/gpu"
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[str, ...] = ()
    autoscaling: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Read the options, all of which are known.

        Raises:
            Refused: a value is none that Kubernetes takes.
        """
        read: dict[str, Any] = {}
        for key, value in options.items():
            read |= _READERS.get(key, _named)(key, value)
        return cls(**read)


def _matching(key: str, value: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(value):
        raise Refused(f"--with {key}={value}: this is not taken; write {what}.")
    return value


def _named(key: str, value: str) -> dict[str, Any]:
    pattern = _LABEL if key == "namespace" else _NAME
    return {key: _matching(key, value, pattern, "small letters, digits and dashes")}


def _secret(key: str, value: str) -> dict[str, Any]:
    name, slash, data = value.partition("/")
    _matching(key, name, _NAME, "NAME or NAME/KEY of a Secret")
    return {key: name, "key": _matching(key, data, _DATA, "NAME/KEY of a Secret") if slash else "url"}


def _many(key: str, value: str) -> dict[str, Any]:
    pattern = _NAME if key == "env_from" else _KEY
    return {key: tuple(_matching(key, each, pattern, "NAME,NAME") for each in value.split(","))}


def _is_yes(key: str, value: str) -> dict[str, Any]:
    return {key: _matching(key, value, re.compile("yes|no"), "yes or no") == "yes"}


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
        raise Refused(f"--with node_selector={text}: write labels as KEY=VALUE, separated by commas.")
    return key, value


def _folder(key: str, value: str) -> dict[str, Any]:
    path = PurePosixPath(value)
    if not path.is_absolute() or ".." in path.parts or ":" in value or len(path.parts) < 2:  # noqa: PLR2004 - / and a name
        raise Refused(f"--with mount={value}: write the path of a folder in the pods, such as /runs.")
    return {key: str(path)}


_READERS: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "image": lambda key, value: {key: _matching(key, value, re.compile(r"[!-~]+"), "the name of an image")},
    "context": lambda key, value: {key: value},
    "secret": _secret,
    "mount": _folder,
    "env_from": _many,
    "tolerations": _many,
    "node_selector": lambda key, value: {key: tuple(_pair(each) for each in value.split(","))},
    "gpu_resource": lambda key, value: {
        key: _matching(key, value, _KEY, "a resource, such as nvidia.com/gpu")
    },
    "autoscaling": _is_yes,
}
