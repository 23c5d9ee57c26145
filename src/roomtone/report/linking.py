"""Linking: which peers of a session, told of by clients and by servers, are one connection.

Surest first: the same peer id; ids of tracks that both name; the same person at the same time. For
the last the clocks must agree, and each source's doubt about its clock is what it may be off by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.limits import CLOCK_TOLERANCE_MS
from roomtone.model.presence import Presence, Witness, least, most
from roomtone.model.sessions import CLIENT
from roomtone.report.stay import (
    DISCONNECT,
    ROOM_ENDED,
    Stay,
    clients_stay,
    clock_offset,
    is_servers,
    witness_offset,
    witness_stay,
)

JOIN_SLACK_MS = 10_000
"""A client and its server tell of the same join within so much: connecting takes seconds."""
CLOCKS_APART_MS = 5 * 60 * 1000
"""Most that is forgiven a clock of which nothing proves how far it is off."""
ONE_AT_A_TIME = frozenset({"livekit"})
"""Servers that put an identity out of the room when it comes in again."""


class Seen(Struct, frozen=True):
    """A peer of a session, as the rows know it."""

    subject: bytes
    peer_id: str
    user_id: str
    presence: Presence


class Sight(Struct, frozen=True):
    """One connection as one server saw it, on Roomtone's clock."""

    source: str
    stay: Stay
    doubt_ms: int
    media_at: int | None
    aborted: bool
    joined: bool
    left: bool
    """Whether the server ever said that it joined, that it left."""


class Line(Struct, frozen=True):
    """A peer, read: what its client says and what servers say of it."""

    seen: Seen
    origin: str
    client: Stay | None
    client_media_at: int | None
    doubt_ms: int
    """Of the client's clock."""
    sights: tuple[Sight, ...]
    room_ends: tuple[tuple[int, str], ...] = ()
    """(t, source)."""

    @property
    def joined_at(self) -> int:
        """Where a line has one at all (:attr:`there`)."""
        return min(stay.joined_at for stay in self._stays())

    @property
    def left_at(self) -> int | None:
        leaves = [stay.left_at for stay in self._stays()]
        return None if None in leaves else max(t for t in leaves if t is not None)

    @property
    def there(self) -> bool:
        """Whether anybody says that it was in the room."""
        return bool(self._stays())

    def _stays(self) -> list[Stay]:
        own = [] if self.client is None else [self.client]
        return own or [sight.stay for sight in self.sights]

    @property
    def order(self) -> tuple[int, str, bytes]:
        """By join; nothing about it depends on when it was told."""
        joined = self.joined_at if self.there else 0
        return joined, self.seen.peer_id, self.seen.subject


def lines_of(peers: Sequence[Seen], clocks: Mapping[str, Witness] | None = None) -> list[Line]:
    """Every peer, read with the clocks that the whole session proves (None: these are all of its
    peers); by their joins."""
    clocks = clocks_of(peers) if clocks is None else clocks
    return sorted((_line(peer, clocks) for peer in peers), key=lambda line: line.order)


def linked(lines: Sequence[Line]) -> dict[bytes, bytes]:
    """Subject → subject of the peer that it turned out to be. Only servers' peers are merged."""
    into: dict[bytes, Line] = {}
    for one, base in [*_same_id(lines), *_same_tracks(lines)]:
        into.setdefault(one.seen.subject, base)
    by_user: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.there:
            by_user[line.seen.user_id].append(line)
    for own in by_user.values():
        if len(own) > 1:
            _same_person(own, into)
    # A base may itself have turned out to be another's: follow to the end.
    ends: dict[bytes, bytes] = {}
    for subject, base in into.items():
        while base.seen.subject in into and base.seen.subject != subject:
            base = into[base.seen.subject]
        ends[subject] = base.seen.subject
    return ends


# --- reading --------------------------------------------------------------------------------------


def clocks_of(
    peers: Iterable[Seen], known: Mapping[str, Witness] | None = None
) -> dict[str, Witness]:
    """Of each source its clock, as all that it told of this session shows it. ``known``: of some
    of the peers, or all, from before."""
    clocks = dict(known or {})
    for peer in peers:
        for one in peer.presence.witnesses:
            so_far = clocks.get(one.source)
            clocks[one.source] = one if so_far is None else _both(so_far, one)
    return clocks


