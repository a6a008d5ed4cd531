"""Where the processes of a worker begin. A worker names these functions without importing torch for them."""

import os
from collections.abc import Sequence
from multiprocessing.connection import Connection

from tuner.errors import NotAllowed
from tuner.training.configuration.permit import Permit
from tuner.training.messages import Assignment
from tuner.training.process.parent import die_with_parent, let_children_die_too


def enter(pipe: Connection, assignment: Assignment) -> None:
    """Train as one process of an assignment, and send how it ended."""
    from tuner.training.process.child import answer

    answer(pipe, assignment)


def judge(pipe: Connection, permit: Permit, paths: Sequence[str]) -> None:
    """Judge classes by their import paths, and send why one is refused, or None.

    Nothing is sent where an import fails otherwise.
    """
    os.setsid()  # with all processes that an import starts, so that they can be ended together
    die_with_parent()
    let_children_die_too()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what an import prints is kept where it is trained
        os.dup2(nowhere, stream)
    try:
        permit.judge(paths)
    except NotAllowed as error:
        pipe.send(str(error))
    else:
        pipe.send(None)
