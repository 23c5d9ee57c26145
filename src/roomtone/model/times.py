"""Times are epoch milliseconds (int) inside, ISO 8601 UTC with milliseconds and Z outside.

Units: a name that ends in `_at` or is `t` is epoch milliseconds; durations say theirs.
Source of the outside form: contract 2.1 (vendor examples such as ``2022-01-12T14:21:34.388Z``).
"""

from datetime import UTC, datetime

MS_PER_MINUTE = 60_000
AHEAD_MS = 60_000
"""A time of our own that lies so far ahead was written before the clock was set back."""

NEVER = (1 << 63) - 1
"""Later than any time; databases keep no larger number."""


def holds(now: int, until: int, length_ms: int) -> bool:
    """Whether what was to hold ``length_ms``, up to ``until``, still does. Not if the clock was set
    back meanwhile: else it would hold for as long as that."""
    return until - length_ms <= now < until


def iso(t: float) -> str:
    """Epoch milliseconds → ``2024-01-02T03:04:05.678Z`` (rounded down to the millisecond)."""
    seconds, ms = divmod(int(t // 1), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def iso_or_none(t: float | None) -> str | None:
    """As :func:`iso`; None stays None."""
    return None if t is None else iso(t)


def parse_iso(text: str) -> int:
    """ISO 8601 → epoch milliseconds; no zone means UTC. Raises ValueError on anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 1000 + moment.microsecond // 1000


def minutes(ms: float) -> float:
    """Milliseconds → minutes with four decimals, the vendor's rounding (contract 1.3)."""
    return round(ms / MS_PER_MINUTE, 4)