def corrections(clocks: Mapping[str, Witness]) -> dict[str, tuple[int, int]]:
    """All that a ruling takes from the clocks: of each source, what is added to its times and how
    far it may still be off, ms."""
    return {source: (witness_offset(clock), _doubt(clock)) for source, clock in clocks.items()}


def _both(a: Witness, b: Witness) -> Witness:
    """As ``merge_witness``, of the clock alone."""
    return Witness(
        source=a.source,
        first_t=least(a.first_t, b.first_t),
        last_t=most(a.last_t, b.last_t),
        first_received=least(a.first_received, b.first_received),
        last_received=most(a.last_received, b.last_received),
        lag=least(a.lag, b.lag),
    )


def _doubt(told: Presence | Witness) -> int:
    """How far a clock may be off after it was corrected. Who is late may be a clock behind, or
    just late; who is early or in time is neither."""
    if told.lag is None:
        return CLOCKS_APART_MS
    return 0 if told.lag <= CLOCK_TOLERANCE_MS else min(told.lag, CLOCKS_APART_MS)


def _line(peer: Seen, clocks: Mapping[str, Witness]) -> Line:
    presence = peer.presence
    servers = is_servers(presence)
    media = presence.first_media_t
    media_at = None if media is None else media + clock_offset(presence)
    sights: list[Sight] = []
    for one in presence.witnesses:
        clock = clocks[one.source]
        offset = witness_offset(clock)
        there = witness_stay(one, offset)
        if there is None:
            continue
        seen_media = None if one.first_media_t is None else one.first_media_t + offset
        sights.append(
            Sight(
                source=one.source,
                stay=there,
                doubt_ms=_doubt(clock),
                # Readings on a server's peer are that server's.
                media_at=seen_media if seen_media is not None or not servers else media_at,
                aborted=bool(one.aborts),
                joined=bool(one.joins),
                left=bool(one.leaves),
            )
        )
    return Line(
        seen=peer,
        origin=presence.witnesses[0].source if servers else CLIENT,
        client=None if servers else clients_stay(presence),
        client_media_at=None if servers else media_at,
        doubt_ms=_doubt(presence),
        sights=tuple(sights),
        room_ends=tuple(
            (t + witness_offset(clocks[one.source]), one.source)
            for one in presence.witnesses
            for t in one.room_ends
        ),
    )


def one_at_a_time(lines: Sequence[Line]) -> list[Line]:
    """Where an identity is in a room once, the next join ends the stay whose end was not told. It
    is the latest that it can have ended, so it proves no link."""
    joins: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line in lines:
        for sight in line.sights:
            if sight.source in ONE_AT_A_TIME and not sight.aborted:
                joins[sight.source, line.seen.user_id].append(sight.stay.joined_at)
    made = []
    for line in lines:
        sights = []
        for sight in line.sights:
            later = [
                t
                for t in joins.get((sight.source, line.seen.user_id), ())
                if t > sight.stay.joined_at
            ]
            if later and sight.stay.left_at is None:
                ended = min(later)
                there = replace(
                    sight.stay,
                    left_at=ended,
                    left_reason=DISCONNECT,
                    last_sign_at=min(sight.stay.last_sign_at, ended),
                )
                sight = replace(sight, stay=there)
            sights.append(sight)
        made.append(replace(line, sights=tuple(sights)))
    return made


# --- linking --------------------------------------------------------------------------------------


def _same_id(lines: Sequence[Line]) -> Iterable[tuple[Line, Line]]:
    by_id: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_id[line.seen.peer_id].append(line)
    for same in by_id.values():
        base = next((line for line in same if line.origin == CLIENT), same[0])
        yield from ((line, base) for line in same if line is not base and line.origin != CLIENT)


def _same_tracks(lines: Sequence[Line]) -> Iterable[tuple[Line, Line]]:
    clients: dict[int, Line] = {}
    for line in lines:
        if line.origin == CLIENT:
            for link in line.seen.presence.links:
                clients.setdefault(link, line)
    for line in lines:
        if line.origin != CLIENT:
            named = [clients[link] for link in line.seen.presence.links if link in clients]
            if named:
                yield line, min(named, key=lambda one: one.order)


