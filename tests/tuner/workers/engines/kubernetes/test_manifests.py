"""Manifests are what Kubernetes takes, whatever a study is called, and hold no password."""

import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.contracts.cluster.nodes import expanded
from tests.tuner.workers.engines.kubernetes.conftest import engine, order
from tuner.errors import Refused
from tuner.workers.engines.engine import Resources
from tuner.workers.engines.kubernetes.manifests import job, secret
from tuner.workers.engines.kubernetes.request import Request

EVERYTHING = {
    "namespace": "tuning",
    "claim": "runs",
    "mount": "/shared/runs",
    "env_from": "keys,more-keys",
    "pull_secret": "registry",
    "service_account": "tuner",
    "gpu_resource": "amd.com/gpu",
    "node_selector": "gpu=h100,zone/name=a",
    "tolerations": "nvidia.com/gpu,spot",
}


@pytest.mark.parametrize("version", ["1.29", "1.33", "1.37"])
@pytest.mark.parametrize(
    "options", [{}, EVERYTHING, {"secret": "ours/address"}], ids=["few", "all", "secret"]
)
def test_a_manifest_that_a_cluster_would_not_take_is_never_printed(
    version: str, options: dict[str, str]
) -> None:
    """Each document keeps to the schema of its kind, with no field that the schema does not know."""
    wanted = order("1e5", resources=Resources(2, 8, 1.5))
    printed = list(yaml.safe_load_all(engine(**options).plan(wanted)))
    assert [each["kind"] for each in printed] == (["Job"] if "secret" in options else ["Secret", "Job"])
    for each in printed:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize(
    "study", ["y", "1e5", "0x1F", "no", "a: b", "- x", "'q\"", "#", "~", "é\u2028\n", "12:30"]
)
def test_a_name_that_yaml_reads_as_something_else_reaches_the_worker_as_it_is(study: str) -> None:
    """Readers of YAML 1.1 and 1.2 read the same."""
    printed = engine().plan(order(study))
    for read in (yaml.safe_load_all, YAML(typ="safe").load_all):
        *_, job_of_it = read(printed)
        (container,) = job_of_it["spec"]["template"]["spec"]["containers"]
        assert study in container["command"]
        assert re.search(r'interplay-tuner/launch: "', printed)  # twelve digits and an e would be a number


@given(study=st.text(st.sampled_from("$()ab_TUNER_STORAGE"), min_size=1))
def test_a_name_never_becomes_the_value_of_a_variable(study: str) -> None:
    """`$(TUNER_STORAGE)` in a name would show the database's password to whoever lists processes."""
    (container,) = job(order(study), Request("image"))["spec"]["template"]["spec"]["containers"]
    assert expanded(container["command"][2], {"TUNER_STORAGE": "secret"}) == study


def test_the_password_of_the_database_is_in_nothing_that_is_printed() -> None:
    """It is in the Secret that goes to the cluster, and nowhere else."""
    wanted = order()
    assert "word" not in engine().plan(wanted)
    assert wanted.url not in str(job(wanted, Request("image")))
    assert secret(wanted, Request("image"), wanted.url)["stringData"] == {"url": wanted.url}


def test_what_a_worker_writes_lies_where_the_claim_is_mounted() -> None:
    """No path of the machine that launches is told to a pod."""
    (*_, printed) = yaml.safe_load_all(engine(claim="runs", mount="/shared/").plan(order()))
    pod = printed["spec"]["template"]["spec"]
    assert "/home/me/runs" not in str(printed)
    assert pod["containers"][0]["command"][3:5] == ["--output", "/shared"]
    assert pod["containers"][0]["volumeMounts"][0] == {"name": "runs", "mountPath": "/shared"}
    assert pod["volumes"][0] == {"name": "runs", "persistentVolumeClaim": {"claimName": "runs"}}


def test_a_pod_has_more_time_to_leave_than_its_worker_takes() -> None:
    """Kubernetes kills it only after the grace period that the worker knows."""
    assert job(order(), Request("image"))["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 5


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("image", ""),
        ("image", "two words"),
        ("namespace", "../kube-system"),
        ("namespace", "a.b"),
        ("secret", "tuner/"),
        ("secret", "Tuner"),
        ("claim", "a/b"),
        ("mount", "runs"),
        ("mount", "/"),
        ("mount", "/a/../etc"),
        ("env_from", "keys,"),
        ("node_selector", "gpu"),
        ("node_selector", "gpu=a b"),
        ("tolerations", "a key"),
        ("gpu_resource", "nvidia.com/"),
        ("autoscaling", "maybe"),
    ],
)
def test_a_name_that_kubernetes_does_not_take_is_refused_at_once(option: str, value: str) -> None:
    """The sentence names the option and what to write."""
    with pytest.raises(Refused, match=rf"^--with {option}=.*write "):
        engine(**{option: value})


def test_a_folder_of_this_machine_takes_no_checkpoints_of_a_pod() -> None:
    """A URL does, and a folder of the claim."""
    for checkpoints in ("s3://bucket/folder", "/runs/checkpoints"):
        assert checkpoints in engine().plan(order(checkpoints=checkpoints))
    with pytest.raises(Refused, match=r"^--checkpoints /tmp/x is a folder of this machine"):
        engine().plan(order(checkpoints="/tmp/x"))  # noqa: S108 - a text


def test_pods_without_an_image_are_refused() -> None:
    """What they should run is said by nobody else."""
    with pytest.raises(Refused, match=r"needs an image .*--with image=NAME"):
        engine().of({}).plan(order())


def test_printing_manifests_needs_no_client_of_kubernetes() -> None:
    """Neither the client nor a cluster is asked for."""
    script = (
        "import sys; sys.modules['kubernetes'] = None\n"
        "from tests.tuner.workers.engines.kubernetes.conftest import engine, order\n"
        "print(engine().plan(order()))"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "completionMode: Indexed" in ended.stdout
