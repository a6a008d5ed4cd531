"""Whether the database raised an exception, or the code that used it."""

from collections.abc import Iterator

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go from an exception to those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def is_of_database(error: BaseException) -> bool:
    """Say whether an exception, or one behind it, comes from the database."""
    return any(isinstance(link, SQLAlchemyError | StorageInternalError) for link in causes(error))
