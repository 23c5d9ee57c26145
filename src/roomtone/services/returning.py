"""Returning: calls of our own export come back as they were.

Ids stay, unless another app of this Roomtone holds them; then they are made anew, the same each
time. What is there already is left alone and only what is missing is added, so that taking a file
in again changes nothing, and one that was cut off is completed.
"""

import asyncio
import gzip
from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roomtone.formats.calls import SESSION, Call, FactsLine
from roomtone.model.errors import Fault, Invalid
from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence
from roomtone.model.sessions import Peer
from roomtone.model.subjects import Subject, room_subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Records, StoredReport, Transaction
from roomtone.services.digesting import digest_stored
from roomtone.services.roster import Roster
from roomtone.services.seal import Sealer
from roomtone.services.shelves import GZIP_LEVEL
from roomtone.services.words import Words, count_up, session_subject
from roomtone.sources.shifting import shifted

FACTS_A_BATCH = 200
OTHERS = "A session of this app has the id {}, and is of another meeting."


class Returned(Struct, frozen=True):
    """What came of one call."""

    session_id: str
    peer_ids: tuple[str, ...]
    new: int
    """Facts, reports, messages and segments that were not there."""
    known: int


class Returner:
    """Takes calls back."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        roster: Roster,
        sealer: Sealer,
        words: Words,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._records = records
        self._roster = roster
        self._sealer = sealer
        self._words = words
        self._clock = clock

    async def take(self, app_id: str, call: Call) -> Returned:
        """Add what is missing of a call, and seal it. Raises Invalid."""
        call = await self._records.read(lambda tx: _with_free_ids(tx, app_id, call))
        session = call.session
        was_there = await self._records.read(lambda tx: tx.sessions.session_by_id(session.id))
        if was_there is not None and was_there.meeting_id != session.meeting_id:
            raise Invalid(
                "The call is not taken in.", (Fault("session", OTHERS.format(session.id)),)
            )
        trimmed = (was_there or session).trimmed_at is not None
        rows = await self._records.write(lambda tx: _put_rows(tx, call, self._clock.now()))
        batches: list[Batch] = []
        known = 0
        for subject, lines in _by_subject(call).items():
            if trimmed and subject != session_subject(session):
                continue  # what was taken away for its age stays away
            found, there = await self._missing(subject, lines)
            batches += found
            known += there
        facts = sum(len(batch.facts) for batch in batches)
        for batch in batches:
            await self._journal.append([batch])
        await self._roster.catch_up()
        words = await self._records.write(lambda tx: _put_words(tx, call, self._clock.now()))
        if trimmed:
            await digest_stored(self._records, session, [p for p in call.peers if p.counts])
        elif batches or rows or was_there is None or was_there.sealed_at is None:
            await self._words.rebuild(session.id)
            await self._sealer.seal(session.id)
        return Returned(
            session_id=session.id,
            peer_ids=tuple(peer.peer_id for peer in call.peers if not peer.merged_into),
            new=facts + rows + words,
            known=known + len(call.messages) + len(call.segments) - words,
        )

    async def _missing(self, subject: Subject, lines: list[FactsLine]) -> tuple[list[Batch], int]:
        """The facts that this journal has not, as batches; and how many it has."""
        chunks = await self._journal.read(subject.key)

        def compare() -> tuple[list[Batch], int]:
            there = {_mark(fact) for chunk in chunks for fact in chunk.facts()}
            told = [fact for line in lines for fact in shifted(line.facts, 0)]
            missing = [fact for fact in told if _mark(fact) not in there]
            presence = next((line.presence for line in lines if line.presence), Presence())
            return _batches(subject, missing, presence), len(told) - len(missing)

        return await asyncio.to_thread(compare)


def _mark(fact: AnyFact) -> bytes:
    """Two facts that encode to the same bytes are one fact."""
    return blake2b(msgspec.msgpack.encode(fact), digest_size=16).digest()


def _batches(subject: Subject, facts: list[AnyFact], presence: Presence) -> list[Batch]:
    made = []
    for start in range(0, len(facts), FACTS_A_BATCH):
        some = tuple(facts[start : start + FACTS_A_BATCH])
        content = blake2b(msgspec.msgpack.encode(some), digest_size=16).hexdigest()
        # The presence is of the whole journal: a part of it says nothing of clocks.
        said = Presence() if start else presence
        made.append(Batch(subject, f"x:{content}", None, some, said))
    return made


def _by_subject(call: Call) -> dict[Subject, list[FactsLine]]:
    session = call.session
    whose = {
        peer.peer_id: Subject(session.app_id, session.meeting_id, peer.user_id, peer.peer_id)
        for peer in call.peers
    }
    found: dict[Subject, list[FactsLine]] = {}
    for line in call.facts:
        if line.of:
            subject = whose[line.of]
        elif line.whose == SESSION:
            subject = session_subject(session)
        else:
            subject = room_subject(session.app_id, session.meeting_id)
        found.setdefault(subject, []).append(line)
    return found


# --- rows -----------------------------------------------------------------------------------------


def _with_free_ids(tx: Transaction, app_id: str, call: Call) -> Call:
    """The call as one of this app; an id that another app holds is made anew."""
    people = [person.id for person in call.participants]
    taken = tx.rooms.taken_elsewhere(app_id, [call.meeting.id, *people])
    held = tx.sessions.session_by_id(call.session.id)
    if held is not None and held.app_id != app_id:
        taken.add(call.session.id)

    def free(one: str) -> str:
        return _anew(app_id, one) if one in taken else one

    meeting_id, session_id = free(call.meeting.id), free(call.session.id)
    peers = [
        replace(
            peer,
            app_id=app_id,
            session_id=session_id,
            user_id=free(peer.user_id),
            subject=Subject(app_id, meeting_id, free(peer.user_id), peer.peer_id).key,
        )
        for peer in call.peers
    ]
    return Call(
        meeting=replace(call.meeting, id=meeting_id, app_id=app_id),
        session=replace(call.session, id=session_id, app_id=app_id, meeting_id=meeting_id),
        participants=[
            replace(person, id=free(person.id), app_id=app_id, meeting_id=meeting_id)
            for person in call.participants
        ],
        peers=peers,
        facts=call.facts,
        reports=call.reports,
        messages=call.messages,
        segments=call.segments,
    )


def _anew(app_id: str, one: str) -> str:
    made = blake2b(f"{app_id}\0return\0{one}".encode(), digest_size=16).digest()
    return str(UUID(bytes=made, version=4))


def _put_rows(tx: Transaction, call: Call, now: int) -> int:
    """Put what is missing of the rows; how many peers and reports were."""
    app_id, session = call.session.app_id, call.session
    if tx.rooms.meeting(app_id, call.meeting.id) is None:
        tx.rooms.put_meeting(call.meeting)
    for person in call.participants:
        if tx.rooms.participant(app_id, person.id) is None:
            tx.rooms.put_participant(person)
    if tx.sessions.session_by_id(session.id) is None:
        # One whose journal is gone stays as it was; any other is sealed once its facts are there.
        sealed = now if session.trimmed_at is not None else None
        tx.sessions.put_session(replace(session, sealed_at=sealed))
    new = 0
    of: dict[str, Peer] = {peer.peer_id: peer for peer in call.peers}
    for peer in call.peers:
        if tx.sessions.peer(app_id, peer.peer_id) is None:
            tx.sessions.put_peer(peer)
            new += 1
    for line in call.reports:
        if tx.reports.report(app_id, line.of) is None:
            tx.reports.put_report(
                StoredReport(
                    subject=of[line.of].subject,
                    app_id=app_id,
                    peer_id=line.of,
                    session_id=session.id,
                    model=line.model,
                    body=gzip.compress(line.body.encode(), GZIP_LEVEL, mtime=0),
                    sealed_at=now,
                )
            )
            new += 1
    return new


def _put_words(tx: Transaction, call: Call, now: int) -> int:
    """Put the messages and segments that are missing; how many."""
    session_id, app_id = call.session.id, call.session.app_id
    chat = [word for word in call.messages if tx.words.message(session_id, word.id) is None]
    said = [word for word in call.segments if tx.words.segment(session_id, word.id) is None]
    for message in chat:
        tx.words.put_message(app_id, session_id, message)
    for segment in said:
        tx.words.put_segment(app_id, session_id, segment)
    if chat or said:
        count_up(tx, app_id, session_id, now, chat=bool(chat), speech=bool(said))
    return len(chat) + len(said)