def _same_person(own: Sequence[Line], into: dict[bytes, Line]) -> None:
    """Link what is left of one person's servers' peers, a source at a time."""
    bases = [line for line in own if line.origin == CLIENT]
    left = [line for line in own if line.origin != CLIENT and line.seen.subject not in into]
    for source in sorted({line.origin for line in left}):
        told = [line for line in left if line.origin == source]
        known = {
            into[line.seen.subject].seen.subject
            for line in own
            if line.origin == source and line.seen.subject in into
        }
        known |= {one.seen.subject for one in bases if any(s.source == source for s in one.sights)}
        free = [base for base in bases if base.seen.subject not in known]
        found = _paired(told, free) or _met(told, bases, free)
        into.update({line.seen.subject: base for line, base in found})
        linked_now = {line.seen.subject for line, _ in found}
        bases += [line for line in told if line.seen.subject not in linked_now]


def _apart(line: Line, base: Line) -> int:
    return abs(line.joined_at - base.joined_at)


def _forgiven(line: Line, base: Line) -> int:
    return JOIN_SLACK_MS + min(_lines_doubt(line) + _lines_doubt(base), CLOCKS_APART_MS)


def _lines_doubt(line: Line) -> int:
    if line.origin == CLIENT:
        return line.doubt_ms
    return max(sight.doubt_ms for sight in line.sights)


Pairs = list[tuple[Line, Line]]


def _paired(told: Sequence[Line], free: Sequence[Line]) -> Pairs:
    """As many as there are clients, and each joined when its client did: one each, in order."""
    pairs = list(zip(told, sorted(free, key=lambda base: base.order), strict=False))
    if len(told) != len(free) or any(_apart(*pair) > _forgiven(*pair) for pair in pairs):
        return []
    return pairs


def _met(told: Sequence[Line], bases: Sequence[Line], free: Sequence[Line]) -> Pairs:
    """Those that were there at the same time, the nearest join first; then, one each, those that
    were not but by their clocks may have been."""
    pairs: Pairs = []
    for line in told:
        during = [
            base
            for base in bases
            if _during(line, base)
            and not _long_gone(line, base, [o for o, b in pairs if b is base])
        ]
        if during:
            pairs.append((line, min(during, key=lambda base: (_apart(line, base), base.order))))
    linked_now = {line.seen.subject for line, _ in pairs}
    used = {base.seen.subject for _, base in pairs}
    for line in told:
        if line.seen.subject in linked_now:
            continue
        near = [
            base
            for base in free
            if base.seen.subject not in used
            and (_apart(line, base) <= _forgiven(line, base) or _open_before(line, base))
        ]
        if near:
            base = min(near, key=lambda one: (_apart(line, one), one.order))
            used.add(base.seen.subject)
            pairs.append((line, base))
    return pairs


def _during(line: Line, base: Line) -> bool:
    """Whether a server's peer joined while the client was there, or was there when it came."""
    joined, left = line.joined_at, _told_leave(line)
    if joined < base.joined_at - JOIN_SLACK_MS:
        return left is not None and left > base.joined_at
    return base.left_at is None or joined <= base.left_at + CLOCK_TOLERANCE_MS


def _long_gone(line: Line, base: Line, earlier: Sequence[Line]) -> bool:
    """Whether a server had told long before that the client left, and it never said so itself: a
    tab that reconnects is back within seconds."""
    leaves = [_told_leave(one) for one in earlier]
    if base.left_at is not None or not leaves or None in leaves:
        return False
    return line.joined_at > max(t for t in leaves if t is not None) + JOIN_SLACK_MS


def _open_before(line: Line, base: Line) -> bool:
    """Its end was never told, and a client that nobody saw otherwise came later: its telemetry
    began late."""
    return _told_leave(line) is None and line.joined_at < base.joined_at


def _told_leave(line: Line) -> int | None:
    """The end of a room is only the latest that somebody can have left."""
    if any(sight.stay.left_reason == ROOM_ENDED for sight in line.sights):
        return None
    return line.left_at
