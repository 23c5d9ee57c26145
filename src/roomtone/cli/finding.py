"""One thing that ``roomtone doctor`` looked at."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """What was looked at, whether it is in order, what was found, and what to do if it is not."""

    check: str
    ok: bool
    found: str
    advice: str = ""
