"""Inlets: doors for what other collectors and servers send, each with that sender's own way in."""

from typing import Literal, get_args

from msgspec import Struct

from roomtone.model.facts import AnyFact

Kind = Literal[
    "rtcstats",
    "jitsi",
    "peermetrics",
    "observertc",
    "livekit",
    "janus",
    "prosody",
    "realtimekit",
    "daily",
    "bigbluebutton",
    "generic",
]
KINDS: tuple[str, ...] = get_args(Kind)
CLIENTS = frozenset({"rtcstats", "jitsi", "peermetrics", "observertc"})
"""Kinds that carry a browser's own telemetry; the others tell of a server's view."""
SERVER_TRANSPORT = "server:"
"""Begins the transport of a snapshot that a media server measured: no sign of life of a client."""


class Inlet(Struct, frozen=True, kw_only=True):
    """One sender's door into an app: ``/in/{id}/…``. What proves the sender depends on its kind."""

    id: str
    app_id: str
    kind: str
    name: str
    key: str = ""
    """What the sender calls itself: LiveKit's API key, Janus' user; "" where it has no name."""
    secret: str
    """What proves it. Kept as it is, for it verifies signatures; never shown again, never logged.
    Of RealtimeKit it is the vendor's public key, which is no secret."""
    created_at: int
    revoked_at: int | None = None


class Arrival(Struct, frozen=True, kw_only=True):
    """What a source says of one peer, before Roomtone knows which meeting and person it means.

    Of the room as a whole (``ServerSaw`` with ``room_started``, ``room_ended``): without person and
    peer.
    """

    room: str
    """As the source calls it; becomes a meeting by that name."""
    person: str
    """The identity that the source knows: a user id, else whatever stays with a person."""
    peer: str
    """The source's own id of this one connection."""
    key: str
    """Names this delivery within the peer: a repeated one has no effect."""
    facts: tuple[AnyFact, ...]
    room_title: str = ""
    display_name: str = ""
    parent_room: str = ""
    """Of a breakout room: the room that it belongs to."""
