"""What a study names is judged in a process of its own, before any of its slots is claimed."""

import multiprocessing
import threading

from studies.definition.study import StudyDefinition
from tuner.training.configuration.permit import Permit
from tuner.training.process.entry import judge
from tuner.workers.code.named import configurations
from tuner.workers.processes.fork_server import TICK, end_process, started
from tuner.workers.worker import warm_up_for

_PATIENCE = 600.0  # seconds: a module that takes longer to import is judged where it is trained


def refused_class(definition: StudyDefinition, permit: Permit, stop: threading.Event) -> str | None:
    """Say which of a study's classes no training may make, as the end of a sentence; None where all may be.

    To judge a class its module is imported, and those of torch and Lightning take seconds, which the fork
    server has spent already. Each trial is judged once more by the process that trains it.

    Args:
        definition: a study of which `not_allowed` says nothing.
        permit: what it may name.
        stop: is set to end at once; then nothing is judged.
    """
    named = sorted({path for made in configurations(definition) for path in permit.check(made)})
    warm_up_for(definition, permit)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=judge, args=(theirs, permit, named))
    try:
        if not started(process, stop):
            return None
        theirs.close()
        waited = 0.0
        while not stop.is_set() and waited < _PATIENCE:
            if ours.poll(TICK):
                reason: str | None = ours.recv()
                return reason
            waited += TICK
    except (OSError, EOFError):
        return None  # it died of what it has imported, and so will the training, which says it better
    else:
        return None
    finally:
        ours.close()
        theirs.close()
        if process.pid is not None:
            end_process(process)
