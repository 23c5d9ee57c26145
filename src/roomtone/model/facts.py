"""Facts: the immutable, normalised, timestamped things that happened to one peer.

Every source turns its wire into these; the journal keeps them; the fold reads nothing else. A
fact's ``t`` is epoch milliseconds on the *sender's* clock (the batch that carried it knows how far
that clock is off); facts that Roomtone itself appends use its own clock.

Two facts of a peer that encode to the same bytes are one fact: that is how repeated entries of a
client that re-sends have no effect.
"""

from typing import Any, Literal

from msgspec import Struct

from roomtone.model.stats import KeptStat


class Fact(Struct, frozen=True, array_like=True):
    """What every fact has: when it happened."""

    t: int


class Identified(Fact, frozen=True, tag="id"):
    """Roomtone's own: whose peer this is and which session took it in (appended at first join)."""

    app_id: str
    meeting_id: str
    session_id: str
    peer_id: str
    user_id: str
    custom_participant_id: str
    display_name: str
    preset_name: str
    picture: str | None = None


class Joined(Fact, frozen=True, tag="join"):
    """The peer connected. ``via``: ``call_join``, or ``import`` for a recording."""

    via: str


class Left(Fact, frozen=True, tag="left"):
    """The peer is gone.

    ``reason``: ``disconnect``, ``silence``, ``kicked``, ``host_ended``, ``import``.

    For ``silence`` Roomtone appends the fact itself, and ``t`` is the last sign of life.
    """

    reason: str


class Attempted(Fact, frozen=True, tag="try"):
    """The client began to connect. Without a :class:`Joined` or media after it, that is all that
    ever happened: an attempt, kept and shown, counted nowhere. ``via``: as in ``Joined``."""

    via: str


Sighting = Literal["joined", "media", "left", "aborted", "room_started", "room_ended"]


class ServerSaw(Fact, frozen=True, tag="saw"):
    """What a media server or a platform said of a peer; ``t`` is epoch ms on *its* clock.

    ``source`` is the kind of the inlet that told it. ``what``:

    * ``joined``, ``left``: the peer is in the room, is out of it;
    * ``media``: a track of it was published or subscribed to, or its transport came up. Said once
      or a thousand times, the first and the last count;
    * ``aborted``: it tried and never got through (LiveKit's ``participant_connection_aborted``);
    * ``room_started``, ``room_ended``: of the room as a whole: an arrival without person and peer.
      Roomtone appends them to the peers that they concern.

    ``same_as``: ids by which the client may know the same connection: ``MediaStreamTrack`` ids,
    producer ids. How it all counts: docs/reconciliation.md.
    """

    source: str
    what: Sighting
    same_as: tuple[str, ...] = ()


class Vouched(Fact, frozen=True, tag="vouch"):
    """Roomtone's own: somebody still received this peer's media after it had counted as silent."""


class Described(Fact, frozen=True, tag="desc"):
    """Device and software, as the client or its user agent said. None: not known."""

    user_agent: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    engine: str | None = None
    os: str | None = None
    os_version: str | None = None
    is_mobile: bool | None = None
    cpus: int | None = None
    memory: float | None = None  # GiB
    webgl_support: bool | None = None
    sdk_name: str | None = None
    sdk_type: str | None = None
    sdk_version: str | None = None
    room_view_type: str | None = None


class Located(Fact, frozen=True, tag="geo"):
    """Where the sender's observed address is, looked up on the server; the address is masked."""

    address: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None
    postal: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    asn: str | None = None
    org: str | None = None


class Device(Struct, frozen=True, array_like=True):
    """A camera, microphone or speaker, as MediaDevices.enumerateDevices() names it."""

    device_id: str
    kind: str
    label: str


class DevicesListed(Fact, frozen=True, tag="devs"):
    """All devices of one ``kind`` (``audio``, ``video``, ``speaker``) at this moment."""

    kind: str
    devices: tuple[Device, ...]


class DeviceSelected(Fact, frozen=True, tag="dev"):
    """The device now in use for ``kind`` (``audio``, ``video``, ``speaker``)."""

    kind: str
    device: Device


class Connectivity(Struct, frozen=True, array_like=True):
    """Which kinds of candidate connected in a pre-call test."""

    host: bool | None = None
    relay: bool | None = None
    reflexive: bool | None = None


class PrecallTested(Fact, frozen=True, tag="pre"):
    """A pre-call network test ended. rtt, backend_rtt, jitter: s; throughput: kbit/s; loss: 0–1."""

    effective_network_type: str | None = None
    connectivity: Connectivity | None = None
    turn_connectivity: bool | None = None
    rtt: float | None = None
    backend_rtt: float | None = None
    jitter: float | None = None
    fractional_loss: float | None = None
    throughput: float | None = None


class Happened(Fact, frozen=True, tag="event"):
    """A client event by its wire name (contract 3), with its metadata in snake case, kept small.

    Every wire event becomes one of these, also those that make richer facts beside it.
    """

    name: str
    metadata: dict[str, Any] | None = None


class Track(Struct, frozen=True, array_like=True):
    """What a stream of a snapshot is. ``match`` finds it: ``ssrc:123``, ``track:<id>``, ``mid:0``.

    ``source``: ``microphone``, ``camera``, ``screenshare``, ``screenshare_audio``, or ``""``.
    ``peer_id`` is the sender of a received stream; ids are empty where nobody said them.
    """

    match: str
    source: str = ""
    producer_id: str = ""
    consumer_id: str = ""
    peer_id: str = ""
    paused: bool = False
    display_width: int = 0
    display_height: int = 0


class Snapshot(Fact, frozen=True, tag="snap"):
    """One getStats() result of one transport, cut to what is kept: addresses masked, one pair.

    ``role``: ``producing``, ``consuming`` or ``both``.
    """

    transport: str
    role: str
    stats: tuple[KeptStat, ...]
    tracks: tuple[Track, ...] = ()


class Chatted(Fact, frozen=True, tag="chat"):
    """A chat message was added, changed or taken away (contract 2.3).

    ``action``: ``add``, ``edit``, ``delete``, ``pin``, ``unpin``; or ``put``, Roomtone's own: an
    app's server said how the message stands at ``t``. ``message``: the vendor's object as it came.
    """

    action: str
    message: dict[str, Any]


class Transcribed(Fact, frozen=True, tag="said"):
    """Words were recognised (contract 2.4).

    A live object says when its words ended: ``start_at`` is None, and a partial one is replaced by
    what follows with its id. An app's server or a file says both times; ``t`` is when it said so.
    """

    id: str
    sentence: str
    end_at: int
    start_at: int | None = None
    is_partial: bool = False
    peer_id: str = ""
    user_id: str = ""
    custom_participant_id: str = ""
    display_name: str = ""


AnyFact = (
    Identified
    | Joined
    | Left
    | Vouched
    | Attempted
    | ServerSaw
    | Described
    | Located
    | DevicesListed
    | DeviceSelected
    | PrecallTested
    | Happened
    | Snapshot
    | Chatted
    | Transcribed
)
"""The union that the journal stores."""
