"""What DBOS's own log lines may say: no news twice, and no traceback for a store that is away, or
for work that a stop cut off between two steps."""

import logging

from sqlalchemy.exc import DBAPIError

CLOSED = "System database accessed before DBOS was launched"
"""What DBOS says of its queue to work that goes on after the stop."""
CUT_OFF = "it was stopped in the middle of this, which is taken up at the next start or by another"


def is_news(record: logging.LogRecord) -> bool:
    """A filter for DBOS's logger. What stopped it from starting is raised, too, and told by whoever
    tries again. A database that is full, read-only or away is no fault of the program: of that one
    line is told, and DBOS takes the work up again."""
    if record.getMessage().startswith("DBOS failed to launch"):
        return False
    trouble = _trouble(record.exc_info[1] if record.exc_info else None)
    if trouble is not None:
        what = record.getMessage().splitlines()[0].rstrip(":")
        record.msg, record.args = f"{what}: {trouble}", None
        record.exc_info = record.exc_text = None
    return True


def _trouble(error: BaseException | None) -> str | None:
    """What the database said, or that it is closed, if that is what this error comes from."""
    while error is not None:
        if isinstance(error, DBAPIError):
            said = str(error.orig).strip()
            return said.splitlines()[0] if said else type(error.orig).__name__
        if CLOSED in str(error):
            return CUT_OFF
        error = error.__cause__ or error.__context__
    return None
