"""Vitals: what a look at the rows says of how the service is doing."""

from msgspec import Struct


class Vitals(Struct, frozen=True, kw_only=True):
    """Counts of now, of every app together."""

    live_sessions: int
    live_peers: int
    unsealed_sessions: int
    """ENDED, and their reports are not stored yet, or not any more."""
    unsealed_since: int | None
    """When the one among them that waits longest changed last, epoch ms."""
    quarantined: int
    journal_position: int
    """Of the newest batch: how many were taken in, since the first."""
