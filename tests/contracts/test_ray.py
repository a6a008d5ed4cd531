"""Workers on Ray: nodes and actors may die, the launcher too, and nothing is left when the study is over."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from studies.database import schema
from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.outcomes import Outcome
from tests.contracts.ray_cluster import Node, RayCluster, ray_cluster
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import STUDY, make_ledger
from tests.tuner.workers.watching import Watching
from tuner.errors import Refused, StudyStopped
from tuner.preparation.prepare import prepare
from tuner.workers.engines.engine import ENDED, LAUNCH, EngineAway, Resources
from tuner.workers.engines.registry import engine_named
from tuner.workers.events import ShownTrial
from tuner.workers.gpus import VISIBLE
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site, ordered
from tuner.workers.launchers.placed import EngineLauncher, Placed

pytestmark = IN_MEMORY

SECRET = "s3cret-of-the-database"  # noqa: S105 - of a test
PATIENCE = 280.0  # seconds; a busy machine is no failure


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


def start(ledger: Ledger, folder: Path, workers: int = 2, **more: object) -> Placed:
    """Start workers of a study in a SQLite file."""
    job = Job(f"sqlite:///{folder}/tuner.db", ledger.name, folder / "runs", grace=10.0)
    site = Site("ray", **more)  # type: ignore[arg-type]
    return EngineLauncher(site, engine_named("ray", {}), ledger).launch(job, workers, threading.Event())


def workers_on(node: Node) -> list[psutil.Process]:
    """List the workers on a node, short of what they have started."""
    found = []
    for process in node.processes():
        with suppress(psutil.Error):
            if process.cmdline()[2:3] == ["worker"] and LAUNCH in process.environ():
                found.append(process)
    return found


class Murderer(Watching):
    """Does something terrible as each of some trials begins."""

    def __init__(self, *crimes: Callable[[], None]) -> None:
        self.crimes = list(crimes)

    def started(self, running: ShownTrial) -> None:
        """Do the next."""
        if self.crimes:
            self.crimes.pop(0)()


def test_the_budget_is_exact_though_actors_and_a_node_are_killed(tmp_path: Path) -> None:
    """Ray begins killed actors anew, those of a dead node on another, and the actors end with the study."""
    with ray_cluster() as cluster:
        cluster.start()
        second = cluster.start()
        ledger = make_ledger(tmp_path, Small, epochs=20, trials=12, exploration=1.0)

        def kill_an_actor() -> None:
            for process in (each for node in cluster.nodes for each in node.held()[:1]):
                process.kill()

        def kill_the_node() -> None:
            dead = [process.pid for process in second.processes()]
            second.kill()
            with ledger.database.engine.begin() as connection:  # what a minute without renewal comes to
                lapsed = sa.update(schema.workers).where(schema.workers.c.process.in_(dead))
                connection.execute(lapsed.values(lease=0.0))

        running = start(ledger, tmp_path)
        running.follow(Murderer(kill_an_actor, kill_the_node, kill_an_actor), threading.Event())
        outcomes = [record.outcome for record in ledger.records()]
        assert outcomes.count(Outcome.COMPLETED) == ledger.slots.budget().done == 12
        assert ledger.slots.budget().claimed == 0
        until(lambda: not any(node.held() for node in cluster.nodes))
        assert not [process for node in cluster.nodes for process in workers_on(node)]


@pytest.fixture
def on_server(postgresql_url: str) -> Iterator[tuple[str, Ledger]]:
    """Give a study whose trials take long, on a server, and its URL with a password."""
    url = make_url(postgresql_url).set(password=SECRET).render_as_string(hide_password=False)
    name = f"long-{os.getpid()}"
    text = STUDY.format(model=f"{Small.__module__}.{Small.__qualname__}", epochs=100_000)
    definition = prepare(parse_study_file(text, source="long.yaml", overrides=[f"study.name={name}"]))
    ledger = create(open_database(url), definition, text)
    yield url, ledger
    ledger.database.engine.dispose()


def test_workers_outlive_a_killed_launcher_and_another_process_ends_them(
    one_node: RayCluster, on_server: tuple[str, Ledger], tmp_path: Path
) -> None:
    """They leave in order, so no trial counts as lost, and the password is in no log and no command line."""
    url, ledger = on_server
    tuner = [str(Path(sys.executable).parent / "tuner"), "launch", ledger.name]
    environment = {**os.environ, "TUNER_STORAGE": url}
    options = ["--on", "ray", "--workers", "2", "--quiet", "--output", str(tmp_path / "runs")]
    launcher = subprocess.Popen([*tuner, *options], env=environment, start_new_session=True)
    until(lambda: ledger.slots.budget().claimed == 2)
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    (node,) = one_node.nodes
    assert len(workers_on(node)) == 2
    shown = "".join(" ".join(process.cmdline()) for process in node.processes())
    subprocess.run([*tuner, "--cancel"], env=environment, check=True, timeout=PATIENCE)
    assert not node.held()
    assert not workers_on(node)
    assert ledger.slots.budget().claimed == 0
    assert {record.outcome for record in ledger.records()} == {Outcome.PREEMPTED}
    logs = [path for path in one_node.folder.rglob("*") if path.is_file() and "plasma" not in path.name]
    assert SECRET not in shown
    assert not [path for path in logs if SECRET.encode() in path.read_bytes()]


def test_a_worker_sees_the_gpus_that_ray_gave_it_and_no_others(one_node: RayCluster, tmp_path: Path) -> None:
    """It trains on no other, and on none where it asked for none."""
    seen = []
    for gpus in (1, 0):
        (tmp_path / str(gpus)).mkdir()
        ledger = make_ledger(tmp_path / str(gpus), Small, epochs=100_000)
        running = start(ledger, tmp_path / str(gpus), 1, resources=Resources(gpus))
        until(lambda: bool(workers_on(one_node.nodes[0])))
        seen.append([each.environ().get(VISIBLE) for each in workers_on(one_node.nodes[0])])
        running.cancel(now=True)
    assert seen == [["0"], [""]]


def test_a_worker_that_cannot_begin_ends_in_a_sentence(one_node: RayCluster, tmp_path: Path) -> None:
    """A node without the interpreter that was named begins nothing again and again."""
    ledger = make_ledger(tmp_path, Small)
    running = start(ledger, tmp_path, python="/nowhere/python")
    with pytest.raises(
        StudyStopped, match=r"before it was over: /nowhere/python cannot be started on the node"
    ):
        running.watch(Watching())
    running.cancel()


def test_what_no_node_has_is_refused_with_what_the_largest_has(one_node: RayCluster, tmp_path: Path) -> None:
    """The sentence names both."""
    ledger = make_ledger(tmp_path, Small)
    with pytest.raises(
        Refused, match=r"--gpus-per-worker 3: no node .* the largest, .*, has 1 GPUs, 2 cores"
    ):
        start(ledger, tmp_path, resources=Resources(3))


def test_a_launch_of_another_cluster_is_not_looked_for_on_this_one(one_node: RayCluster) -> None:
    """A database cannot name the cluster that is connected to."""
    engine = engine_named("ray", {})
    with pytest.raises(EngineAway, match=r"RAY_ADDRESS=192\.0\.2\.99:6379"):
        engine.states("192.0.2.99:6379/0123456789ab/2")
    with pytest.raises(Refused, match="none that --on ray has made"):
        engine.states("whatever")
    here = f"{one_node.address}/0123456789ab/2"
    assert [state.state for state in engine.states(here)] == [ENDED, ENDED]
    engine.cancel(here, 0.0)


def test_a_cluster_of_one_machine_may_share_a_file(one_node: RayCluster, tmp_path: Path) -> None:
    """Its nodes are all this machine; the plan shows no password."""
    engine = engine_named("ray", {})
    job = Job(f"postgresql://me:{SECRET}@host/tuner", "small", tmp_path, grace=10.0)
    order = ordered(job, 3, Site("ray"))
    assert engine.is_one_machine()
    engine.check(order)
    assert "3 detached actors" in engine.plan(order)
    assert SECRET not in engine.plan(order)
