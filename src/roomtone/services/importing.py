"""Importing: a recording becomes a session, one peer per side, through the same journal and fold.

The meeting, the participants and the peers of a file are named after its content, so importing it
again changes nothing.
"""

from hashlib import blake2b
from uuid import UUID

from msgspec import Struct

from roomtone.model.facts import AnyFact
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.services.rooms import Rooms
from roomtone.services.roster import Roster
from roomtone.services.seal import Sealer
from roomtone.sources.presence import presence_of
from roomtone.sources.recorded import RecordedPeer, recording_facts

FACTS_A_BATCH = 200
IMPORT_PRESET = "group_call_participant"


class Imported(Struct, frozen=True):
    """What came of one file."""

    session_ids: tuple[str, ...]
    peer_ids: tuple[str, ...]
    facts: int
    known: bool
    """Nothing new: the file had been imported before."""


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
        *,
        mask: bool,
    ) -> None:
        self._journal = journal
        self._records = records
        self._rooms = rooms
        self._roster = roster
        self._sealer = sealer
        self._clock = clock
        self._mask = mask

    async def take(
        self, app_id: str, title: str, digest: bytes, peers: list[RecordedPeer]
    ) -> Imported:
        """Store the peers of one recording and seal their session."""
        meeting_id = _uuid(app_id, digest, "meeting")
        peer_ids = {peer.label: _uuid(app_id, digest, f"peer {peer.label}") for peer in peers}
        subjects = []
        batches: list[Batch] = []
        for peer in peers:
            participant_id = _uuid(app_id, digest, f"participant {peer.label}")
            await self._invite(app_id, meeting_id, participant_id, title, peer.label)
            subject = Subject(app_id, meeting_id, participant_id, peer_ids[peer.label])
            subjects.append(subject)
            batches += _batches(subject, recording_facts(peer, peer_ids, mask=self._mask))
        stored = await self._journal.append(batches)
        await self._roster.catch_up()
        await self._roster.sweep()
        session_ids = await self._records.read(lambda tx: _sessions(tx, subjects))
        for session_id in session_ids:
            await self._sealer.seal(session_id)
        return Imported(
            session_ids=session_ids,
            peer_ids=tuple(subject.peer_id for subject in subjects),
            facts=sum(len(batch.facts) for batch in batches),
            known=not any(stored),
        )

    async def _invite(
        self, app_id: str, meeting_id: str, participant_id: str, title: str, label: str
    ) -> None:
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
                        custom_participant_id=label,
                        preset_name=IMPORT_PRESET,
                        name=label,
                        created_at=now,
                        updated_at=now,
                    )
                )

        await self._records.write(invite)


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
