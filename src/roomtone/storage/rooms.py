"""Meetings, participants and presets in their tables."""

from collections.abc import Sequence

import sqlalchemy as sa

from roomtone.model.rooms import Meeting, Participant, Preset
from roomtone.ports.records import MeetingFilter, Page
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import BOOLEAN, JSON, Kept, holds, searchable, text_of

_MEETING = Kept(
    Meeting,
    tables.meetings,
    {
        "record_on_start": BOOLEAN,
        "live_stream_on_start": BOOLEAN,
        "persist_chat": BOOLEAN,
        "transcribe_on_end": BOOLEAN,
        "summarize_on_end": BOOLEAN,
        "ai_config": JSON,
        "recording_config": JSON,
    },
)
_MEETING_BY_ID = _MEETING.by("id", "app_id")
_PUT_MEETING = _MEETING.upsert("id", "searchable")

_PARTICIPANT = Kept(Participant, tables.participants)
_PARTICIPANT_BY_ID = _PARTICIPANT.by("id", "app_id")
_PUT_PARTICIPANT = _PARTICIPANT.upsert("id")
_PEOPLE_CALLED = text_of(
    _PARTICIPANT.select().where(
        tables.participants.c.app_id == sa.bindparam("app_id"),
        sa.or_(
            tables.participants.c.id == sa.bindparam("id"),
            tables.participants.c.custom_participant_id == sa.bindparam("custom_id"),
        ),
    )
)

_PRESET = Kept(Preset, tables.presets, {"config": JSON})
_PRESET_BY_ID = _PRESET.by("id", "app_id")
_PRESET_BY_NAME = _PRESET.by(
    "app_id", "name", order=(tables.presets.c.created_at, tables.presets.c.id)
)
_PUT_PRESET = _PRESET.upsert("id")
_DELETE_PRESET = text_of(sa.delete(tables.presets).where(tables.presets.c.id == sa.bindparam("id")))

_ELSEWHERE = (
    "SELECT 1 FROM meetings WHERE id = ? AND app_id <> ? "
    "UNION ALL SELECT 1 FROM participants WHERE id = ? AND app_id <> ?"
)


class SqlRooms:
    """See :class:`roomtone.ports.records.Rooms`. Lists come newest first, ties by id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def meeting(self, app_id: str, meeting_id: str) -> Meeting | None:
        return _MEETING.one(self._connection, _MEETING_BY_ID, meeting_id, app_id)

    def meetings(self, asked: MeetingFilter, page: Page) -> tuple[list[Meeting], int]:
        """``search`` looks in title and id; both ends of the time are inclusive."""
        column = tables.meetings.c
        where: list[sa.ColumnElement[bool]] = [column.app_id == asked.app_id]
        if asked.search:
            where.append(holds(column.searchable, asked.search))
        if asked.created_from is not None:
            where.append(column.created_at >= asked.created_from)
        if asked.created_to is not None:
            where.append(column.created_at <= asked.created_to)
        if asked.status is not None:
            where.append(column.status == asked.status)
        return _MEETING.page(self._connection, where, (column.created_at.desc(), column.id), page)

    def put_meeting(self, meeting: Meeting) -> None:
        found_by = searchable(meeting.title, meeting.id)
        _PUT_MEETING.run(self._connection, meeting, searchable=found_by)

    def participant(self, app_id: str, participant_id: str) -> Participant | None:
        """Also one that was removed: what happened refers to it."""
        return _PARTICIPANT.one(self._connection, _PARTICIPANT_BY_ID, participant_id, app_id)

    def people_called(self, app_id: str, name: str) -> list[Participant]:
        return _PARTICIPANT.all(self._connection, _PEOPLE_CALLED, app_id, name, name)

    def taken_elsewhere(self, app_id: str, ids: Sequence[str]) -> set[str]:
        found = self._connection.raw.execute
        return {
            one
            for one in ids
            if found(_ELSEWHERE, (one, app_id, one, app_id)).fetchone() is not None
        }

    def drop_participant(self, participant_id: str) -> None:
        self._connection.raw.execute("DELETE FROM participants WHERE id = ?", (participant_id,))

    def participants(self, meeting_id: str, page: Page) -> tuple[list[Participant], int]:
        """Those that were not removed."""
        column = tables.participants.c
        where = (column.meeting_id == meeting_id, column.deleted_at.is_(None))
        order = (column.created_at.desc(), column.id)
        return _PARTICIPANT.page(self._connection, where, order, page)

    def put_participant(self, participant: Participant) -> None:
        _PUT_PARTICIPANT.run(self._connection, participant)

    def preset(self, app_id: str, preset_id: str) -> Preset | None:
        return _PRESET.one(self._connection, _PRESET_BY_ID, preset_id, app_id)

    def preset_named(self, app_id: str, name: str) -> Preset | None:
        """The oldest of that name."""
        return _PRESET.one(self._connection, _PRESET_BY_NAME, app_id, name)

    def presets(self, app_id: str, page: Page) -> tuple[list[Preset], int]:
        column = tables.presets.c
        order = (column.created_at.desc(), column.id)
        return _PRESET.page(self._connection, (column.app_id == app_id,), order, page)

    def put_preset(self, preset: Preset) -> None:
        _PUT_PRESET.run(self._connection, preset)

    def delete_preset(self, preset_id: str) -> None:
        self._connection.raw.execute(_DELETE_PRESET, (preset_id,))
