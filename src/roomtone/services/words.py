"""Words: what was written and said in sessions, taken in by every door.

Words of a collector lie in the journal of the peer that reported them, those of an app's server in
a journal of the session's own; the rows are the merge of both (merging.py) and can be made again
from them. Rows are written before the sender is told "accepted", and again when a batch is
repeated. A peer that has not joined anything has no session yet: its words wait in the journal.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roomtone.formats.messages import ReadMessages
from roomtone.formats.reading import ReadTranscript
from roomtone.model.artifacts import CHAT
from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence
from roomtone.model.sessions import Session
from roomtone.model.subjects import Subject
from roomtone.model.words import Message, Segment, Speaker, Spoken
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START, Place, Said
from roomtone.services.merging import shown_message
from roomtone.services.reported import (
    NOBODY,
    ChatReport,
    Report,
    SpeechReport,
    fact_of_message,
    fact_of_segment,
    has_words,
    known_reports,
    reports_of,
)

AT_ONCE = 1_000
"""Words in one transaction, batch or page: nobody waits long behind a long transcript."""
SETTLED_AT_ONCE = 100

T = TypeVar("T")


class Taken(Struct, frozen=True):
    """What came of words that a server sent."""

    new: int = 0
    changed: int = 0
    known: int = 0
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.notes + other.notes,
        )


class Roster(Protocol):
    """What is asked of the roster: to show in the rows what the journal holds."""

    async def catch_up(self) -> None:
        """Apply everything that was appended until now."""
        ...


class Words:
    """Takes words in, and gives them out in order."""

    def __init__(self, journal: Journal, records: Records, roster: Roster, clock: Clock) -> None:
        self._journal = journal
        self._records = records
        self._roster = roster
        self._clock = clock

    # --- from a collector -----------------------------------------------------------------------

    async def take(self, subject: Subject, facts: Sequence[AnyFact]) -> None:
        """Write the rows of a batch that the journal holds."""
        if self._records.peek(lambda tx: tx.sessions.peer_by_subject(subject.key)) is None:
            # Its join may be in this very batch.
            await self._roster.catch_up()
        now = self._clock.now()

        def put(tx: Transaction) -> None:
            if not _put_peers_words(subject.key, facts, now, tx):
                tx.words.put_pending(subject.key, now)

        await self._records.write(put)

    async def settle(self) -> int:
        """Take in words whose peers have joined meanwhile; of how many peers."""
        pending = await self._records.read(lambda tx: tx.words.pending_joined(SETTLED_AT_ONCE))
        for subject, noted_at in pending:
            await self.replay(subject)
            # What was noted meanwhile may not have been in the journal that was read.
            await self._records.write(partial(_drop_pending, subject, noted_at))
        return len(pending)

    async def replay(self, subject: bytes) -> None:
        """Write the rows of everything that the journal of a peer holds."""
        now = self._clock.now()
        for facts in await self._facts(subject):
            await self._records.write(partial(_put_peers_words, subject, facts, now))

    async def rebuild(self, session_id: str) -> int:
        """Write the rows of a session's words from the journal again; how many were missing or
        other. What the journal does not hold any more stays."""
        session, peers = await self._records.read(
            lambda tx: (tx.sessions.session_by_id(session_id), tx.sessions.peers(session_id))
        )
        if session is None or session.trimmed_at is not None:
            return 0
        changed = 0
        senders = [(peer.subject, _sender(peer.peer_id, peer.user_id)) for peer in peers]
        for key, sender in [*senders, (session_subject(session).key, NOBODY)]:
            for facts in await self._facts(key):
                reports = known_reports(facts, sender)
                taken = await self._put(session, reports)
                changed += taken.new + taken.changed
        return changed

    async def _facts(self, subject: bytes) -> list[list[AnyFact]]:
        """The facts of words in a journal, in slices."""
        chunks = await self._journal.read(subject)

        def words() -> list[list[AnyFact]]:
            found = [fact for chunk in chunks for fact in chunk.facts() if has_words((fact,))]
            return list(_slices(iter(found)))

        return await asyncio.to_thread(words)

    # --- from an app's server -------------------------------------------------------------------

    async def put_messages(self, session: Session, read: ReadMessages) -> Taken:
        """Messages as they stand now. One that was deleted stays deleted."""
        taken = Taken(notes=read.notes)
        for some in _slices(iter(read.messages)):
            news = await self._records.read(partial(_news_of_messages, session.id, some))
            now = self._clock.now()
            facts = tuple(fact_of_message(word, max(now, least)) for word, least in news)
            taken += await self._put_facts(session, facts, len(some))
        return taken

    async def put_segments(self, session: Session, read: ReadTranscript) -> Taken:
        """Segments, with their times."""
        taken = Taken(notes=read.notes)
        segments = iter(read.segments)
        while some := await asyncio.to_thread(lambda: list(islice(segments, AT_ONCE))):
            news = await self._records.read(partial(_news_of_segments, session.id, some))
            now = self._clock.now()
            facts = tuple(fact_of_segment(word, max(now, least)) for word, least in news)
            taken += await self._put_facts(session, facts, len(some))
        return taken

    async def _put_facts(self, session: Session, facts: tuple[AnyFact, ...], count: int) -> Taken:
        """Append what is new to the session's own journal, and write its rows."""
        if not facts:
            return Taken(known=count)
        digest = blake2b(msgspec.msgpack.encode(facts), digest_size=16).hexdigest()
        await self._journal.append(
            [Batch(session_subject(session), f"w:{digest}", None, facts, Presence())]
        )
        taken = await self._put(session, reports_of(facts))
        return taken + Taken(known=count - taken.new - taken.changed - taken.known)

    async def _put(self, session: Session, reports: list[Report]) -> Taken:
        now = self._clock.now()
        return await self._records.write(
            lambda tx: _put(tx, session.app_id, session.id, reports, now)
        )

    # --- out ------------------------------------------------------------------------------------

    async def export(
        self, kind: str, app_id: str | None, since: int, until: int
    ) -> AsyncIterator[list[Said]]:
        """What was said from ``since`` to before ``until`` (epoch ms), by time, in pages."""
        after = START

        def ask(tx: Transaction) -> list[Said]:
            return tx.words.said_between(kind, app_id, since, until, after, AT_ONCE)

        while page := await self._records.read(ask):
            yield page
            last = page[-1].word
            after = Place(last.sent_at if isinstance(last, Message) else last.start_at, last.id)


