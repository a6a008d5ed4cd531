"""What a cluster does not have or allow is said in a sentence, and nothing is made or deleted for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.servers import free_port
from tests.tuner.workers.engines.kubernetes.conftest import SmallCluster, engine, order
from tuner.errors import Refused
from tuner.workers.engines.engine import EngineAway, Resources

JOB = "0123456789ab/2/default/-/here"


def made(cluster: SmallCluster) -> list[str]:
    """List what a launch has made and is there."""
    return [kind for kind in ("jobs", "pods", "secrets") for _ in cluster.api.all(kind)]


def node(**allocatable: str) -> dict[str, Any]:
    """Write a node."""
    return {"metadata": {"name": "node-1"}, "spec": {}, "status": {"allocatable": allocatable}}


@pytest.mark.parametrize(
    ("options", "changes", "sentence"),
    [
        (
            {"namespace": "nowhere"},
            {},
            r"--with namespace=nowhere: there is none of this name in the cluster",
        ),
        ({"secret": "none"}, {}, r"--with secret=none: there is none of this name in the namespace default"),
        ({"claim": "none"}, {}, r"--with claim=none: there is none"),
        ({"secret": "ours"}, {}, r"its keys are address, and none is 'url'; write secret=ours/KEY"),
        ({"context": "there"}, {}, r"--with context=there: the kubeconfig has no such context; it has here"),
        ({}, {"url": "postgresql://a@localhost/b"}, r"names this machine itself.* --with secret=NAME"),
        ({}, {"url": "postgresql://a@127.3.2.1/b"}, r"names this machine itself"),
        ({}, {"url": "postgresql:///b?host=/var/run"}, r"names this machine itself"),
        ({}, {"url": "mysql://a@/b"}, r"names this machine itself"),
        (
            {},
            {"gpus": 4},
            r"--gpus-per-worker 4: no node gives a pod more than 2 nvidia.com/gpu; ask for less, or",
        ),
        ({"gpu_resource": "amd.com/gpu"}, {"gpus": 1}, r"more than 0 amd.com/gpu"),
        ({}, {"memory": 64.0}, r"--memory-per-worker 64: no node gives a pod more than 8.59 GB"),
        ({"node_selector": "gpu=no"}, {"cpus": 1}, r"no node with gpu=no gives a pod more than 0 cores"),
    ],
)
def test_what_a_cluster_does_not_have_is_refused_before_anything_is_made(
    cluster: SmallCluster, options: dict[str, str], changes: dict[str, Any], sentence: str
) -> None:
    """The sentence names the option, what there is, and what to write."""
    data = {"metadata": {"name": "ours"}, "data": {"address": ""}}
    cluster.api.add("secrets", "default", data)
    cluster.api.add("nodes", "", node(**{"nvidia.com/gpu": "2", "cpu": "3920m", "memory": "8Gi"}))
    resources = Resources(
        *(changes.pop(name, default) for name, default in (("gpus", 0), ("cpus", None), ("memory", None)))
    )
    with pytest.raises(Refused, match=sentence):
        engine(**options).check(order(resources=resources, **changes))
    assert made(cluster) == ["secrets"]


def test_more_than_the_nodes_have_is_asked_for_where_nodes_are_added_or_not_shown(
    cluster: SmallCluster,
) -> None:
    """A pool of GPUs may have no node until a pod needs one; nothing is claimed of what may not be read."""
    wanted = order(resources=Resources(8))
    engine(autoscaling="yes").check(wanted)
    cluster.api.refusals["GET", "nodes"] = 403
    engine().check(wanted)
    assert not made(cluster)


def test_whoever_may_not_make_jobs_is_told_what_role_is_missing(cluster: SmallCluster) -> None:
    """A Secret that is there already needs fewer rights."""
    cluster.api.forbidden = {("create", "secrets"), ("delete", "pods")}
    with pytest.raises(
        Refused, match=r"you may not delete pods, create secrets in the namespace default; ask for"
    ):
        engine().check(order())
    cluster.api.forbidden = {("create", "secrets")}
    cluster.api.add("secrets", "default", {"metadata": {"name": "ours"}, "data": {"url": ""}})
    engine(secret="ours").check(order())  # noqa: S106 - its name


def test_what_the_cluster_itself_refuses_is_told_in_its_words(cluster: SmallCluster) -> None:
    """Such as a quota or a policy, which is asked before the study is made."""
    cluster.api.refusals["POST", "jobs"] = 403
    with pytest.raises(
        Refused, match=r"^The cluster of the context 'here' says no \(403\): jobs is refused\.$"
    ):
        engine().check(order())


def test_expired_credentials_are_told_apart_from_a_cluster_that_is_away(cluster: SmallCluster) -> None:
    """Whoever signs in again goes on, without another start of the command."""
    running = engine()
    url = json.loads(json.dumps(cluster.file.read_text(encoding="utf-8"))).partition("server: ")[2].split()[0]
    cluster.reached_by(url, "an old token")
    with pytest.raises(EngineAway, match=r"does not know who asks \(401\).*sign in again"):
        running.states(JOB)
    cluster.reached_by(url, "a token")
    assert not running.states(JOB)
    cluster.reached_by(f"http://127.0.0.1:{free_port(None)}", "a token")
    with pytest.raises(EngineAway, match=r"The cluster of the context 'here' does not answer: .*refused"):
        engine().states(JOB)


@pytest.mark.parametrize("text", ["", "contexts: 3", "{", "apiVersion: v1\nkind: Config\ncontexts: []\n"])
def test_a_kubeconfig_that_names_no_cluster_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Whatever stands in it."""
    file = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(file))
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=r"^--on kubernetes.*\.$"):
        engine().check(order())


