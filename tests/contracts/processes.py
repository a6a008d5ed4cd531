"""What processes do that share a study in a test; each begins with no connection, as workers do."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

from studies.database.open import open_database
from studies.definition.study import StudyDefinition
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome

Job = Callable[..., Any]


def run_at_once(count: int, job: Job, *arguments: Any) -> list[Any]:
    """Run a job in `count` processes that begin at the same moment, and give what each returned."""
    context = multiprocessing.get_context("forkserver")
    start, results = context.Barrier(count), context.Queue()
    processes = [context.Process(target=_run, args=(start, results, job, arguments)) for _ in range(count)]
    for process in processes:
        process.start()
    given = [results.get(timeout=240) for _ in processes]
    for process in processes:
        process.join()
    failed = [result for result in given if isinstance(result, Exception)]
    if failed:
        raise failed[0]
    return given


def _run(start: Barrier, results: "Queue[Any]", job: Job, arguments: tuple[Any, ...]) -> None:
    start.wait()
    try:
        results.put(job(*arguments))
    except Exception as error:  # noqa: BLE001 - handed to the test, which raises it
        results.put(RuntimeError(f"{type(error).__name__}: {error}"))


def claim_all(url: str, name: str) -> list[int]:
    """Claim slots until there is none, and give their numbers."""
    ledger = open_ledger(open_database(url), name)
    claimed = []
    while (slot := ledger.slots.claim("worker")) is not None:
        claimed.append(slot.number)
    return claimed


def answer_all(url: str, name: str) -> list[int]:
    """Ask and complete until the budget is spent, and give the numbers of the trials."""
    ledger = open_ledger(open_database(url), name)
    answered = []
    while (running := ask(ledger, "worker")) is not None:
        running.trial.report(1.0, 1)
        assert tell(ledger, running, Outcome.COMPLETED, float(running.number), {})
        answered.append(running.number)
    return answered


def create_and_grow(url: str, definition: StudyDefinition) -> str:
    """Put a study in the database, and give the identifier of its ledger."""
    return create(open_database(url), definition, "source").slots.ledger
