"""Reconcile: one true record of a session from several sources (docs/reconciliation.md).

Clients tell of themselves, servers of everybody, each with its own ids, clock and losses. From all
peers of a session follows which of them are one connection, when it was there, whether it ever
connected, and who decided that. It is a pure function of the *set* of peers, so it comes out the
same in whatever order things were told.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.limits import CLOCK_TOLERANCE_MS
from roomtone.model.presence import Presence, Witness
from roomtone.model.sessions import ATTEMPT, CLIENT
from roomtone.report.linking import (
    JOIN_SLACK_MS,
    Line,
    Seen,
    Sight,
    lines_of,
    linked,
    one_at_a_time,
)
from roomtone.report.stay import (
    ATTEMPTED,
    DISCONNECT,
    ROOM_ENDED,
    Stay,
    clients_stay,
    clock_offset,
)

ROOMTONE = "roomtone"
"""Decides a leave that Roomtone noticed (``silence``) or caused (``kicked``, ``host_ended``)."""
ATTEMPT_MS = 10_000
"""In the room for less, without media: it gave up, or was refused, while connecting."""
TELL_OF_MEDIA = frozenset({"livekit", "janus"})
"""Sources that say when media flows: of the others its absence means nothing."""
_BY_ROOMTONE = frozenset({"silence", "kicked", "host_ended"})

Left = tuple[int, str, str]
"""(t, reason, who decided)."""


class Ruling(Struct, frozen=True):
    """What is true of a peer. Epoch ms on Roomtone's clock."""

    subject: bytes
    origin: str
    merged_into: str | None
    joined_at: int
    left_at: int | None
    left_reason: str | None
    last_sign_at: int
    decided: dict[str, str]


class _Group(Struct, frozen=True):
    """The peers that are one connection. ``sights`` are on the client's clock where that is the
    surer one."""

    base: Line
    presence: Presence
    sights: tuple[Sight, ...]
    aligned: bool
    """Whether sights were moved: then the client decides when it joined."""

    @property
    def last_join(self) -> int:
        """The last that a server told."""
        return max((max(sight.stay.joins) for sight in self.sights), default=0)

    @property
    def media(self) -> bool:
        """Whether anybody saw media."""
        seen = (sight.media_at is not None for sight in self.sights)
        return self.base.client_media_at is not None or any(seen)


def reconcile(peers: Sequence[Seen], clocks: Mapping[str, Witness] | None = None) -> list[Ruling]:
    """The rulings on the peers of a session, by subject. One of which nobody says that it joined,
    or tried, has none.

    ``clocks``: of the whole session (:func:`~roomtone.report.linking.clocks_of`). With those, the
    peers that share no person, peer id or track with others can be ruled on without the others.
    """
    lines = lines_of(peers, clocks)
    into = linked(lines)
    lines = one_at_a_time(lines)
    attached_to: dict[bytes, list[Line]] = defaultdict(list)
    for line in lines:
        if line.seen.subject in into:
            attached_to[into[line.seen.subject]].append(line)
    rulings: list[Ruling] = []
    for base in lines:
        if base.seen.subject in into:
            continue
        attached = attached_to[base.seen.subject]
        ruling = _ruled(_group(base, attached))
        if ruling is not None:
            rulings.append(ruling)
            rulings += [_merged(line, base, ruling) for line in attached]
    return sorted(rulings, key=lambda ruling: ruling.subject)


def _group(base: Line, attached: Sequence[Line]) -> _Group:
    removed = {mark for line in (base, *attached) for mark in line.seen.presence.removed}
    presence = replace(base.seen.presence, removed=tuple(sorted(removed)))
    sights = [sight for line in (base, *attached) for sight in line.sights]
    moved = [_aligned(sight, base, sights) for sight in sights]
    return _Group(base, presence, tuple(moved), aligned=moved != sights)


def _aligned(sight: Sight, base: Line, sights: Sequence[Sight]) -> Sight:
    """Moved so that the source's first join is the client's, if the client's clock is surer and
    the two are further apart than connecting takes."""
    if base.client is None or sight.doubt_ms <= base.doubt_ms:
        return sight
    first = min(one.stay.joined_at for one in sights if one.source == sight.source)
    by = base.client.joined_at - first
    if abs(by) <= JOIN_SLACK_MS or abs(by) > JOIN_SLACK_MS + sight.doubt_ms:
        return sight
    there = sight.stay
    return replace(
        sight,
        media_at=None if sight.media_at is None else sight.media_at + by,
        stay=Stay(
            joined_at=there.joined_at + by,
            left_at=None if there.left_at is None else there.left_at + by,
            left_reason=there.left_reason,
            joins=tuple(t + by for t in there.joins),
            leaves=tuple((t + by, reason) for t, reason in there.leaves),
            last_sign_at=there.last_sign_at + by,
        ),
    )


def _ruled(group: _Group) -> Ruling | None:
    base = group.base
    seen_until = max((sight.stay.last_sign_at for sight in group.sights), default=0)
    rejoined = max(0, group.last_join - CLOCK_TOLERANCE_MS)
    client = (
        clients_stay(group.presence, rejoined=rejoined, seen_until=seen_until)
        if base.origin == CLIENT
        else None
    )
    if client is None and not group.sights:
        return _only_tried(base)
    joined, joined_by = _joined(group, client)
    if _never_connected(group, client):
        return _attempt(group, joined, joined_by, max(seen_until, joined))
    left = _left(group, client, seen_until)
    last_sign = max(seen_until, 0 if client is None else client.last_sign_at, joined)
    decided = {"joined": joined_by} | ({} if left is None else {"left": left[2]})
    left_at = None if left is None else max(left[0], joined)
    return Ruling(
        subject=base.seen.subject,
        origin=base.origin,
        merged_into=None,
        joined_at=joined,
        left_at=left_at,
        left_reason=None if left is None else left[1],
        last_sign_at=last_sign if left_at is None else left_at,
        decided=decided,
    )


