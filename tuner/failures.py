"""What an exception that reaches the command line says in one sentence."""

from collections.abc import Iterator


def database_failure(error: BaseException) -> str | None:
    """Say how a database failed in the middle of the work; None where it was something else."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    chain = list(_causes(error))
    if not any(isinstance(link, SQLAlchemyError | StorageInternalError) for link in chain):
        return None
    telling = next((link for link in chain if isinstance(link, DBAPIError)), None)
    # Not the statement and its values, which the outer messages repeat at length.
    reason = first_line(telling.orig if telling is not None and telling.orig is not None else chain[-1])
    return (
        f"The database failed: {reason}; what it holds stays, and the same command resumes "
        f"when the database works again."
    )


def first_line(error: BaseException) -> str:
    """Give the first line of an exception's message, or its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
