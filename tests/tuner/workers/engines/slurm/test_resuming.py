"""Tasks that Slurm ends in the middle of an epoch: each slot goes on from its checkpoint."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from tests.contracts.servers import database_of_its_own
from tests.contracts.slurm import Cluster
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import work
from tests.tuner.workers.watching import Watching
from tuner.preparation.prepare import prepare
from tuner.workers.engines.engine import WAITING, log_of
from tuner.workers.engines.registry import engine_named
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site
from tuner.workers.launchers.placed import EngineLauncher, Placed

pytestmark = [IN_MEMORY, pytest.mark.timeout(900)]  # a busy machine takes minutes to import torch

GRACE = 10.0
STUDY = """
study: {name: waiting, metric: val_loss, trials: 2, seed: 3, exploration: 1.0}
trainer: {max_epochs: 150}
model: {class_path: waits_for_go.Waiting}
space: {add: {model.init_args.lr: {low: 1e-3, high: 1e-1, log: true}}}
"""
MODULE = """
import time
from pathlib import Path

import torch
from pytorch_lightning import LightningModule

class Waiting(LightningModule):
    # Epochs take seconds until a file `go` is there; batches of zeros change nothing.

    def __init__(self, lr: float = 0.01):
        super().__init__()
        self.lr = lr
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def on_train_epoch_start(self):
        with open("epochs", "a") as file:
            file.write(f"{self.lr} {self.current_epoch}\\n")

    def training_step(self, batch, batch_idx):
        return (((self.weight - 1) * batch) ** 2).sum()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", ((self.weight - 1) ** 2).sum())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def train_dataloader(self):
        return Batches(self)

    def val_dataloader(self):
        return [torch.zeros(1)]

class Batches:
    def __init__(self, module):
        self.module = module

    def __iter__(self):
        yield torch.ones(1)
        for _ in range(100):
            if not Path("go").exists():
                time.sleep(0.02)
                yield torch.zeros(1)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a folder with the module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("waits_for_go.py").write_text(MODULE)
    return tmp_path


def make(url: str) -> Ledger:
    """Put the study into a database."""
    return create(open_database(url), prepare(parse_study_file(STUDY, source="waiting.yaml")), STUDY)


def scores(ledger: Ledger) -> dict[int | None, float | None]:
    """Give the score of each slot that is spent."""
    return {record.slot: record.score for record in ledger.records() if record.score is not None}


def epochs() -> dict[str, list[str]]:
    """Give the epochs that each slot, by its learning rate, has begun."""
    lines = Path("epochs").read_text().splitlines() if Path("epochs").exists() else []
    pairs = [line.split() for line in lines]
    return {lr: [epoch for rate, epoch in pairs if rate == lr] for lr, _ in pairs}


def requeue(cluster: Cluster, placed: Placed) -> None:
    """Requeue both tasks in the middle of an epoch."""
    for job, _ in cluster.jobs():
        cluster.call("scontrol", "requeue", job)
    cluster.until(lambda: [each.state for each in placed.states()] == [WAITING] * 2)


def wait_for_limit(cluster: Cluster, placed: Placed) -> None:
    """Let both tasks come to the end of their time, of which Slurm warns them within half a minute."""
    (record,) = placed.records
    for job, _ in cluster.jobs():
        cluster.call("scontrol", "update", f"jobid={job}", "EndTime=now+70")
    logs = [log_of(Path(record.folder), index) for index in range(2)]
    cluster.until(lambda: all("asked to requeue" in log.read_text() for log in logs), 120.0)


@pytest.mark.parametrize(("end", "options"), [(requeue, {}), (wait_for_limit, {"time": "20"})])
def test_a_task_that_slurm_ends_goes_on_from_its_checkpoint(
    cluster: Cluster,
    postgresql_url: str,
    folder: Path,
    end: Callable[[Cluster, Placed], None],
    options: dict[str, str],
) -> None:
    """No epoch is trained twice, and the scores are those of a run in one piece."""
    with database_of_its_own(postgresql_url) as url:
        ledger = make(url)
        launcher = EngineLauncher(Site("slurm", options), engine_named("slurm", options), ledger)
        placed = launcher.launch(Job(url, ledger.name, folder / "runs" / "w", GRACE), 2, threading.Event())
        try:
            cluster.until(lambda: [len(each) > 1 for each in epochs().values()] == [True, True], 300.0)
            end(cluster, placed)
            Path("go").touch()
            begun = time.monotonic()
            while len(scores(ledger)) < 2 and time.monotonic() < begun + 300:
                cluster.begin_now()
                time.sleep(0.5)
            placed.watch(Watching())
            interrupted, seen = scores(ledger), epochs()
        finally:
            placed.cancel(now=True)
            ledger.database.engine.dispose()
    assert list(seen.values()) == [[str(epoch) for epoch in range(150)]] * 2
    whole = make(f"sqlite:///{folder}/whole.db")
    work(whole, folder / "whole")
    assert interrupted == scores(whole)
    assert len(interrupted) == 2
