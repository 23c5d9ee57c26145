"""Rooms: meetings, and the participants invited to them."""

from typing import Any

from msgspec.structs import replace

from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.rooms import Meeting, Participant
from roomtone.ports.clock import Clock
from roomtone.ports.records import MeetingFilter, Page, Records, Transaction
from roomtone.services.participant_tokens import Claims, ParticipantTokens
from roomtone.services.presets import Presets
from roomtone.services.sighted import sighted_id

__all__ = ["Claims", "Rooms"]

NO_SUCH_MEETING = "No such meeting."
NO_SUCH_PARTICIPANT = "No such participant."


class Rooms:
    """What sessions are held in, and who may join them."""

    def __init__(self, records: Records, clock: Clock, token_hours: int) -> None:
        self._records = records
        self._clock = clock
        self.presets = Presets(records, clock)
        self._tokens = ParticipantTokens(records, clock, token_hours)
        self.removals = 0
        """How often somebody was removed through this process: who was believed before that is to
        be looked up again."""

    # --- meetings -------------------------------------------------------------------------------

    async def create_meeting(self, app_id: str, given: dict[str, Any]) -> Meeting:
        """A new meeting with these fields of :class:`Meeting`. Raises Invalid (unknown parent)."""
        now = self._clock.now()
        meeting = Meeting(
            id=self._clock.new_id(), app_id=app_id, created_at=now, updated_at=now, **given
        )

        def make(tx: Transaction) -> None:
            _check_parent(tx, meeting)
            tx.rooms.put_meeting(meeting)

        await self._records.write(make)
        return meeting

    async def list_meetings(self, asked: MeetingFilter, page: Page) -> tuple[list[Meeting], int]:
        """A slice of an app's meetings, and how many there are."""
        return await self._records.read(lambda tx: tx.rooms.meetings(asked, page))

    async def meeting(self, app_id: str, meeting_id: str) -> Meeting:
        """Raises NotFound."""
        return await self._records.read(lambda tx: _meeting(tx, app_id, meeting_id))

    async def change_meeting(
        self, app_id: str, meeting_id: str, given: dict[str, Any], *, whole: bool
    ) -> Meeting:
        """Change the given fields, or replace the meeting ``whole``. Raises NotFound, Invalid.

        What the vendor's PUT does not know (status, type, parent) stays unless it is given.
        """
        now = self._clock.now()

        def change(tx: Transaction) -> Meeting:
            before = _meeting(tx, app_id, meeting_id)
            if whole:
                kept = ("status", "type", "parent_meeting_id")
                fields = {**{name: getattr(before, name) for name in kept}, **given}
                meeting = Meeting(
                    id=before.id,
                    app_id=app_id,
                    created_at=before.created_at,
                    updated_at=now,
                    **fields,
                )
            else:
                meeting = replace(before, updated_at=now, **given)
            _check_parent(tx, meeting)
            tx.rooms.put_meeting(meeting)
            return meeting

        return await self._records.write(change)

    # --- participants ---------------------------------------------------------------------------

    async def add_participant(
        self, app_id: str, meeting_id: str, given: dict[str, Any]
    ) -> tuple[Participant, str]:
        """Invite somebody; the participant and a token. Raises NotFound, Invalid (preset).

        Whom a server named before, by this custom id, is the same person and keeps their id.
        """
        now = self._clock.now()
        new = Participant(
            id=self._clock.new_id(),
            app_id=app_id,
            meeting_id=meeting_id,
            created_at=now,
            updated_at=now,
            **given,
        )

        def make(tx: Transaction) -> Participant:
            _meeting(tx, app_id, meeting_id)
            _check_preset(tx, app_id, new.preset_name)
            seen_as = sighted_id(app_id, meeting_id, new.custom_participant_id)
            seen = tx.rooms.participant(app_id, seen_as)
            if seen is None or seen.deleted_at is not None:
                participant = new
            else:
                participant = replace(new, id=seen.id, created_at=seen.created_at)
            tx.rooms.put_participant(participant)
            return participant

        participant = await self._records.write(make)
        return participant, self._tokens.issue(participant)

    async def list_participants(
        self, app_id: str, meeting_id: str, page: Page
    ) -> tuple[list[Participant], int]:
        """A slice of those invited to a meeting, and how many there are. Raises NotFound."""

        def ask(tx: Transaction) -> tuple[list[Participant], int]:
            _meeting(tx, app_id, meeting_id)
            return tx.rooms.participants(meeting_id, page)

        return await self._records.read(ask)

    async def participant(self, app_id: str, meeting_id: str, participant_id: str) -> Participant:
        """Raises NotFound, also for one that was deleted."""
        return await self._records.read(
            lambda tx: _participant(tx, app_id, meeting_id, participant_id)
        )

    async def participants_by_id(self, app_id: str, ids: list[str]) -> list[Participant]:
        """Those of these that exist, deleted or not, in the order asked."""

        def ask(tx: Transaction) -> list[Participant]:
            found = [tx.rooms.participant(app_id, participant_id) for participant_id in ids]
            return [participant for participant in found if participant is not None]

        return await self._records.read(ask)

    async def change_participant(
        self, app_id: str, meeting_id: str, participant_id: str, given: dict[str, Any]
    ) -> tuple[Participant, str]:
        """Change the given fields; the participant and a fresh token. Raises NotFound, Invalid."""
        now = self._clock.now()

        def change(tx: Transaction) -> Participant:
            before = _participant(tx, app_id, meeting_id, participant_id)
            participant = replace(before, updated_at=now, **given)
            if participant.preset_name != before.preset_name:
                _check_preset(tx, app_id, participant.preset_name)
            tx.rooms.put_participant(participant)
            return participant

        participant = await self._records.write(change)
        return participant, self._tokens.issue(participant)

    async def delete_participant(
        self, app_id: str, meeting_id: str, participant_id: str
    ) -> tuple[Participant, str]:
        """Close the door to somebody; the record and the preset's id. Raises NotFound.

        What happened in their sessions stays, and so does the row that it refers to.
        """
        now = self._clock.now()

        def delete(tx: Transaction) -> tuple[Participant, str]:
            before = _participant(tx, app_id, meeting_id, participant_id)
            participant = replace(before, updated_at=now, deleted_at=now)
            tx.rooms.put_participant(participant)
            preset = tx.rooms.preset_named(app_id, participant.preset_name)
            return participant, "" if preset is None else preset.id

        removed = await self._records.write(delete)
        self.removals += 1
        return removed

    async def refresh_token(self, app_id: str, meeting_id: str, participant_id: str) -> str:
        """A fresh token; the old one stays good until it expires. Raises NotFound."""
        return self._tokens.issue(await self.participant(app_id, meeting_id, participant_id))

    def issue(self, participant: Participant) -> str:
        """A token for somebody whose record is at hand."""
        return self._tokens.issue(participant)

    def verify(self, token: str) -> Claims:
        """What a participant token says, proven and not expired. Raises Unauthenticated."""
        return self._tokens.verify(token)


