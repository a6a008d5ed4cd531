"""What an engine is asked for: where, what each worker needs, and whether that can be."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition
from studies.ledger.fleet.workers import worker_token
from tuner.errors import Refused
from tuner.workers.code.here import refuse_elsewhere
from tuner.workers.engines.engine import Engine, Order, Resources
from tuner.workers.launchers.launcher import Job


@dataclass(frozen=True)
class Site:
    """Where workers are started.

    Attributes:
        engine: the name of the engine.
        options: of the engine.
        resources: what each worker needs.
        python: the interpreter that has `interplay-tuner` there; by default that of this process.
    """

    engine: str
    options: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    python: str = sys.executable


def ordered(job: Job, workers: int, site: Site) -> Order:
    """Write what an engine is asked for; nothing is made or started."""
    token = worker_token()
    options = ["--output", str(job.folder.parent), "--grace", f"{job.grace:g}"]
    if job.checkpoints is not None:
        options += ["--checkpoints", job.checkpoints]
    return Order(
        token,
        site.engine,
        job.study,
        job.url,
        tuple(options),
        job.folder / "launches" / token,
        Path.cwd(),
        workers,
        site.resources,
        job.grace,
        site.python,
    )


def refuse_impossible(engine: Engine, order: Order, definition: StudyDefinition) -> None:
    """Refuse what cannot be, before anything is made.

    Raises:
        Refused: only another program can train the study, a worker gets too few GPUs, the database is a file
            that not all workers reach, or the engine says so.
        EngineAway: the engine does not answer.
    """
    refuse_elsewhere(order.study, definition)
    gpus, devices = order.resources.gpus, TrialLength.of(definition.fixed).devices or 1
    if 0 < gpus < devices:
        raise Refused(
            f"--gpus-per-worker {gpus}: a trial of {order.study!r} trains on {devices} devices; "
            f"write --gpus-per-worker {devices}."
        )
    engine.check(order)
    if order.url.startswith("sqlite") and not engine.is_one_machine():
        raise Refused(
            f"{order.study!r} lies in a SQLite file, which several machines cannot share; keep it in "
            f"PostgreSQL or MySQL: --storage postgresql://user@host/database."
        )
