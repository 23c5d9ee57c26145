"""Janus' event handlers → arrivals: one event or a grouped array of them, in the videoroom.

Only the plugin's events name room and person; everything else names a handle. So the handles are
remembered (bounded): a publisher's by its own ``joined``, a subscriber's by the Janus session, or
the private id, that it shares with its publisher. A person is the ``opaque_id`` that the page
attached with, else the display name, else the feed's id. A peer is the feed: Janus' own ids are
random, one a join; ids that an app chooses return, so the private id is put beside them.

Leaving has no handle, and after a restart of Roomtone nobody remembers any: the peer is then found
by its own id alone, and the arrival names no person.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from roomtone.model.errors import Refused, TooLarge
from roomtone.model.facts import Snapshot, Track
from roomtone.model.inlets import SERVER_TRANSPORT, Arrival
from roomtone.model.limits import MAX_ENTRIES, MAX_LINKS, MAX_ROOMS_HELD
from roomtone.model.stats import KeptStat
from roomtone.sources.ids import uuid_or_none
from roomtone.sources.janus_media import MediaStats, published, subscribed
from roomtone.sources.sightings import Sightings, Whose, decoded, epoch_ms, missing

SOURCE = "janus"
VIDEOROOM = "janus.plugin.videoroom"
HANDLE, JSEP, WEBRTC, MEDIA, PLUGIN, CORE = 2, 8, 16, 32, 64, 256
MEDIA_STATE, SLOW_LINK, STATS, WEBRTC_STATE = 1, 2, 3, 6
GONE = frozenset({"leaving", "kicked"})
SUBSCRIBING = frozenset({"subscribing", "subscribed", "updating", "updated"})
MSID = re.compile(r"^a=(?:ssrc:\d+ )?msid:\S+ ([^\s]+)", re.MULTILINE)
CHOSEN_BELOW = 2**32
"""Feed ids that are smaller are an app's own; Janus' are random up to 2**53."""

K = TypeVar("K")
V = TypeVar("V")
Id = int | str
Place = tuple[str, str, str]
"""(emitter, room, feed)."""


class _Event(Struct, frozen=True):
    type: int
    timestamp: int
    event: Raw = Raw(b"{}")
    subtype: int = 0
    emitter: str = ""
    session_id: int = 0
    handle_id: int = 0
    opaque_id: str = ""


class _Stream(Struct, frozen=True):
    mid: str = ""
    feed_id: Id | None = None
    feed_mid: str = ""


class _Data(Struct, frozen=True):
    event: str = ""
    room: Id | None = None
    id: Id | None = None
    private_id: int | None = None
    display: str | None = None
    feed: Id | None = None
    streams: list[_Stream] = []
    reason: str = ""


class _Plugin(Struct, frozen=True):
    plugin: str = ""
    data: Raw = Raw(b"{}")


class _Jsep(Struct, frozen=True):
    type: str = ""
    sdp: str = ""


class _Spoken(Struct, frozen=True):
    """Types 2, 8, 16 and 256, as far as they are read."""

    name: str = ""
    status: str = ""
    connection: str = ""
    reason: str = ""
    owner: str = ""
    jsep: _Jsep = _Jsep()


class Received(Struct, frozen=True):
    """What one delivery says, and the events in it that nobody here reads, with the reason."""

    arrivals: list[Arrival]
    unread: list[tuple[bytes, str]]


class _Feed(Struct):
    """A publisher that joined."""

    whose: Whose
    last_t: int
    left_t: int | None = None


class _Handle(Struct):
    """One handle: a publisher's own, or one that subscribes for it."""

    feed: Place | None = None
    subscribes: bool = False
    track_ids: tuple[str, ...] = ()
    senders: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    """mid → (the sender's peer id, its producer); "" stands for every mid."""
    heard_back: set[str] = msgspec.field(default_factory=set)
    received: dict[str, float] = msgspec.field(default_factory=dict)


