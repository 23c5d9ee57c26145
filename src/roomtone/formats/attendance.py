"""Attendance as it goes out: objects for JSON, and CSV that a spreadsheet can open unharmed.

Both have the same members in the same order. CSV is RFC 4180 in UTF-8 without a byte order mark; an
empty cell is what JSON has as null.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import astuple

from roomtone.formats.cells import harmless, quoted_if_needed, row
from roomtone.model.attendance import Attendance
from roomtone.model.times import iso, iso_or_none, minutes


class AttendanceRow(Struct, frozen=True, kw_only=True):
    """One connection, or one person, of one session. Times are ISO 8601."""

    session_id: str
    meeting_id: str
    meeting_display_name: str
    session_started_at: str
    session_ended_at: str | None
    user_id: str
    custom_participant_id: str
    display_name: str
    peer_id: str
    """Consolidated: the latest connection to the session itself."""
    first_joined_at: str
    last_left_at: str | None
    """Null while somebody is there."""
    minutes: float
    """Time present: connections at the same time count once."""
    connected_minutes: float
    """The sum over all connections."""
    joins: int
    still_connected: bool
    talk_time_s: float | None
    """Seconds; null where nothing tells."""
    talk_time_source: str | None
    """``microphone``, ``received``, ``dominant_speaker`` or ``transcript``."""


HEADER = AttendanceRow.__struct_fields__


def attendance_row(one: Attendance) -> AttendanceRow:
    """One row as it goes out."""
    return AttendanceRow(
        session_id=one.session_id,
        meeting_id=one.meeting_id,
        meeting_display_name=one.title,
        session_started_at=iso(one.session_started_at),
        session_ended_at=iso_or_none(one.session_ended_at),
        user_id=one.user_id,
        custom_participant_id=one.custom_participant_id,
        display_name=one.display_name,
        peer_id=one.peer_id,
        first_joined_at=iso(one.first_joined_at),
        last_left_at=iso_or_none(one.last_left_at),
        minutes=minutes(one.present_ms),
        connected_minutes=minutes(one.connected_ms),
        joins=one.joins,
        still_connected=one.still_connected,
        talk_time_s=None if one.talk is None else one.talk.ms / 1000,
        talk_time_source=None if one.talk is None else one.talk.source,
    )


def csv_header() -> str:
    """The first line."""
    return row(HEADER, str)


def csv_lines(rows: Iterable[Attendance]) -> Iterator[str]:
    """One line each."""
    for one in rows:
        cells = (harmless(_cell(value)) for value in astuple(attendance_row(one)))
        yield row(cells, quoted_if_needed)


def _cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
