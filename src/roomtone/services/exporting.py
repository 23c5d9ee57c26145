"""Exporting: ended calls as lines of a file that another Roomtone takes in as they were."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

from msgspec import Struct

from roomtone.formats.calls import (
    FACTS_A_LINE,
    ROOM,
    SESSION,
    End,
    FactsLine,
    Header,
    MeetingLine,
    MessageLine,
    ParticipantLine,
    PeerLine,
    ReportLine,
    SegmentLine,
    SessionLine,
    line_of,
)
from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence, merge
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.subjects import room_subject
from roomtone.model.words import KeptMessage, KeptSegment
from roomtone.ports.journal import Chunk, Journal
from roomtone.ports.records import Page, Records, SessionFilter, StoredReport, Transaction
from roomtone.services.words import session_subject

SESSIONS_AT_ONCE = 100
WORDS_AT_ONCE = 1_000


class _Rows(Struct, frozen=True):
    """What the rows hold of one call."""

    meeting: Meeting | None
    people: list[Participant]
    peers: list[Peer]
    reports: list[StoredReport]


class Exporter:
    """Writes calls out."""

    def __init__(self, journal: Journal, records: Records) -> None:
        self._journal = journal
        self._records = records

    async def sessions(self, app_id: str, since: int, until: int) -> AsyncIterator[Session]:
        """The ENDED sessions of an app that started from ``since`` to before ``until``, in that
        order; those that go on are not whole yet."""
        offset = 0
        while True:
            asked = SessionFilter(
                app_id=app_id,
                status=ENDED,
                started_from=since,
                started_to=until - 1,
                descending=False,
            )
            page = Page(offset, SESSIONS_AT_ONCE)
            found, _ = await self._records.read(partial(_page, asked, page))
            for session in found:
                yield session
            offset += len(found)
            if len(found) < SESSIONS_AT_ONCE:
                return

    @staticmethod
    def header() -> bytes:
        """The first line of a file."""
        return line_of(Header())

    async def lines(self, session: Session) -> AsyncIterator[bytes]:
        """The lines of one call; none if its meeting is gone."""
        rows = await self._records.read(lambda tx: _rows(tx, session))
        if rows.meeting is None:
            return
        yield line_of(MeetingLine(rows.meeting))
        for person in rows.people:
            yield line_of(ParticipantLine(person))
        yield line_of(SessionLine(session))
        for peer in rows.peers:
            yield line_of(PeerLine(peer))
        room = room_subject(session.app_id, session.meeting_id)
        subjects = [(room.key, "", ROOM), (session_subject(session).key, "", SESSION)]
        subjects += [(peer.subject, peer.peer_id, "") for peer in rows.peers]
        for key, of, whose in subjects:
            chunks = await self._journal.read(key)
            for line in await asyncio.to_thread(_facts, chunks, of, whose):
                yield line
        for report in rows.reports:
            body = gzip.decompress(report.body).decode()
            yield line_of(ReportLine(report.peer_id, report.model, body))
        async for message in self._messages(session.id):
            yield line_of(MessageLine(message))
        async for segment in self._segments(session.id):
            yield line_of(SegmentLine(segment))
        yield line_of(End(session.id))

    async def _messages(self, session_id: str) -> AsyncIterator[KeptMessage]:
        after = ""
        while found := await self._records.read(partial(_some_messages, session_id, after)):
            for word in found:
                yield word
            after = found[-1].id

    async def _segments(self, session_id: str) -> AsyncIterator[KeptSegment]:
        after = ""
        while found := await self._records.read(partial(_some_segments, session_id, after)):
            for word in found:
                yield word
            after = found[-1].id


def _page(asked: SessionFilter, page: Page, tx: Transaction) -> tuple[list[Session], int]:
    return tx.sessions.list_sessions(asked, page)


def _some_messages(session_id: str, after: str, tx: Transaction) -> list[KeptMessage]:
    return tx.words.kept_messages(session_id, after, WORDS_AT_ONCE)


def _some_segments(session_id: str, after: str, tx: Transaction) -> list[KeptSegment]:
    return tx.words.kept_segments(session_id, after, WORDS_AT_ONCE)


def _rows(tx: Transaction, session: Session) -> _Rows:
    peers = tx.sessions.peers(session.id)
    people = {
        peer.user_id: person
        for peer in peers
        if (person := tx.rooms.participant(session.app_id, peer.user_id)) is not None
    }
    peers = [peer for peer in peers if peer.user_id in people]
    reports = []
    if session.trimmed_at is not None:
        found = [tx.reports.report(session.app_id, peer.peer_id) for peer in peers]
        reports = [report for report in found if report is not None]
    meeting = tx.rooms.meeting(session.app_id, session.meeting_id)
    return _Rows(meeting, [people[one] for one in sorted(people)], peers, reports)


def _facts(chunks: Sequence[Chunk], of: str, whose: str) -> list[bytes]:
    facts: list[AnyFact] = []
    presence = Presence()
    for chunk in chunks:
        facts += chunk.facts()
        presence = merge(presence, chunk.presence)
    return list(_sliced(facts, of, whose, presence))


def _sliced(facts: list[AnyFact], of: str, whose: str, presence: Presence) -> Iterator[bytes]:
    for start in range(0, len(facts), FACTS_A_LINE):
        some = tuple(facts[start : start + FACTS_A_LINE])
        yield line_of(FactsLine(some, of, whose, None if start else presence))
