"""The page of the workers: what each trains, since when, and which were lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from studies.ledger.following import TrialLine
from studies.ledger.workers import LEASE, WorkerRecord
from tuner.web.known.studies import Known, KnownStudy
from tuner.web.pages.shown import page
from tuner.web.site import Site


@dataclass(frozen=True)
class Held:
    """A slot that a worker holds: its study, and the trial that runs in it, once there is one."""

    study: KnownStudy
    slot: int
    trial: TrialLine | None


@dataclass(frozen=True)
class Row:
    """A worker, and what it trains; `silent` is how many seconds ago it was heard of."""

    worker: WorkerRecord
    held: Sequence[Held]
    silent: float

    @property
    def is_lost(self) -> bool:
        """Whether its lease has lapsed."""
        return self.worker.left <= 0


def show_workers(site: Site, known: Known, request: Request) -> Response:
    """Show the workers that have not left, those that still work first."""
    there = known.all()
    studies = {study.following.ledger: study for study in there if study.ledger is not None}
    listed = known.workers(there)
    rows = [
        Row(
            worker,
            [_held(studies[ledger], slot) for ledger, slot in worker.slots if ledger in studies],
            max(0.0, LEASE - worker.left),
        )
        for worker in listed
    ]
    return page(site, request, "workers.html", rows=sorted(rows, key=lambda row: row.is_lost))


def _held(study: KnownStudy, slot: int) -> Held:
    running = [line for line in study.lines().running if line.slot == slot]
    return Held(study, slot, running[-1] if running else None)
