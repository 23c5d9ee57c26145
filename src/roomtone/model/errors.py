"""One tree of errors.

::

    RoomtoneError
    ├── Refused              theirs: the request or file is wrong; the message says what to do
    │   ├── BadRequest       400 cannot be read at all
    │   ├── Unauthenticated  401 no or bad token
    │   ├── Forbidden        403 a good token for something else
    │   ├── NotFound         404 unknown, malformed, or somebody else's: the same words
    │   ├── Gone             410 was there, and is not handed out any more
    │   ├── TooLarge         413 over a limit of model/limits.py
    │   ├── Invalid          422 understood but wrong; lists every fault
    │   └── TooMany          429 over a rate limit
    └── Failed               ours: an operator must act; carries a hint
"""

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One thing that is wrong: where (``per_page``, ``entries[3].timestamp``) and why."""

    where: str
    why: str


class RoomtoneError(Exception):
    """The root; never raised itself."""


class Refused(RoomtoneError):
    """The caller's mistake. ``status`` is the HTTP status that says so."""

    status = 400

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = faults


class BadRequest(Refused):
    """400: cannot be read at all."""


class Unauthenticated(Refused):
    """401: no token, or one that is expired, forged or revoked."""

    status = 401


class Forbidden(Refused):
    """403: a good token that does not reach this far."""

    status = 403


class NotFound(Refused):
    """404: unknown, malformed, or of another app; nothing tells which."""

    status = 404


class Gone(Refused):
    """410: was there, and is not handed out any more."""

    status = 410


class TooLarge(Refused):
    """413: over a limit."""

    status = 413


class Invalid(Refused):
    """422: understood, but wrong; ``faults`` lists every field."""

    status = 422


class TooMany(Refused):
    """429: over a rate limit; try again after ``retry_after`` seconds."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Failed(RoomtoneError):
    """Roomtone's own failure. ``hint`` tells the operator what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
