"""Importing: a recording becomes a session, one peer per side, through the same journal and fold.

What a file does not say is named after its content, so importing it again changes nothing: the
meeting, the participants, the peers. A meeting that the file names, or that whoever imports it
names, is found by that name, so that several files of one call meet in one session.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import count
from uuid import UUID

from msgspec import Struct

from roomtone.model.errors import Fault, Invalid
from roomtone.model.facts import AnyFact
from roomtone.model.inlets import Arrival
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.services.inflow import Inflow
from roomtone.services.rooms import Rooms
from roomtone.services.roster import Roster
from roomtone.services.seal import Sealer
from roomtone.sources.presence import presence_of
from roomtone.sources.recorded import RecordedPeer, recording_facts
from roomtone.sources.shifting import shifted

FACTS_A_BATCH = 200
IMPORT_PRESET = "group_call_participant"


class Given(Struct, frozen=True):
    """What whoever imports a file says of it; it wins over what the file says."""

    meeting: str = ""
    """A meeting's id, or a room's name."""
    participant: str = ""
    """A participant's id or custom id; only for a file of one person."""
    at: int | None = None
    """Epoch ms at which the recording began."""


NOTHING = Given()


class Imported(Struct, frozen=True):
    """What came of one file."""

    session_ids: tuple[str, ...]
    peer_ids: tuple[str, ...]
    facts: int
    known: bool
    """Nothing new: the file had been imported before."""
    notes: tuple[str, ...] = ()
    """What a reader should know of it."""