class _Held(OrderedDict[K, V]):
    """Remembers a bounded number; the ones not asked for longest go."""

    def find(self, key: K) -> V | None:
        """What is remembered."""
        if key in self:
            self.move_to_end(key)
            return self[key]
        return None

    def put(self, key: K, value: V) -> None:
        """Remember it."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > MAX_ROOMS_HELD:
            self.popitem(last=False)


_event = msgspec.json.Decoder(_Event)
_list = msgspec.json.Decoder(list[Raw])
_plugin = msgspec.json.Decoder(_Plugin)
_data = msgspec.json.Decoder(_Data)
_spoken = msgspec.json.Decoder(_Spoken)
_stats = msgspec.json.Decoder(MediaStats | list[MediaStats])
_any = msgspec.json.Decoder(dict[str, Any])


class Janus:
    """Reads the deliveries of one inlet's servers. ``peer_id``: makes a peer's name its id."""

    def __init__(self, peer_id: Callable[[str], str], *, mask: bool = True) -> None:
        self._peer_id = peer_id
        self._mask = mask
        self._feeds: _Held[Place, _Feed] = _Held()
        self._handles: _Held[tuple[str, int], _Handle] = _Held()
        self._sessions: _Held[tuple[str, int], Place] = _Held()
        self._private: _Held[tuple[str, str, int], Place] = _Held()

    def receive(self, body: bytes) -> Received:
        """One body. Raises Refused for what is no event and no array of them."""
        grouped = body.lstrip()[:1] == b"["
        events = decoded(body, _list) if grouped else [Raw(body)]
        if len(events) > MAX_ENTRIES:
            raise TooLarge(f"{len(events)} events in one body; at most {MAX_ENTRIES} are taken.")
        told = Sightings(SOURCE, body, mask=self._mask)
        unread: list[tuple[bytes, str]] = []
        for raw in events:
            try:
                self._take(told, decoded(bytes(raw), _event))
            except Refused as refused:
                if not grouped:
                    raise
                unread.append((bytes(raw), refused.message))
        return Received(told.arrivals(), unread)

    def _take(self, told: Sightings, event: _Event) -> None:
        t = epoch_ms(event.timestamp / 1_000)
        if t is None:
            raise missing("timestamp")
        if event.type == PLUGIN:
            self._plugin(told, event, t)
        elif event.type == CORE:
            self._core(told, event, t)
        elif event.type == JSEP:
            self._jsep(event)
        elif event.type in (HANDLE, WEBRTC, MEDIA):
            self._of_handle(told, event, t)

    # --- who there is ---------------------------------------------------------------------------

    def _plugin(self, told: Sightings, event: _Event, t: int) -> None:
        said = decoded(bytes(event.event), _plugin)
        if said.plugin != VIDEOROOM:
            return
        data = decoded(bytes(said.data), _data)
        if data.room is None:
            return
        room = str(data.room)
        if data.event in SUBSCRIBING:
            self._subscribe(event, data, room)
            return
        if data.event == "destroyed":
            told.saw(Whose(room=room), "room_ended", t)
            return
        if data.id is None:
            return
        place = event.emitter, room, str(data.id)
        if data.event == "joined":
            self._join(told, event, data, place, t)
            return
        feed = self._feeds.find(place)
        if data.event == "published" and feed is not None:
            feed.last_t = t
            handle = self._handles.find((event.emitter, event.handle_id))
            told.saw(feed.whose, "media", t, handle.track_ids if handle else ())
        elif data.event in GONE:
            if feed is None and is_random(data.id):
                feed = _Feed(Whose(room=room, peer=_peer(place)), t)
            if feed is not None:
                feed.left_t = t
                told.saw(feed.whose, "left", t)

    def _join(self, told: Sightings, event: _Event, data: _Data, place: Place, t: int) -> None:
        own = "" if is_random(place[2]) else f"/{data.private_id or event.handle_id}"
        whose = Whose(
            room=place[1],
            person=event.opaque_id or data.display or place[2],
            peer=_peer(place) + own,
            name=data.display or "",
        )
        self._feeds.put(place, _Feed(whose, t))
        handle = self._handle(event)
        handle.feed, handle.subscribes = place, False
        session = event.emitter, event.session_id
        first = self._feeds.find(self._sessions.find(session) or place)
        if first is None or first.left_t is not None or first.whose is whose:
            self._sessions.put(session, place)
        if data.private_id is not None:
            self._private.put((event.emitter, place[1], data.private_id), place)
        told.saw(whose, "joined", t)

    def _subscribe(self, event: _Event, data: _Data, room: str) -> None:
        handle = self._handle(event)
        handle.subscribes = True
        place = None
        if data.private_id is not None:
            place = self._private.find((event.emitter, room, data.private_id))
        place = place or handle.feed or self._sessions.find((event.emitter, event.session_id))
        handle.feed = place
        if data.feed is not None:
            handle.senders[""] = self._sender(event.emitter, room, data.feed, "")
        for stream in data.streams[:MAX_ENTRIES]:
            if stream.feed_id is not None:
                sender = self._sender(event.emitter, room, stream.feed_id, stream.feed_mid)
                handle.senders[stream.mid] = sender

    def _sender(self, emitter: str, room: str, feed_id: Id, mid: str) -> tuple[str, str]:
        place = emitter, room, str(feed_id)
        feed = self._feeds.find(place)
        peer = _peer(place) if feed is None else feed.whose.peer
        return self._peer_id(peer), f"{feed_id}/{mid}"

    def _handle(self, event: _Event) -> _Handle:
        key = event.emitter, event.handle_id
        handle = self._handles.find(key)
        if handle is None:
            handle = _Handle()
            self._handles.put(key, handle)
        return handle

    def _core(self, told: Sightings, event: _Event, t: int) -> None:
        """A server that stops or starts says of nobody that they left."""
        status = decoded(bytes(event.event), _spoken).status
        if status not in ("started", "shutdown"):
            return
        for place, feed in self._feeds.items():
            if place[0] != event.emitter or feed.last_t > t:
                continue
            left = t if status == "shutdown" else feed.last_t
            if feed.left_t in (None, left):
                feed.left_t = left
                told.saw(feed.whose, "left", left)

    # --- what handles tell ----------------------------------------------------------------------

    def _jsep(self, event: _Event) -> None:
        said = decoded(bytes(event.event), _spoken)
        if said.owner == "remote" and said.jsep.type == "offer":
            ids = dict.fromkeys(MSID.findall(said.jsep.sdp))
            self._handle(event).track_ids = tuple(ids)[:MAX_LINKS]

    def _of_handle(self, told: Sightings, event: _Event, t: int) -> None:
        handle = self._handles.find((event.emitter, event.handle_id))
        feed = None if handle is None or handle.feed is None else self._feeds.find(handle.feed)
        if handle is None or feed is None:
            return
        if event.type == MEDIA and event.subtype in (0, STATS):
            self._measured(told, event, handle, feed, t)
        elif event.type == MEDIA and event.subtype in (MEDIA_STATE, SLOW_LINK):
            name = "slow_link" if event.subtype == SLOW_LINK else "media_state"
            about: dict[str, Any] = decoded(bytes(event.event), _any)
            told.happened(feed.whose, t, name, about | {"subscribes": handle.subscribes})
        elif not handle.subscribes:
            said = decoded(bytes(event.event), _spoken)
            if event.type == HANDLE and said.name == "detached":
                feed.left_t = feed.left_t or t
                told.saw(feed.whose, "left", t)
            elif event.type == WEBRTC and event.subtype == WEBRTC_STATE:
                if said.connection == "webrtcup":
                    feed.last_t = t
                    told.saw(feed.whose, "media", t, handle.track_ids)
                elif said.connection == "hangup":
                    told.happened(feed.whose, t, "hangup", {"reason": said.reason})

    def _measured(
        self, told: Sightings, event: _Event, handle: _Handle, feed: _Feed, t: int
    ) -> None:
        some = decoded(bytes(event.event), _stats)
        one = some if isinstance(some, MediaStats) else None
        medias = some[:MAX_ENTRIES] if isinstance(some, list) else [some]
        at = event.timestamp / 1_000
        stats: list[KeptStat] = []
        tracks = []
        for said in medias:
            stats += self._stats(handle, said, at)
            tracks.append(self._track(event, handle, feed, said))
        if not stats:
            return
        feed.last_t = max(feed.last_t, t)
        # A snapshot tells of all of its transport's streams: each that comes alone has its own.
        name = f"{event.handle_id}/{one.place}" if one is not None else str(event.handle_id)
        snapshot = Snapshot(
            t=t,
            transport=SERVER_TRANSPORT + name,
            role="consuming" if handle.subscribes else "producing",
            stats=tuple({stat.id: stat for stat in stats}.values()),
            tracks=tuple(tracks),
        )
        told.add(feed.whose, snapshot)
        if any(said.flows for said in medias):
            told.saw(feed.whose, "media", t)

    def _stats(self, handle: _Handle, said: MediaStats, at: float) -> list[KeptStat]:
        if not handle.subscribes:
            return published(said, at)
        key = said.media + said.mid
        if said.heard_back:
            handle.heard_back.add(key)
        before = handle.received.get(key, 0.0)
        if said.packets_sent < before:
            before = 0.0  # it began anew
        stats = subscribed(said, at, key in handle.heard_back, before)
        for stat in stats:
            received = getattr(stat, "packets_received", None)
            if stat.id == key and received is not None and len(handle.received) < MAX_ENTRIES:
                handle.received[key] = received
        return stats

    def _track(self, event: _Event, handle: _Handle, feed: _Feed, said: MediaStats) -> Track:
        match = f"mid:{said.place}"
        if not handle.subscribes:
            own = handle.feed[2] if handle.feed is not None else ""
            return Track(match=match, producer_id=f"{own}/{said.mid}")
        peer, producer = handle.senders.get(said.mid) or handle.senders.get("") or ("", "")
        consumer = f"{event.handle_id}/{said.place}"
        return Track(match=match, producer_id=producer, consumer_id=consumer, peer_id=peer)


def is_random(feed_id: Id) -> bool:
    """Whether Janus made a feed's id, so that it stands for one join."""
    text = str(feed_id)
    if uuid_or_none(text) is not None:
        return True
    return text.isascii() and text.isdigit() and int(text[:20]) >= CHOSEN_BELOW


def _peer(place: Place) -> str:
    return "/".join(place)
