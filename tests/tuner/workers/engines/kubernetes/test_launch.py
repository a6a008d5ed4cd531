"""A launch on a cluster, from the command line to the pods: the budget is exact, and nothing is left."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from studies.database import schema
from studies.database.open import Database, open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.fleet.launches import launches
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.cluster.nodes import IMAGE
from tests.contracts.servers import postgresql_server
from tests.tuner.small_modules import Hanging, Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.engines.kubernetes.conftest import SmallCluster
from tests.tuner.workers.test_worker import STUDY
from tests.tuner.workers.watching import Watching
from tuner.errors import StudyStopped
from tuner.preparation.prepare import prepare
from tuner.workers.engines.engine import LAUNCH
from tuner.workers.engines.registry import engine_named
from tuner.workers.events import ShownTrial, unseen
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site
from tuner.workers.launchers.placed import EngineLauncher, Placed

pytestmark = IN_MEMORY
ODD = 'it\'s $(TUNER_STORAGE) "no"\n--'  # a name that another program gives a study


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Give the URL of a server that is elsewhere, as far as its name tells."""
    with postgresql_server(address="127.0.0.1") as server:
        there = server.url.replace("@127.0.0.1", "@db.example")
        yield f"{there}?hostaddr=127.0.0.1"


@pytest.fixture
def opened(address: str) -> Iterator[Database]:
    """Open that database, for as long as a test takes."""
    database = open_database(address)
    yield database
    database.engine.dispose()


def made(database: Database, model: type, name: str) -> Ledger:
    """Put a study of six slots into the database."""
    text = STUDY.format(model=f"{model.__module__}.{model.__qualname__}", epochs=2)
    definition = prepare(parse_study_file(text, source="small.yaml", overrides=["study.exploration=1.0"]))
    return create(database, replace(definition, settings=replace(definition.settings, name=name)), text)


def start(ledger: Ledger, url: str, folder: Path, **options: str) -> Placed:
    """Start two workers of a study in the cluster."""
    given = {"image": IMAGE, **options}
    job = Job(url, ledger.name, folder / "runs", grace=10.0)
    launcher = EngineLauncher(Site("kubernetes", given), engine_named("kubernetes", given), ledger)
    return launcher.launch(job, 2, threading.Event())


def left(cluster: SmallCluster) -> list[str]:
    """List what is there of launches."""
    return [kind for kind in ("jobs", "pods", "secrets") for _ in cluster.api.all(kind)]


def soon(holds: Callable[[], bool]) -> None:
    """Wait for what has been begun; pytest's own limit ends a wait that is in vain."""
    while not holds():
        time.sleep(0.05)