def session_subject(session: Session) -> Subject:
    """The journal of what servers said of a session. No participant has an empty id."""
    return Subject(session.app_id, session.meeting_id, "", session.id)


def _sender(peer_id: str, user_id: str) -> Speaker:
    return Speaker(peer_id=peer_id, user_id=user_id)


def _slices(words: Iterator[T]) -> Iterator[list[T]]:
    while some := list(islice(words, AT_ONCE)):
        yield some


def _drop_pending(subject: bytes, noted_at: int, tx: Transaction) -> None:
    tx.words.drop_pending(subject, noted_at)


def _put_peers_words(subject: bytes, facts: Iterable[AnyFact], now: int, tx: Transaction) -> bool:
    """Whether the peer has a session to put them into."""
    peer = tx.sessions.peer_by_subject(subject)
    if peer is None:
        return False
    reports = known_reports(facts, _sender(peer.peer_id, peer.user_id))
    _put(tx, peer.app_id, peer.session_id, reports, now)
    return True


def _put(
    tx: Transaction, app_id: str, session_id: str, reports: Iterable[Report], now: int
) -> Taken:
    """Merge reports into the rows of a session, and count up what shows."""
    new = changed = known = chat = speech = 0
    for report in reports:
        before: Message | Segment | None
        after: Message | Segment | None
        if isinstance(report, ChatReport):
            before, after = _put_message(tx, app_id, session_id, report)
            chat += before != after
        else:
            before, after = _put_segment(tx, app_id, session_id, report)
            speech += before != after
        if before == after:
            known += 1
        elif before is None:
            new += 1
        else:
            changed += 1
    if chat or speech:
        count_up(tx, app_id, session_id, now, chat=bool(chat), speech=bool(speech))
    return Taken(new, changed, known)


def _put_message(
    tx: Transaction, app_id: str, session_id: str, report: ChatReport
) -> tuple[Message | None, Message | None]:
    kept = tx.words.message(session_id, report.id)
    merged = report.merged(kept)
    if merged != kept:
        tx.words.put_message(app_id, session_id, merged)
    return None if kept is None else shown_message(kept), shown_message(merged)


def _put_segment(
    tx: Transaction, app_id: str, session_id: str, report: SpeechReport
) -> tuple[Segment | None, Segment | None]:
    kept = tx.words.segment(session_id, report.id)
    merged = report.merged(kept)
    if merged != kept:
        tx.words.put_segment(app_id, session_id, merged)
    return None if kept is None else kept.segment, merged.segment


def count_up(
    tx: Transaction, app_id: str, session_id: str, now: int, *, chat: bool, speech: bool
) -> None:
    """Note that the words of a session show otherwise than before."""
    spoken = tx.words.spoken(session_id) or Spoken(session_id=session_id, app_id=app_id)
    tx.words.put_spoken(
        replace(
            spoken,
            chat_revision=spoken.chat_revision + chat,
            transcript_revision=spoken.transcript_revision + speech,
            due=True,
            changed_at=now,
        )
    )


def _news_of_messages(
    session_id: str, some: list[Message], tx: Transaction
) -> list[tuple[Message, int]]:
    """The messages that stand otherwise, each with the least time at which this can be said: later
    than what is known, though a client's clock ran ahead. A deleted one is not brought back."""
    news = []
    for message in some:
        kept = tx.words.message(session_id, message.id)
        if kept is None:
            news.append((message, 0))
        elif not kept.deleted and shown_message(kept) != message:
            news.append((message, 1 + max(kept.content_t, kept.pinned_t)))
    return news


def _news_of_segments(
    session_id: str, some: list[Segment], tx: Transaction
) -> list[tuple[Segment, int]]:
    """The segments that were said otherwise, each as in :func:`_news_of_messages`."""
    news = []
    for segment in some:
        kept = tx.words.segment(session_id, segment.id)
        if kept is None:
            news.append((segment, 0))
        elif not kept.timed or kept.segment != segment:
            news.append((segment, 1 + kept.content_t))
    return news


def revision_of(spoken: Spoken | None, kind: str) -> int:
    """How often the chat or the transcript of a session has changed; 0: there never was any."""
    if spoken is None:
        return 0
    return spoken.chat_revision if kind == CHAT else spoken.transcript_revision
