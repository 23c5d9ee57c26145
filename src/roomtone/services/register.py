"""Register: the attendance of a session, or of all sessions of a meeting in a range of time.

``raw`` has a row for each connection to the session itself; ``consolidated`` a row for each person,
over all rejoins and breakout rooms, as in the participants list. Everything comes from rows that
outlive journal and reports. Sessions are read a few at a time, so any range takes the same memory.
"""

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Protocol

from msgspec import Struct

from roomtone.model.attendance import (
    CONSOLIDATED,
    TALK_SOURCES,
    TRANSCRIPT,
    Attendance,
    TalkTime,
)
from roomtone.model.errors import NotFound
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START, Place
from roomtone.services.attendance import people
from roomtone.services.peer_events import joins_of
from roomtone.services.rooms import NO_SUCH_MEETING
from roomtone.services.sessions import MAX_BREAKOUT_DEPTH, NO_SUCH_SESSION
from roomtone.services.speakers import Speakers

SESSIONS_AT_ONCE = 20
SEGMENTS_AT_ONCE = 1_000
MAX_LIVE_PEERS = 50
"""While a session is not sealed its talk time is folded on request, up to this many peers."""

Talks = dict[bytes, TalkTime]


class LiveTalk(Protocol):
    """Folds what is not sealed."""

    async def live_talk(self, session: Session, peers: list[Peer]) -> Talks: ...


class _Held(Struct, frozen=True):
    """A session and all that is needed for its rows."""

    session: Session
    own: list[Peer]
    breakout: list[Peer]
    talks: Talks
    spoken: Talks
    """By the transcript; empty where there is none."""


class Register:
    """See the module."""

    def __init__(self, records: Records, clock: Clock, live: LiveTalk) -> None:
        self._records = records
        self._clock = clock
        self._live = live

    async def of_session(self, app_id: str, session_id: str, view: str) -> list[Attendance]:
        """By first join. Raises NotFound."""

        def ask(tx: Transaction) -> _Held:
            session = tx.sessions.session(app_id, session_id)
            if session is None:
                raise NotFound(NO_SUCH_SESSION)
            return _held(tx, session, view)

        return await self._rows(await self._records.read(ask), view)

    async def check_meeting(self, app_id: str, meeting_id: str) -> None:
        """Raises NotFound."""
        found = await self._records.read(lambda tx: tx.rooms.meeting(app_id, meeting_id))
        if found is None:
            raise NotFound(NO_SUCH_MEETING)

    async def of_meeting(
        self, meeting_id: str, since: int, until: int, view: str
    ) -> AsyncIterator[list[Attendance]]:
        """Of each session of a meeting that started from ``since`` to ``until`` (epoch ms, both
        included), by its start."""
        after = (-1, "")
        while True:
            some = await self._records.read(partial(_some, meeting_id, since, until, after, view))
            for held in some:
                yield await self._rows(held, view)
            if len(some) < SESSIONS_AT_ONCE:
                return
            last = some[-1].session
            after = (last.started_at, last.id)

    async def _rows(self, held: _Held, view: str) -> list[Attendance]:
        session, peers = held.session, [*held.own, *held.breakout]
        talks = held.talks
        if session.sealed_at is None and len(peers) <= MAX_LIVE_PEERS:
            talks = await self._live.live_talk(session, held.own)
            talks |= held.talks if held.breakout else {}
        talks = {**held.spoken, **talks}
        now = self._clock.now()
        if view == CONSOLIDATED:
            rows = [
                _row(session, one.latest, one.peers, talks, now)
                for one in people(held.own, held.breakout)
            ]
        else:
            rows = [_row(session, peer, (peer,), talks, now) for peer in held.own]
        return sorted(rows, key=lambda row: (row.first_joined_at, row.user_id, row.peer_id))


def _some(
    meeting_id: str, since: int, until: int, after: tuple[int, str], view: str, tx: Transaction
) -> list[_Held]:
    found = tx.sessions.started_between(meeting_id, since, until, after, SESSIONS_AT_ONCE)
    return [_held(tx, session, view) for session in found]


