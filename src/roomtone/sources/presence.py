"""Facts of one batch → what they say about the peer being there (model/presence.py)."""

from collections.abc import Iterable
from hashlib import blake2b

from roomtone.model.facts import (
    AnyFact,
    Attempted,
    Identified,
    Joined,
    Left,
    Located,
    ServerSaw,
    Snapshot,
    Vouched,
)
from roomtone.model.inlets import SERVER_TRANSPORT
from roomtone.model.limits import (
    MAX_HEARD_PEERS,
    MAX_LINKS,
    MAX_PRESENCE_MARKS,
    MAX_WITNESSES,
)
from roomtone.model.presence import Presence, Witness, times
from roomtone.model.stats import InboundRtp, MediaSource, OutboundRtp

BY_ROOMTONE = frozenset({"silence", "kicked", "host_ended"})
"""Reasons of leaves that Roomtone noticed or caused: no signs of life."""
HEARD_WITHIN_MS = 10_000
"""Media that came longer ago than this before the snapshot vouches for nobody."""
HEARD_AHEAD_MS = 1_000
"""getStats() may finish a little after the entry took its time."""

_NO_SIGN = (Identified, Located)
"""Roomtone's own facts, on the server's clock."""


def presence_of(facts: Iterable[AnyFact], received_at: int | None) -> Presence:
    """The presence that a batch shows. ``received_at``: server's epoch ms; None for an import."""
    joins: set[tuple[int, str]] = set()
    leaves: set[tuple[int, str]] = set()
    removed: set[tuple[int, str]] = set()
    vouched: list[int] = []
    heard: dict[str, int] = {}
    media: list[int] = []
    signs: list[int] = []
    tried: list[int] = []
    seen: list[ServerSaw] = []
    links: set[str] = set()
    for fact in facts:
        kind = type(fact)
        if kind in _NO_SIGN:
            continue
        if kind is Vouched:
            vouched.append(fact.t)
            continue
        if isinstance(fact, ServerSaw):
            seen.append(fact)
            continue
        if isinstance(fact, Snapshot) and fact.transport.startswith(SERVER_TRANSPORT):
            continue
        if isinstance(fact, Left) and fact.reason in BY_ROOMTONE:
            removed.add((fact.t, fact.reason))
            continue
        signs.append(fact.t)
        if isinstance(fact, Snapshot):
            if _has_media(fact):
                media.append(fact.t)
                _listen(fact, heard)
                links |= _sent(fact)
        elif isinstance(fact, Joined):
            joins.add((fact.t, fact.via))
        elif isinstance(fact, Left):
            leaves.add((fact.t, fact.reason))
        elif isinstance(fact, Attempted):
            tried.append(fact.t)
    last_t = max(signs, default=None)
    revived = [*media, *(t for t, _ in joins)]
    return Presence(
        joins=_marks(joins),
        leaves=_marks(leaves),
        removed=_marks(removed),
        first_media_t=min(media, default=None),
        last_media_t=max(revived, default=None),
        first_t=min(signs, default=None),
        last_t=last_t,
        vouched_t=max(vouched, default=None),
        heard=tuple(sorted(heard.items())[:MAX_HEARD_PEERS]),
        first_received=received_at,
        last_received=received_at,
        lag=None if received_at is None or last_t is None else received_at - last_t,
        witnesses=_witnesses(seen, received_at),
        links=_links(links.union(*(fact.same_as for fact in seen))),
        tried_t=min(tried, default=None),
    )


def _witnesses(seen: list[ServerSaw], received_at: int | None) -> tuple[Witness, ...]:
    sources = sorted({fact.source for fact in seen})[:MAX_WITNESSES]
    return tuple(
        _witness(source, [fact for fact in seen if fact.source == source], received_at)
        for source in sources
    )


def _witness(source: str, seen: list[ServerSaw], received_at: int | None) -> Witness:
    def said(what: str) -> tuple[int, ...]:
        return times(tuple(fact.t for fact in seen if fact.what == what))

    media = [fact.t for fact in seen if fact.what == "media"]
    own = [fact.t for fact in seen if not fact.what.startswith("room_")]
    return Witness(
        source=source,
        joins=said("joined"),
        leaves=said("left"),
        aborts=said("aborted"),
        room_starts=said("room_started"),
        room_ends=said("room_ended"),
        first_media_t=min(media, default=None),
        last_media_t=max(media, default=None),
        first_t=min(own, default=None),
        last_t=max(own, default=None),
        first_received=received_at,
        last_received=received_at,
        lag=None if received_at is None else received_at - max(fact.t for fact in seen),
    )


def _sent(snapshot: Snapshot) -> set[str]:
    """Ids of the tracks that a peer sends."""
    ids = {track.producer_id for track in snapshot.tracks if not track.peer_id}
    for stat in snapshot.stats:
        if type(stat) is MediaSource and stat.track_identifier:
            ids.add(stat.track_identifier)
    return ids


def _links(ids: set[str]) -> tuple[int, ...]:
    """Their hashes, 63 bits each: an id can be long, and every batch of a call repeats it."""
    ids.discard("")
    hashes = {
        int.from_bytes(blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
        for one in ids
    }
    return tuple(sorted(hashes)[:MAX_LINKS])


def _marks(marks: set[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Ascending; past the limit the earliest half and the latest half, as presence merges them."""
    ordered = sorted(marks)
    if len(ordered) > MAX_PRESENCE_MARKS:
        half = MAX_PRESENCE_MARKS // 2
        ordered = ordered[:half] + ordered[-half:]
    return tuple(ordered)


def _has_media(snapshot: Snapshot) -> bool:
    return any(type(stat) in (InboundRtp, OutboundRtp) for stat in snapshot.stats)


def _listen(snapshot: Snapshot, heard: dict[str, int]) -> None:
    """Note when each sender that the snapshot names was last received from."""
    senders = [track for track in snapshot.tracks if track.peer_id]
    if not senders:
        return
    times: dict[str, float] = {}
    for stat in snapshot.stats:
        if type(stat) is InboundRtp and stat.last_packet_received_timestamp is not None:
            last = stat.last_packet_received_timestamp
            times[f"ssrc:{stat.ssrc}"] = last
            if stat.track_identifier is not None:
                times[f"track:{stat.track_identifier}"] = last
            if stat.mid is not None:
                times[f"mid:{stat.mid}"] = last
    for track in senders:
        at = times.get(track.match)
        if at is None:
            continue
        t = round(at)
        if -HEARD_AHEAD_MS <= snapshot.t - t <= HEARD_WITHIN_MS:
            heard[track.peer_id] = max(t, heard.get(track.peer_id, t))