def _joined(group: _Group, client: Stay | None) -> tuple[int, str]:
    """The server's word, unless its clock is in doubt or media flowed before it."""
    seen = min(((sight.stay.joined_at, sight.source) for sight in group.sights), default=None)
    if client is None:
        if seen is None:
            raise AssertionError("a group that nobody joined")
        return seen
    if seen is None or group.aligned:
        return client.joined_at, CLIENT
    media = group.base.client_media_at
    if media is not None and media < seen[0] - JOIN_SLACK_MS:
        return min(client.joined_at, media), CLIENT
    return seen


def _never_connected(group: _Group, client: Stay | None) -> bool:
    if group.media or not group.sights:
        return False
    if any(sight.aborted for sight in group.sights):
        return not any(sight.left for sight in group.sights)
    return client is None and all(
        sight.source in TELL_OF_MEDIA
        and sight.joined
        and sight.stay.left_at is not None
        and sight.stay.left_reason == DISCONNECT
        and sight.stay.left_at - sight.stay.joined_at <= ATTEMPT_MS
        for sight in group.sights
    )


def _left(group: _Group, client: Stay | None, seen_until: int) -> Left | None:
    """The earliest leave that holds; a silence only where nobody said more."""
    said: list[Left] = []
    silent: Left | None = None
    if client is not None and client.left_at is not None and client.left_reason is not None:
        by = ROOMTONE if client.left_reason in _BY_ROOMTONE else CLIENT
        if client.left_reason == "silence":
            silent = (client.left_at, "silence", by)
        else:
            said.append((client.left_at, client.left_reason, by))
    if client is None:
        for t, reason in group.presence.removed:
            if reason == "silence" and t >= seen_until:
                silent = silent or (t, reason, ROOMTONE)
            elif reason != "silence" and t >= group.last_join:
                said.append((t, reason, ROOMTONE))
    server = _left_by_servers(group)
    if server is not None and not _undone(server[0], group, client):
        said.append(server)
    if client is not None:
        said += _room_over(group, client)
    first = min(said, default=None)
    if silent is not None and (first is None or (first[1] == ROOM_ENDED and silent < first)):
        return silent  # who was not told to leave was at most there until the room ended
    return first


def _left_by_servers(group: _Group) -> Left | None:
    """When the last of its connections ended; None while any goes on."""
    ends: list[Left] = []
    for sight in group.sights:
        if sight.stay.left_at is None:
            return None
        ends.append((sight.stay.left_at, sight.stay.left_reason or DISCONNECT, sight.source))
    return max(ends, default=None)


def _undone(left_at: int, group: _Group, client: Stay | None) -> bool:
    """The client joined again after it, or others still received its media: a join that the server
    told was lost. That the client goes on reporting is no such proof."""
    doubt = max((sight.doubt_ms for sight in group.sights), default=0)
    after = left_at + CLOCK_TOLERANCE_MS + (0 if group.aligned else doubt)
    if client is not None and group.presence.joins and client.joins[-1] > after:
        return True
    return (group.presence.vouched_t or 0) > after


def _room_over(group: _Group, client: Stay) -> list[Left]:
    """Ends of the room that the client did not outlive."""
    presence = group.presence
    last = max(client.joins[-1], (presence.last_media_t or 0) + clock_offset(presence))
    return [
        (t, ROOM_ENDED, source)
        for t, source in group.base.room_ends
        if t + CLOCK_TOLERANCE_MS >= max(last, group.last_join)
    ]


def _only_tried(base: Line) -> Ruling | None:
    presence = base.seen.presence
    if presence.tried_t is None:
        return None
    offset = clock_offset(presence)
    tried = presence.tried_t + offset
    return Ruling(
        subject=base.seen.subject,
        origin=base.origin,
        merged_into=ATTEMPT,
        joined_at=tried,
        left_at=max(tried, (presence.last_t or 0) + offset),
        left_reason=ATTEMPTED,
        last_sign_at=max(tried, (presence.last_t or 0) + offset),
        decided={"joined": CLIENT, "left": CLIENT},
    )


def _attempt(group: _Group, joined: int, joined_by: str, until: int) -> Ruling:
    by = max((sight.stay.last_sign_at, sight.source) for sight in group.sights)[1]
    return Ruling(
        subject=group.base.seen.subject,
        origin=group.base.origin,
        merged_into=ATTEMPT,
        joined_at=joined,
        left_at=until,
        left_reason=ATTEMPTED,
        last_sign_at=until,
        decided={"joined": joined_by, "left": by},
    )


def _merged(line: Line, base: Line, ruling: Ruling) -> Ruling:
    """What a peer says by itself that turned out to be another; it never outstays that one."""
    joined, left_at = line.joined_at, line.left_at
    if left_at is None and ruling.left_at is not None:
        left_at = max(joined, ruling.left_at)
    last_sign = max((sight.stay.last_sign_at for sight in line.sights), default=joined)
    return Ruling(
        subject=line.seen.subject,
        origin=line.origin,
        merged_into=base.seen.peer_id,
        joined_at=joined,
        left_at=left_at,
        left_reason=None if left_at is None else DISCONNECT,
        last_sign_at=last_sign if left_at is None else left_at,
        decided={"joined": line.origin} | ({} if left_at is None else {"left": line.origin}),
    )