def _meeting(tx: Transaction, app_id: str, meeting_id: str) -> Meeting:
    meeting = tx.rooms.meeting(app_id, meeting_id)
    if meeting is None:
        raise NotFound(NO_SUCH_MEETING)
    return meeting


def _participant(tx: Transaction, app_id: str, meeting_id: str, participant_id: str) -> Participant:
    _meeting(tx, app_id, meeting_id)
    found = tx.rooms.participant(app_id, participant_id)
    if found is None or found.meeting_id != meeting_id or found.deleted_at is not None:
        raise NotFound(NO_SUCH_PARTICIPANT)
    return found


def _check_preset(tx: Transaction, app_id: str, name: str) -> None:
    if tx.rooms.preset_named(app_id, name) is None:
        why = f"no preset of this app is named {name!r}"
        raise Invalid("Unknown preset.", (Fault("/preset_name", why),))


def _check_parent(tx: Transaction, meeting: Meeting) -> None:
    """A breakout room hangs under a meeting of its own app, and never under itself."""
    seen = {meeting.id}
    above = meeting.parent_meeting_id
    while above is not None:
        parent = tx.rooms.meeting(meeting.app_id, above)
        if parent is None or parent.id in seen:
            why = "must be another meeting of this app, not below this one"
            raise Invalid("Unsuitable parent.", (Fault("/parent_meeting_id", why),))
        seen.add(parent.id)
        above = parent.parent_meeting_id