class Importer:
    """Takes recordings in."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        rooms: Rooms,
        roster: Roster,
        sealer: Sealer,
        clock: Clock,
        inflow: Inflow,
        *,
        mask: bool,
    ) -> None:
        self._inflow = inflow
        self._journal = journal
        self._records = records
        self._rooms = rooms
        self._roster = roster
        self._sealer = sealer
        self._clock = clock
        self._mask = mask

    async def take(
        self,
        app_id: str,
        title: str,
        digest: bytes,
        peers: list[RecordedPeer],
        given: Given = NOTHING,
    ) -> Imported:
        """Store the peers of one recording and seal their sessions. Raises Invalid, Forbidden."""
        if given.participant and len(peers) > 1:
            fault = Fault("participant", f"names one, and the file holds {len(peers)} people")
            raise Invalid("The file is of several people.", (fault,))
        digest = _digest(digest, given)
        peer_ids = {peer.label: _uuid(app_id, digest, f"peer {peer.label}") for peer in peers}
        told = [recording_facts(peer, peer_ids, mask=self._mask) for peer in peers]
        if given.at is not None:
            began = min((facts[0].t for facts in told if facts), default=given.at)
            told = [shifted(facts, given.at - began) for facts in told]
        subjects = []
        batches: list[Batch] = []
        for peer, facts in zip(peers, told, strict=True):
            subject = await self._subject(app_id, title, digest, peer, given)
            subjects.append(subject)
            batches += _batches(subject, facts)
        stored = await self._journal.append(batches)
        await self._roster.catch_up()
        await self._roster.sweep([subject.key for subject in subjects])
        session_ids = await self._records.read(lambda tx: _sessions(tx, subjects))
        for session_id in session_ids:
            await self._sealer.seal(session_id)
        if subjects:
            await self._records.write(
                lambda tx: _mark_taken(tx, app_id, digest, subjects[0].meeting_id, session_ids)
            )
        return Imported(
            session_ids=session_ids,
            peer_ids=tuple(subject.peer_id for subject in subjects),
            facts=sum(len(batch.facts) for batch in batches),
            known=not any(stored),
            notes=_notes(peers),
        )

    async def taken(self, app_id: str, digest: bytes, given: Given = NOTHING) -> Imported | None:
        """What came of a file that was taken in before, without reading it; None if it was not,
        or if nothing is left of it."""
        mark = _mark(_digest(digest, given))

        def ask(tx: Transaction) -> tuple[str, ...]:
            meeting_id = tx.inlets.meeting_of_room(app_id, mark)
            if meeting_id is None:
                return ()
            held = {session.id for session in tx.sessions.sessions_of(meeting_id)}
            made = list(_marked(tx, app_id, mark))
            # Of a file that was marked before its sessions were, the meeting is all that is known.
            return tuple(sorted(held & set(made) if made else held))

        session_ids = await self._records.read(ask)
        if not session_ids:
            return None
        return Imported(session_ids=session_ids, peer_ids=(), facts=0, known=True)

    async def _subject(
        self, app_id: str, title: str, digest: bytes, peer: RecordedPeer, given: Given
    ) -> Subject:
        peer_id = _uuid(app_id, digest, f"peer {peer.label}")
        participant_id = _uuid(app_id, digest, f"participant {peer.label}")
        room, person = given.meeting or peer.room, given.participant or peer.person
        if room:
            arrival = Arrival(
                room=room,
                person=person or participant_id,
                peer=peer_id,
                key="",
                facts=(),
                display_name=peer.label,
            )
            return await self._inflow.place(app_id, arrival)
        meeting_id = _uuid(app_id, digest, "meeting")
        called = person or peer.label
        await self._invite(app_id, meeting_id, participant_id, title, (called, peer.label))
        return Subject(app_id, meeting_id, participant_id, peer_id)

    async def _invite(
        self,
        app_id: str,
        meeting_id: str,
        participant_id: str,
        title: str,
        called: tuple[str, str],
    ) -> None:
        custom_id, name = called
        now = self._clock.now()

        def invite(tx: Transaction) -> None:
            if tx.rooms.meeting(app_id, meeting_id) is None:
                tx.rooms.put_meeting(
                    Meeting(
                        id=meeting_id, app_id=app_id, title=title, created_at=now, updated_at=now
                    )
                )
            if tx.rooms.participant(app_id, participant_id) is None:
                tx.rooms.put_participant(
                    Participant(
                        id=participant_id,
                        app_id=app_id,
                        meeting_id=meeting_id,
                        custom_participant_id=custom_id,
                        preset_name=IMPORT_PRESET,
                        name=name,
                        created_at=now,
                        updated_at=now,
                    )
                )

        await self._records.write(invite)


def _digest(digest: bytes, given: Given) -> bytes:
    """Names what is made of a file; told otherwise it becomes something else."""
    if given == NOTHING:
        return digest
    said = f"{given.meeting}\0{given.participant}\0{given.at}"
    return blake2b(digest + said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _mark_taken(
    tx: Transaction, app_id: str, digest: bytes, meeting_id: str, session_ids: tuple[str, ...]
) -> None:
    mark = _mark(digest)
    for number, session_id in enumerate(session_ids):
        tx.inlets.put_room(app_id, f"{mark}:{number}", session_id)
    tx.inlets.put_room(app_id, mark, meeting_id)


def _marked(tx: Transaction, app_id: str, mark: str) -> Iterator[str]:
    for number in count():
        session_id = tx.inlets.meeting_of_room(app_id, f"{mark}:{number}")
        if session_id is None:
            return
        yield session_id


def _mark(digest: bytes) -> str:
    """What stands for a file among the names of rooms."""
    return f"import:{digest.hex()}"


def _notes(peers: list[RecordedPeer]) -> tuple[str, ...]:
    several = len(peers) > 1
    return tuple(
        f"{peer.label}: {note}" if several else note for peer in peers for note in peer.notes
    )


def _batches(subject: Subject, facts: tuple[AnyFact, ...]) -> list[Batch]:
    return [
        Batch(
            subject=subject,
            key=f"i:{start}",
            received_at=None,
            facts=facts[start : start + FACTS_A_BATCH],
            presence=presence_of(facts[start : start + FACTS_A_BATCH], None),
        )
        for start in range(0, len(facts), FACTS_A_BATCH)
    ]


def _sessions(tx: Transaction, subjects: list[Subject]) -> tuple[str, ...]:
    peers = [tx.sessions.peer_by_subject(subject.key) for subject in subjects]
    return tuple(sorted({peer.session_id for peer in peers if peer is not None}))


def _uuid(app_id: str, digest: bytes, what: str) -> str:
    """A UUID (version 4 in form) that is the same for the same file, app and purpose."""
    made = blake2b(app_id.encode() + digest + what.encode(), digest_size=16).digest()
    return str(UUID(bytes=made, version=4))