@pytest.mark.parametrize(
    "job",
    [
        "",
        "x",
        "0123456789ab/2/../kube-system/-/here",
        "0123456789ab/2/default/-",
        "ABCDEF012345/1/default/-/here",
    ],
)
def test_a_record_that_names_something_else_reaches_no_cluster(cluster: SmallCluster, job: str) -> None:
    """Whoever may write to the database cannot have a Job deleted that is not a launch's."""
    for act in (engine().states, lambda job: engine().cancel(job, 0.0), engine().where_printed):
        with pytest.raises(Refused, match="none that --on kubernetes has made"):
            act(job)
    assert not cluster.api.asked


def test_a_job_without_our_labels_is_never_deleted(cluster: SmallCluster) -> None:
    """Even where it is called as a launch would be."""
    cluster.api.add(
        "jobs", "default", {"metadata": {"name": "tuner-0123456789ab"}, "spec": {"suspend": True}}
    )
    engine().cancel(JOB, 0.0)
    assert not engine().states(JOB)
    assert made(cluster) == ["jobs"]
    assert "DELETE" not in {method for method, _ in cluster.api.asked}


def test_another_cluster_of_the_same_name_is_never_taken_for_the_one_of_a_launch(
    cluster: SmallCluster,
) -> None:
    """The launch would seem to be over, and be forgotten while its workers go on."""
    with pytest.raises(EngineAway, match="in another cluster than the one that the context 'here' names"):
        engine().states(JOB.replace("-", "00000000"))
    with pytest.raises(EngineAway, match=r"a cluster that is not known here: .*no such context"):
        engine().states(JOB.replace("here", "gone"))
    with pytest.raises(EngineAway, match="were started from a pod of their cluster"):
        engine().states(JOB.removesuffix("here"))


def test_a_launch_whose_secret_is_refused_leaves_no_job(cluster: SmallCluster) -> None:
    """What was made is deleted, and the error told."""
    cluster.api.refusals["POST", "secrets"] = 500
    with pytest.raises(EngineAway, match="says no"):
        engine().submit(order())
    assert not made(cluster)


def test_a_launcher_that_is_killed_before_the_secret_is_made_leaves_no_pod(cluster: SmallCluster) -> None:
    """The Job is suspended, so it holds no node; it holds no password either."""

    def kill(method: str, path: str) -> None:
        if (method, path.rpartition("/")[2]) == ("POST", "secrets"):
            os.kill(launcher.pid, signal.SIGKILL)

    cluster.api.on_request = kill
    script = (
        "from tests.tuner.workers.engines.kubernetes.conftest import engine, order; engine().submit(order())"
    )
    launcher = subprocess.Popen([sys.executable, "-c", script])
    assert launcher.wait() == -signal.SIGKILL
    cluster.api.on_request = lambda method, path: None
    (job,) = cluster.api.all("jobs")
    assert job["spec"]["suspend"]
    assert not cluster.api.all("pods")
    states = engine().states(JOB)
    assert {(each.state, each.why) for each in states} == {("waiting", "the Job is suspended")}
    engine().cancel(JOB, 0.0)
    assert "jobs" not in made(cluster)


def test_pods_that_are_not_made_say_why(cluster: SmallCluster) -> None:
    """Such as a quota that is used up, of which only the Job's events tell."""
    cluster.nodes.is_quota_used_up = True
    job = engine().submit(order())
    while not cluster.api.all("events"):
        assert cluster.api.all("jobs")
    assert {each.why for each in engine().states(job)} == {"pods are forbidden: exceeded quota"}
    cluster.api.refusals["GET", "events"] = 403
    assert {each.why for each in engine().states(job)} == {""}
    engine().cancel(job, 0.0)
    assert not made(cluster)
