"""Presence: what a batch of facts says about a peer being there, as a value that merges.

Merging is commutative, associative and idempotent, so the roster may see batches in any order and
any number of times. Times are on the sender's clock, except ``removed``, ``vouched_t`` and
``*_received``, which are on the server's. What servers said is kept apart, one witness a source,
for each has a clock of its own.
"""

from msgspec import Struct

from roomtone.model.limits import (
    MAX_HEARD_PEERS,
    MAX_LINKS,
    MAX_PRESENCE_MARKS,
    MAX_WITNESSES,
)

Times = tuple[int, ...]


class Witness(Struct, frozen=True, array_like=True):
    """What one source of servers' events said of a peer, on that source's clock (epoch ms)."""

    source: str
    joins: Times = ()
    leaves: Times = ()
    aborts: Times = ()
    room_starts: Times = ()
    room_ends: Times = ()
    """All ascending."""
    first_media_t: int | None = None
    last_media_t: int | None = None
    first_t: int | None = None
    last_t: int | None = None
    """Of what is about the peer itself, not about its room."""
    first_received: int | None = None
    last_received: int | None = None
    """When Roomtone got the earliest and the latest, by its own clock; None for imports."""
    lag: int | None = None
    """min over deliveries of (received - newest time in it), ms."""


class Presence(Struct, frozen=True, array_like=True):
    """One batch's, or one peer's, signs of presence."""

    joins: tuple[tuple[int, str], ...] = ()
    """(t, via) of explicit joins, ascending."""
    leaves: tuple[tuple[int, str], ...] = ()
    """(t, reason) of leaves said by the client, ascending."""
    removed: tuple[tuple[int, str], ...] = ()
    """(t, reason) of leaves that Roomtone noticed (``silence``) or caused (``kicked`` …)."""
    first_media_t: int | None = None
    """Earliest snapshot that had a stream."""
    last_media_t: int | None = None
    """Latest snapshot or join: only these undo an explicit leave."""
    first_t: int | None = None
    last_t: int | None = None
    """Earliest and latest entry of any kind."""
    vouched_t: int | None = None
    """Latest :class:`~roomtone.model.facts.Vouched`, on the server's clock."""
    heard: tuple[tuple[str, int], ...] = ()
    """(peer_id, t): the last time this peer received media of that one."""
    first_received: int | None = None
    last_received: int | None = None
    """When the server got the earliest and the latest batch; None for imports."""
    lag: int | None = None
    """min over batches of (received - newest entry), ms: the clock's error and the least delay."""
    witnesses: tuple[Witness, ...] = ()
    """By source."""
    links: Times = ()
    """Hashes of the ids of tracks that it sends, ascending: what others may know it by."""
    tried_t: int | None = None
    """When the client first began to connect."""


def least(a: int | None, b: int | None) -> int | None:
    """The less of what is known."""
    return b if a is None else a if b is None else min(a, b)


def most(a: int | None, b: int | None) -> int | None:
    """The more of what is known."""
    return b if a is None else a if b is None else max(a, b)


def _marks(
    a: tuple[tuple[int, str], ...], b: tuple[tuple[int, str], ...]
) -> tuple[tuple[int, str], ...]:
    """Union, ascending; past the limit the earliest half and the latest half are kept."""
    if not a or not b or a == b:
        return a or b
    union = sorted(set(a) | set(b))
    if len(union) > MAX_PRESENCE_MARKS:
        half = MAX_PRESENCE_MARKS // 2
        union = union[:half] + union[-half:]
    return tuple(union)


def _heard(
    a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, int], ...]:
    if not a or not b or a == b:
        return a or b
    latest = dict(a)
    for peer_id, t in b:
        latest[peer_id] = max(t, latest.get(peer_id, t))
    return tuple(sorted(latest.items())[:MAX_HEARD_PEERS])


def times(*some: Times) -> Times:
    """Union, ascending; past the limit the earliest half and the latest half are kept."""
    union = sorted({t for one in some for t in one})
    if len(union) > MAX_PRESENCE_MARKS:
        half = MAX_PRESENCE_MARKS // 2
        union = union[:half] + union[-half:]
    return tuple(union)


def merge_witness(a: Witness, b: Witness) -> Witness:
    """What both together say, of the same source."""
    return Witness(
        source=a.source,
        joins=times(a.joins, b.joins),
        leaves=times(a.leaves, b.leaves),
        aborts=times(a.aborts, b.aborts),
        room_starts=times(a.room_starts, b.room_starts),
        room_ends=times(a.room_ends, b.room_ends),
        first_media_t=least(a.first_media_t, b.first_media_t),
        last_media_t=most(a.last_media_t, b.last_media_t),
        first_t=least(a.first_t, b.first_t),
        last_t=most(a.last_t, b.last_t),
        first_received=least(a.first_received, b.first_received),
        last_received=most(a.last_received, b.last_received),
        lag=least(a.lag, b.lag),
    )


def _witnesses(a: tuple[Witness, ...], b: tuple[Witness, ...]) -> tuple[Witness, ...]:
    if not a or not b or a == b:
        return a or b
    by_source = {one.source: one for one in a}
    for one in b:
        known = by_source.get(one.source)
        by_source[one.source] = one if known is None else merge_witness(known, one)
    return tuple(by_source[source] for source in sorted(by_source)[:MAX_WITNESSES])


def _links(a: Times, b: Times) -> Times:
    if not a or not b or a == b:
        return a or b
    return tuple(sorted({*a, *b})[:MAX_LINKS])


def merge(a: Presence, b: Presence) -> Presence:
    """The presence that both together say."""
    return Presence(
        joins=_marks(a.joins, b.joins),
        leaves=_marks(a.leaves, b.leaves),
        removed=_marks(a.removed, b.removed),
        first_media_t=least(a.first_media_t, b.first_media_t),
        last_media_t=most(a.last_media_t, b.last_media_t),
        first_t=least(a.first_t, b.first_t),
        last_t=most(a.last_t, b.last_t),
        vouched_t=most(a.vouched_t, b.vouched_t),
        heard=_heard(a.heard, b.heard),
        first_received=least(a.first_received, b.first_received),
        last_received=most(a.last_received, b.last_received),
        lag=least(a.lag, b.lag),
        witnesses=_witnesses(a.witnesses, b.witnesses),
        links=_links(a.links, b.links),
        tried_t=least(a.tried_t, b.tried_t),
    )