def tuner(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    program = Path(sys.executable).with_name("tuner")
    return subprocess.run([program, *words], check=False, capture_output=True, text=True)


def processes(ledger: Ledger) -> list[psutil.Process]:
    """List the processes of the workers that the database knows."""
    with ledger.database.engine.connect() as connection:
        return [psutil.Process(number) for number in connection.scalars(sa.select(schema.workers.c.process))]


def test_a_study_is_launched_followed_and_over_by_one_command(
    cluster: SmallCluster, address: str, opened: Database, tmp_path: Path
) -> None:
    """The budget is spent exactly, no password is shown, and the command ends once the pods have."""
    cluster.api.add("persistentvolumeclaims", "default", {"metadata": {"name": "runs"}})
    file = tmp_path / "small.yaml"
    module = f"{Small.__module__}.{Small.__qualname__}"
    file.write_text(STUDY.format(model=module, epochs=2), encoding="utf-8")
    secret = address.replace("tuner@", "tuner:pass%27word@")
    ended = tuner(
        "launch", str(file), "--on", "kubernetes", "--with", f"image={IMAGE}", "--with", "claim=runs",
        "--workers", "2", "--no-rehearsal", "--no-sharpness",
        "--storage", secret, "--output", str(tmp_path / "here"),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Started 2 workers of small on kubernetes; what they print: kubectl" in ended.stdout
    assert "pass" not in ended.stdout + ended.stderr
    assert "pass" not in str([*cluster.api.all("jobs"), *cluster.api.all("pods")])
    ledger = open_ledger(opened, "small")
    assert (ledger.slots.budget().done, ledger.slots.budget().claimed, launches(ledger)) == (6, 0, [])
    assert {pod["status"]["phase"] for pod in cluster.api.all("pods")} == {"Succeeded"}
    assert (tmp_path / "node" / "runs" / "small").is_dir()


def test_another_command_ends_what_was_launched_and_leaves_nothing(
    cluster: SmallCluster, address: str, opened: Database, tmp_path: Path
) -> None:
    """Job, pods and Secret are gone when it says so, and each pod had its own number."""
    ledger = made(opened, Hanging, "hanging")
    placed = start(ledger, address, tmp_path)
    assert set(left(cluster)) >= {"jobs", "secrets"}
    soon(lambda: ledger.slots.budget().claimed == 2)
    there = processes(ledger)
    (record,) = placed.records
    numbers = {each.environ()[LAUNCH] for each in there}
    assert numbers == {f"kubernetes:{record.identifier}:{index}" for index in (0, 1)}
    ended = tuner("launch", "hanging", "--cancel", "--storage", address)
    assert ended.returncode == 0, ended.stderr
    assert "2 workers ended; 0 of 6 slots are spent" in ended.stdout
    assert not left(cluster)
    assert not any(each.is_running() for each in there)
    assert (ledger.slots.budget().claimed, launches(ledger)) == (0, [])


def test_a_pod_that_is_evicted_is_replaced_and_its_death_not_counted(
    cluster: SmallCluster, address: str, opened: Database, tmp_path: Path
) -> None:
    """However often nodes are drained, the budget is spent exactly; a study may be called anything."""
    ledger = made(opened, Small, ODD)
    placed = start(ledger, address, tmp_path)
    soon(lambda: bool(cluster.nodes.processes))
    with cluster.api.lock:
        evicted = next(iter(cluster.nodes.processes))
        cluster.nodes.evict(
            next(each for each in cluster.api.all("pods") if each["metadata"]["name"] == evicted)
        )
    placed.watch(Watching())
    assert (ledger.slots.budget().done, ledger.slots.budget().claimed, launches(ledger)) == (6, 0, [])
    assert [outcome_of(trial) for trial in ledger.trials()].count(Outcome.COMPLETED) == 6
    (job,), pods = cluster.api.all("jobs"), cluster.api.all("pods")
    (failed,) = [pod for pod in pods if pod["status"]["phase"] == "Failed"]
    assert failed["metadata"]["name"] == evicted
    assert cluster.nodes.action(job["spec"], failed) == "Ignore"
    assert len(pods) == 3


def test_a_worker_that_refuses_its_study_is_not_begun_anew(
    cluster: SmallCluster, address: str, opened: Database, tmp_path: Path
) -> None:
    """Exit code 2 ends its index at once, and what it printed last is told."""
    ledger = made(opened, Small, "refused")
    ledger.study.set_user_attr("tuner:code", {"nowhere": "another"})
    with pytest.raises(StudyStopped, match=r"have ended before it was over: exit code 2, Error: .*refused"):
        start(ledger, address, tmp_path).follow(unseen, threading.Event())
    assert len(cluster.api.all("pods")) == 2


def test_a_cluster_that_goes_away_ends_no_view(
    cluster: SmallCluster, address: str, opened: Database, tmp_path: Path
) -> None:
    """The trials are followed by the database, and the pods again once the cluster answers."""
    ledger = made(opened, Small, "away")
    placed = start(ledger, address, tmp_path)
    cluster.api.refusals["GET", "jobs"] = 503

    class Returns(Watching):
        def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
            cluster.api.refusals.clear()

    placed.watch(Returns())
    assert (ledger.slots.budget().done, launches(ledger)) == (6, [])
