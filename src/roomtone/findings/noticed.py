"""Noticed: what the rules found at one peer, before anybody asked whose side it was on.

Small, so that a session of thousands fits: of each received stream only when it was bad.
"""

from msgspec import Struct

from roomtone.findings.spells import Spells
from roomtone.model.findings import Evidence, Severity

BUCKET_MS = 10_000
"""The legs of everybody are compared in steps of this."""


class Raised(Struct, kw_only=True):
    """A finding in the making. Times: epoch ms on the server's clock."""

    id: str
    severity: Severity
    start: float
    end: float
    open: bool = False
    peer_id: str
    other_peer_id: str = ""
    """The sender of the stream, or the other end of a direct transport."""
    stream: str | None = None
    array: str = ""
    transport: str = ""
    worst: float | None = None
    evidence: tuple[Evidence, ...] = ()
    direct: bool = False


class Edge(Struct, frozen=True):
    """What one peer received from another over one stream. Buckets: epoch ms // BUCKET_MS."""

    sender: str
    receiver: str
    transport: str
    """The receiver's."""
    direct: bool
    start: int
    end: int
    bad: frozenset[int]
    """Lost, late, dry or made up."""
    silent: frozenset[int]
    """Audio that held no sound, or did not come although it was sent."""
    audio: bool
    level_known: bool


class Link(Struct, frozen=True):
    """A transport of a peer."""

    transport: str
    senders: frozenset[str]
    """Whose media came over it."""
    sends: bool
    direct: str
    """The peer at its other end, where the ports prove it."""


class Uplink(Struct, frozen=True):
    """What the other end of a transport told a sender (RTCP), and what its microphone heard."""

    known: frozenset[int] = frozenset()
    bad: frozenset[int] = frozenset()
    between: frozenset[int] = frozenset()
    """Neither fine nor bad."""
    loud: frozenset[int] = frozenset()


class Noticed(Struct):
    """One peer."""

    peer_id: str
    user_id: str
    name: str
    joined_at: int
    until: int
    """Its leave, else its last sign of life."""
    connected: bool
    joins: tuple[int, ...]
    measured: bool
    """Whether any interval of it is known."""
    raised: list[Raised]
    edges: list[Edge]
    links: tuple[Link, ...]
    uplinks: dict[str, Uplink]
    """By transport."""
    offline: Spells
    """When its browser said that there was no network."""


def buckets(start: float, end: float) -> range:
    """The buckets that a stretch of time touches; of a long one, its last minute."""
    last = int(end) // BUCKET_MS
    return range(max(int(start) // BUCKET_MS, last - 6), last + 1)
