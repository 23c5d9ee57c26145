"""Attendance of a session, and of a meeting over a range of time. Roomtone's own.

A meeting's answer is written while its sessions are read, so a year of it takes no more memory than
a day.
"""

from collections.abc import AsyncIterator, Iterable

from msgspec import Struct

from roomtone.formats.attendance import AttendanceRow, attendance_row, csv_header, csv_lines
from roomtone.formats.pieces import pieces
from roomtone.model.attendance import Attendance
from roomtone.model.errors import Fault, Invalid
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, encode, ok
from roomtone.web.realtimekit.parameters import (
    ATTENDANCE_END,
    ATTENDANCE_FORMAT,
    ATTENDANCE_START,
    VIEW,
)

CSV = "text/csv; charset=utf-8"
LATEST_MS = (1 << 62) - 1
FIT_A_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


class AttendanceData(Struct, frozen=True):
    view: str
    attendance: tuple[AttendanceRow, ...]


class AttendanceAnswer(Struct, frozen=True):
    success: bool
    data: AttendanceData


async def session_attendance(call: Call) -> Answer:
    """Who was in a session, when, how long, and how long they talked."""
    session_id, view = call.path["session_id"], call.query[VIEW]
    rows = await call.facade.register.of_session(call.app_id, session_id, view)
    if call.query[ATTENDANCE_FORMAT] == "csv":
        body = csv_header().encode() + _csv(rows)
        return Answer(body, headers=_named(session_id), content_type=CSV.encode())
    return ok(AttendanceAnswer(True, AttendanceData(view, tuple(map(attendance_row, rows)))))


async def meeting_attendance(call: Call) -> Answer:
    """The same of every session of a meeting that started in a range of time, by their start."""
    meeting_id, query = call.path["meeting_id"], call.query
    since, until = query[ATTENDANCE_START] or 0, query[ATTENDANCE_END]
    if until is not None and until < since:
        fault = Fault("end_time", "must not be before start_time")
        raise Invalid("The query is not valid.", (fault,))
    register, view = call.facade.register, query[VIEW]
    await register.check_meeting(call.app_id, meeting_id)
    found = register.of_meeting(meeting_id, since, LATEST_MS if until is None else until, view)
    if query[ATTENDANCE_FORMAT] == "csv":
        return Answer(
            csv_header().encode(),
            headers=_named(meeting_id),
            content_type=CSV.encode(),
            pieces=_csv_pieces(found),
        )
    opening = b'{"success":true,"data":{"view":%b,"attendance":[' % encode(view)
    return Answer(opening, pieces=_json_pieces(found))


async def _csv_pieces(found: AsyncIterator[list[Attendance]]) -> AsyncIterator[bytes]:
    async for rows in found:
        yield _csv(rows)


async def _json_pieces(found: AsyncIterator[list[Attendance]]) -> AsyncIterator[bytes]:
    comma = b""
    async for rows in found:
        if rows:
            yield comma + b",".join(encode(attendance_row(row)) for row in rows)
            comma = b","
    yield b"]}}"


def _csv(rows: Iterable[Attendance]) -> bytes:
    return b"".join(pieces(csv_lines(rows)))


def _named(what: str) -> tuple[tuple[bytes, bytes], ...]:
    name = "".join(letter for letter in what if letter in FIT_A_NAME)
    return ((b"content-disposition", f'attachment; filename="attendance-{name}.csv"'.encode()),)


SESSION_ATTENDANCE = Resource(
    "/sessions/{session_id}/attendance",
    {
        "GET": Operation(
            handler=session_attendance,
            name="getSessionAttendance",
            summary="Get the attendance of a session",
            answer=AttendanceAnswer,
            downloads=(CSV,),
            parameters=(VIEW, ATTENDANCE_FORMAT),
        )
    },
    "Attendance",
)

MEETING_ATTENDANCE = Resource(
    "/meetings/{meeting_id}/attendance",
    {
        "GET": Operation(
            handler=meeting_attendance,
            name="getMeetingAttendance",
            summary="Get the attendance of a meeting's sessions",
            answer=AttendanceAnswer,
            downloads=(CSV,),
            parameters=(ATTENDANCE_START, ATTENDANCE_END, VIEW, ATTENDANCE_FORMAT),
        )
    },
    "Attendance",
)
