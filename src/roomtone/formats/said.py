"""Words of several sessions as JSON Lines: what ``roomtone export`` writes of a chat or transcript.

A line is the vendor's own object with the ids of app and session. Reading sorts the lines by
session, into what the readers of one session's words take.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from roomtone.formats.json_text import MALFORMED
from roomtone.formats.messages import ReadMessages, read_messages
from roomtone.formats.reading import JSON, ReadTranscript, read_transcript
from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.model.times import parse_iso

HEAD_BYTES = 65_536


class _Line(Struct):
    session_id: str
    app_id: str
    id: str
    start_time: str | None = None
    end_time: str | None = None
    sentence: str | None = None
    peer: dict[str, Any] | None = field(default=None, name="peerData")


_LINE = msgspec.json.Decoder(_Line)


class Said(Struct, frozen=True):
    """The words of one session."""

    session_id: str
    messages: ReadMessages | None
    transcript: ReadTranscript | None


def is_said(data: bytes) -> bool:
    """Whether the first line is one of such a file."""
    first = data[:HEAD_BYTES].partition(b"\n")[0]
    try:
        return bool(_LINE.decode(first).session_id)
    except MALFORMED:
        return False


def read_said(data: bytes) -> list[Said]:
    """The words of a file by session, in the order of the sessions' first lines.

    Raises BadRequest, Invalid; the line is named.
    """
    chats: dict[str, list[bytes]] = {}
    spoken: dict[str, list[tuple[int, int, _Line]]] = {}
    for number, text in enumerate(data.split(b"\n"), 1):
        if not text.strip():
            continue
        line = _line(text, number)
        if line.sentence is None:
            chats.setdefault(line.session_id, []).append(text)
        else:
            spoken.setdefault(line.session_id, []).append((*_times(line, number), line))
    return [
        Said(
            session_id,
            _chat(chats[session_id]) if session_id in chats else None,
            _transcript(spoken[session_id]) if session_id in spoken else None,
        )
        for session_id in {**chats, **spoken}
    ]


def _line(text: bytes, number: int) -> _Line:
    try:
        line = _LINE.decode(text)
    except msgspec.ValidationError as error:
        raise Invalid(f"Line {number} is no line of an export.", (Fault("", str(error)),)) from None
    except MALFORMED as error:
        raise BadRequest(f"Line {number} is not JSON: {error}.") from None
    if not 0 < len(line.session_id) <= MAX_ID_CHARS:
        raise Invalid(f"Line {number} is of no session.")
    return line


def _times(line: _Line, number: int) -> tuple[int, int]:
    try:
        start = parse_iso(line.start_time or "")
        return start, parse_iso(line.end_time or line.start_time or "")
    except (ValueError, OverflowError):
        raise Invalid(f"Line {number}: start_time and end_time are not ISO 8601.") from None


def _chat(lines: list[bytes]) -> ReadMessages:
    wrapped = []
    for text in lines:
        try:
            said = msgspec.json.decode(text, type=dict[str, Raw])
        except MALFORMED as error:  # in a member that nobody looked at yet
            raise BadRequest(f"A line is not JSON: {error}.") from None
        wrapped.append({name: said[name] for name in said if name not in ("session_id", "app_id")})
    return read_messages(msgspec.json.encode(wrapped))


def _transcript(lines: list[tuple[int, int, _Line]]) -> ReadTranscript:
    began = min(start for start, _, _ in lines)
    items = [
        {
            "id": line.id,
            "startTime": start - began,
            "endTime": end - began,
            "sentence": line.sentence,
            "peerData": line.peer,
        }
        for start, end, line in lines
    ]
    return read_transcript(msgspec.json.encode(items), JSON, began)
