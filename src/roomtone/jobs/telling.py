"""What DBOS's own log lines may say: no news twice, and no traceback for a store that is away."""

import logging

from sqlalchemy.exc import DBAPIError


def is_news(record: logging.LogRecord) -> bool:
    """A filter for DBOS's logger. What stopped it from starting is raised, too, and told by whoever
    tries again. A database that is full, read-only or away is no fault of the program: of that one
    line is told, and DBOS takes the work up again."""
    if record.getMessage().startswith("DBOS failed to launch"):
        return False
    trouble = _of_the_store(record.exc_info[1] if record.exc_info else None)
    if trouble is not None:
        record.msg, record.args = f"{record.getMessage().splitlines()[0]}: {trouble}", None
        record.exc_info = record.exc_text = None
    return True


def _of_the_store(error: BaseException | None) -> str | None:
    """What the database said, if that is what this error comes from."""
    while error is not None:
        if isinstance(error, DBAPIError):
            said = str(error.orig).strip()
            return said.splitlines()[0] if said else type(error.orig).__name__
        error = error.__cause__ or error.__context__
    return None
