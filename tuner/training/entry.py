"""Where a training process begins. A worker names this function without importing torch for it."""

from multiprocessing.connection import Connection

from tuner.training.messages import Assignment


def enter(pipe: Connection, assignment: Assignment) -> None:
    """Train as one process of an assignment, and send how it ended."""
    from tuner.training.child import answer

    answer(pipe, assignment)
