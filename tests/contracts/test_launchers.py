"""What every launcher behind the door keeps to: an exact budget, and nothing left behind."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from studies.database import schema
from studies.ledger.ledger import Ledger
from tests.contracts.servers import database_of_its_own
from tests.tuner.small_modules import Dawdling, Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger, work
from tests.tuner.workers.watching import Watching
from tuner.workers.engines.registry import engine_named
from tuner.workers.events import ShownTrial
from tuner.workers.launchers.launcher import Job, Launcher
from tuner.workers.launchers.local import LocalLauncher
from tuner.workers.launchers.ordering import Site
from tuner.workers.launchers.placed import EngineLauncher

pytestmark = IN_MEMORY


def on_engine(name: str, **options: str) -> Callable[[Ledger], Launcher]:
    """Give the launcher of an engine."""
    return lambda ledger: EngineLauncher(Site(name, options), engine_named(name, options), ledger)


LAUNCHERS: dict[str, tuple[Callable[[Ledger], Launcher], int]] = {
    "in this process": (LocalLauncher, 1),
    "in processes of their own": (LocalLauncher, 2),
    "on this machine, detached": (on_engine("local"), 2),
    "on a Ray cluster": (on_engine("ray"), 2),
    "on Slurm": (on_engine("slurm"), 2),
}
SERVERS = {"on a Ray cluster": "one_node", "on Slurm": "cluster"}  # what has to run before
SPANNING = {"on Slurm"}  # whose workers share no SQLite file


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[int | None, float | None]:
    """Give the score of each slot that explores, where one worker trains them in turn."""
    folder = tmp_path_factory.mktemp("alone")
    ledger = make_ledger(folder, Small, exploration=1.0)
    work(ledger, folder)
    return {record.slot: record.score for record in ledger.records()}


@pytest.fixture(params=LAUNCHERS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database that all workers of a launcher reach; what they need runs meanwhile."""
    if request.param in SERVERS:
        request.getfixturevalue(SERVERS[request.param])
    if request.param not in SPANNING:
        yield f"sqlite:///{tmp_path}/tuner.db"
        return
    with database_of_its_own(request.getfixturevalue("postgresql_url")) as fresh:
        yield fresh


@pytest.fixture
def epochs() -> int:
    """Give how long a trial is."""
    return 2


@pytest.fixture
def model() -> type:
    """Give what is trained."""
    return Small


@pytest.fixture
def launched(
    request: pytest.FixtureRequest, url: str, tmp_path: Path, model: type, epochs: int
) -> Iterator[tuple[Launcher, int, Ledger, Job]]:
    """Every launcher, with how many workers it starts, and a study of six slots."""
    make, workers = LAUNCHERS[request.node.callspec.params["url"]]
    ledger = make_ledger(tmp_path, model, epochs, url, exploration=1.0)
    yield make(ledger), workers, ledger, Job(url, ledger.name, tmp_path / "runs", grace=10.0)
    ledger.database.engine.dispose()


def left_behind(ledger: Ledger) -> tuple[int, int]:
    """Count the slots that are claimed, and the workers that the database knows."""
    with ledger.database.engine.connect() as connection:
        workers = connection.scalar(sa.select(sa.func.count()).select_from(schema.workers))
    return ledger.slots.budget().claimed, int(workers or 0)


def test_no_worker_is_left_when_the_study_is_over(
    launched: tuple[Launcher, int, Ledger, Job], scores: dict[int | None, float | None]
) -> None:
    """The budget is spent exactly, no slot is held, no worker known, no process of one is there.

    Each slot that explores scores what it scores anywhere else.
    """
    launcher, workers, ledger, job = launched
    before = {child.pid for child in psutil.Process().children()}
    running = launcher.launch(job, workers, threading.Event())
    try:
        running.watch(Watching())
    finally:
        running.cancel()
    assert (ledger.slots.budget().done, *left_behind(ledger)) == (6, 0, 0)
    assert {record.slot: record.score for record in ledger.records()} == scores
    others = [child for child in psutil.Process().children() if child.pid not in before]
    assert not [child for child in others if "forkserver" not in " ".join(child.cmdline())]


class StopsIn(Watching):
    """Asks the workers to leave when the first trial has begun."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop, self.seen = stop, 0

    def started(self, running: ShownTrial) -> None:
        """Ask."""
        self.seen += 1
        self.stop.set()


@pytest.mark.parametrize(("model", "epochs"), [(Dawdling, 60)])  # half a minute, in which they are asked to
def test_workers_that_are_asked_to_leave_hold_no_slot_and_others_go_on(
    launched: tuple[Launcher, int, Ledger, Job], tmp_path: Path
) -> None:
    """What they have not done is open at once, and the same launcher spends the rest."""
    launcher, workers, ledger, job = launched
    stop = threading.Event()
    view = StopsIn(stop)
    running = launcher.launch(job, workers, stop)
    running.watch(view)
    running.cancel()
    assert view.seen
    assert left_behind(ledger) == (0, 0)
    assert ledger.slots.budget().done < 6
    (tmp_path / "hurry").touch()
    again = launcher.launch(job, workers, threading.Event())
    again.watch(Watching())
    again.cancel()
    assert (ledger.slots.budget().done, *left_behind(ledger)) == (6, 0, 0)


def test_a_launch_that_nobody_watches_leaves_nothing_when_it_is_cancelled(
    launched: tuple[Launcher, int, Ledger, Job],
) -> None:
    """Whatever the workers had begun, their slots are open and they are gone."""
    launcher, workers, ledger, job = launched
    launcher.launch(job, workers, threading.Event()).cancel()
    assert left_behind(ledger) == (0, 0)
