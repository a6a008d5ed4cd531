"""A small cluster on this machine: the stand-in for its API, and pods that are processes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.contracts.cluster.api import Api, kubeconfig, serving
from tests.contracts.cluster.nodes import Nodes, running
from tuner.workers.engines.engine import Order, Resources
from tuner.workers.engines.kubernetes.engine import Kubernetes


@dataclass(frozen=True)
class SmallCluster:
    """Its API, its node, and the file by which it is found."""

    api: Api
    nodes: Nodes
    file: Path

    def reached_by(self, url: str, token: str) -> None:
        """Write another address or token into the kubeconfig."""
        self.file.write_text(yaml.safe_dump(kubeconfig(url, token)), encoding="utf-8")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallCluster]:
    """Run a cluster, which is the one of the current context."""
    api, file = Api(), tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    with serving(api) as url, running(Nodes(api, tmp_path / "node")) as nodes:
        made = SmallCluster(api, nodes, file)
        made.reached_by(url, "a token")
        yield made


def order(
    study: str = "mine", *, workers: int = 2, resources: Resources | None = None, **changes: str
) -> Order:
    """Write an order; nothing of it is there."""
    url = changes.get("url", "postgresql://tuner:a'pass\"word@db.example/tuner")
    options = ("--output", "/home/me/runs", "--grace", "5")
    if "checkpoints" in changes:
        options += ("--checkpoints", changes["checkpoints"])
    here = Path(os.sep)
    return Order(
        "0123456789ab", "kubernetes", study, url, options, here / "launches", here, workers,
        resources or Resources(), 5.0,
    )  # fmt: skip


def engine(**options: str) -> Kubernetes:
    """Make the engine."""
    return Kubernetes.of({"image": "registry.example/project:1", **options})
