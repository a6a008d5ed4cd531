"""What an exception that reaches the command line says in one sentence."""

from search_spaces.errors import first_line


def database_failure(error: BaseException) -> str | None:
    """Say how a database failed in the middle of the work; None where it was something else."""
    from sqlalchemy.exc import DBAPIError

    from studies.database.failures import causes, is_of_database

    if not is_of_database(error):
        return None
    chain = list(causes(error))
    telling = next((link for link in chain if isinstance(link, DBAPIError)), None)
    # Not the statement and its values, which the outer messages repeat at length.
    reason = first_line(telling.orig if telling is not None and telling.orig is not None else chain[-1])
    return (
        f"The database failed: {reason}; what it holds stays, and the same command resumes "
        f"when the database works again."
    )