def _held(tx: Transaction, session: Session, view: str) -> _Held:
    own = _counted(tx, session)
    rooms = _rooms(tx, session, MAX_BREAKOUT_DEPTH) if view == CONSOLIDATED else []
    breakout = [peer for room in rooms for peer in _counted(tx, room)]
    talks: Talks = {}
    for one in (session, *rooms):
        talks |= tx.talk.talks(one.id)
    silent = any(peer.subject not in talks for peer in own)
    return _Held(session, own, breakout, talks, _spoken(tx, session, own) if silent else {})


def _counted(tx: Transaction, session: Session) -> list[Peer]:
    return [peer for peer in tx.sessions.peers(session.id) if peer.counts]


def _rooms(tx: Transaction, session: Session, depth: int) -> list[Session]:
    children = tx.sessions.child_sessions(session.id) if depth else []
    return [room for child in children for room in (child, *_rooms(tx, child, depth - 1))]


def _spoken(tx: Transaction, session: Session, peers: list[Peer]) -> Talks:
    """Talk times by the transcript: of everybody if there is one, of nobody if there is none."""
    spoken = tx.words.spoken(session.id)
    if spoken is None or spoken.transcript_revision == 0:
        return {}
    speakers = Speakers(peers)
    talked = {peer.peer_id: 0 for peer in peers}
    ends: dict[str, int] = {}
    after, any_at_all = START, False
    while some := tx.words.segments(session.id, after, SEGMENTS_AT_ONCE):
        any_at_all = True
        for segment in some:
            who = speakers.said(segment).speaker.peer_id
            if who in talked:
                start = max(segment.start_at, ends.get(who, 0))
                talked[who] += max(0, segment.end_at - start)
                ends[who] = max(segment.end_at, start)
        after = Place(some[-1].start_at, some[-1].id)
    if not any_at_all:
        return {}
    return {peer.subject: TalkTime(talked[peer.peer_id], TRANSCRIPT) for peer in peers}


def _row(
    session: Session, latest: Peer, peers: tuple[Peer, ...], talks: Talks, now: int
) -> Attendance:
    stays = [(peer.joined_at, _left(peer, session)) for peer in peers]
    leaves = [left for _, left in stays]
    still = None in leaves
    spans = [(joined, max(joined, now if left is None else left)) for joined, left in stays]
    present_ms = covered_ms(spans)
    return Attendance(
        session_id=session.id,
        meeting_id=session.meeting_id,
        title=session.title,
        session_started_at=session.started_at,
        session_ended_at=session.ended_at,
        peer_id=latest.peer_id,
        user_id=latest.user_id,
        custom_participant_id=latest.custom_participant_id,
        display_name=latest.display_name,
        first_joined_at=min(joined for joined, _ in stays),
        last_left_at=None if still else max(left for left in leaves if left is not None),
        present_ms=present_ms,
        connected_ms=sum(left - joined for joined, left in spans),
        joins=sum(_joins(peer) for peer in peers),
        still_connected=still,
        talk=_talk([talks[peer.subject] for peer in peers if peer.subject in talks], present_ms),
    )


def _left(peer: Peer, session: Session) -> int | None:
    """A session that is over has nobody in it, whatever a peer failed to say."""
    if peer.left_at is None and session.status == ENDED and peer.session_id == session.id:
        return session.ended_at
    return peer.left_at


def covered_ms(spans: Iterable[tuple[int, int]]) -> int:
    """The time that at least one of the spans covers."""
    covered, end = 0, None
    for start, stop in sorted(spans):
        if end is None or start > end:
            covered, end = covered + stop - start, stop
        elif stop > end:
            covered, end = covered + stop - end, stop
    return covered


def _joins(peer: Peer) -> int:
    return len(joins_of(peer))


def _talk(talks: list[TalkTime], present_ms: int) -> TalkTime | None:
    """The sum; named after the least sure of what tells it."""
    if not talks:
        return None
    source = max((talk.source for talk in talks), key=TALK_SOURCES.index)
    return TalkTime(min(sum(talk.ms for talk in talks), present_ms), source)
