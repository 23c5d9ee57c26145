"""Facts of one batch → what they say about the peer being there (model/presence.py)."""

from collections.abc import Iterable

from roomtone.model.facts import (
    AnyFact,
    Identified,
    Joined,
    Left,
    Located,
    Snapshot,
    Vouched,
)
from roomtone.model.limits import MAX_HEARD_PEERS, MAX_PRESENCE_MARKS
from roomtone.model.presence import Presence
from roomtone.model.stats import InboundRtp, OutboundRtp

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
    for fact in facts:
        kind = type(fact)
        if kind in _NO_SIGN:
            continue
        if kind is Vouched:
            vouched.append(fact.t)
            continue
        if isinstance(fact, Left) and fact.reason in BY_ROOMTONE:
            removed.add((fact.t, fact.reason))
            continue
        signs.append(fact.t)
        if isinstance(fact, Snapshot):
            if _has_media(fact):
                media.append(fact.t)
                _listen(fact, heard)
        elif isinstance(fact, Joined):
            joins.add((fact.t, fact.via))
        elif isinstance(fact, Left):
            leaves.add((fact.t, fact.reason))
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
    )


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
