"""Whole calls as JSON Lines: what ``roomtone export --kind calls`` writes and an import takes back.

The first line says what the file is. Then come the calls, one after the other: a line of its
meeting, one for each participant, its session, its peers, their facts in slices (``of`` names the
peer; what servers said of the session's words or of the room has none), kept reports where the
journal is gone, the words, and a line that ends the call. A call without its end was cut off.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from roomtone.formats.json_text import MALFORMED
from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.facts import AnyFact
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.model.presence import Presence
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.words import KeptMessage, KeptSegment

VERSION = 1
MAGIC = b'{"roomtone":"calls"'
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""
FACTS_A_LINE = 200
SESSION, ROOM = "session", "room"


class Line(Struct, tag_field="roomtone", frozen=True):
    """Every line says what it is."""


class Header(Line, tag="calls", frozen=True):
    """The first."""

    version: int = VERSION


class MeetingLine(Line, tag="meeting", frozen=True):
    """A call begins."""

    meeting: Meeting


class ParticipantLine(Line, tag="participant", frozen=True):
    """Somebody of the meeting who was there."""

    participant: Participant


class SessionLine(Line, tag="session", frozen=True):
    """The call itself."""

    session: Session


class PeerLine(Line, tag="peer", frozen=True):
    """One connection, also one that was merged into another or never came through."""

    peer: Peer


class FactsLine(Line, tag="facts", frozen=True):
    """Some of what the journal holds. ``of``: a peer's id, or for what has none ``session`` or
    ``room`` in ``whose``."""

    facts: tuple[AnyFact, ...]
    of: str = ""
    whose: str = ""
    presence: Presence | None = None
    """What the whole of it says of the peer's presence; with its first line only."""


class ReportLine(Line, tag="report", frozen=True):
    """A report as it is served, of a peer whose facts are no longer kept."""

    of: str
    model: str
    body: str


class MessageLine(Line, tag="message", frozen=True):
    """A message of the chat."""

    message: KeptMessage


class SegmentLine(Line, tag="segment", frozen=True):
    """A sentence of the transcript."""

    segment: KeptSegment


class End(Line, tag="end", frozen=True):
    """The call is whole."""

    session_id: str


AnyLine = (
    Header
    | MeetingLine
    | ParticipantLine
    | SessionLine
    | PeerLine
    | FactsLine
    | ReportLine
    | MessageLine
    | SegmentLine
    | End
)


class Call(Struct):
    """Everything of one call."""

    meeting: Meeting
    session: Session
    participants: list[Participant]
    peers: list[Peer]
    facts: list[FactsLine]
    reports: list[ReportLine]
    messages: list[KeptMessage]
    segments: list[KeptSegment]


_encode = msgspec.json.Encoder().encode
_DECODER: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)


def line_of(line: Line) -> bytes:
    """A line with its end."""
    return _encode(line) + b"\n"


def is_calls(data: bytes) -> bool:
    """Whether these are the first bytes of such a file."""
    return data.startswith(MAGIC)


def read_calls(data: bytes) -> Iterator[Call]:
    """The calls of a file, one by one, each checked for holding together.

    Raises BadRequest for what is cut off or no JSON, Invalid for what does not fit; both name the
    line.
    """
    number, lines = 0, _lines(data)
    held: list[AnyLine] = []
    for number, line in lines:
        if isinstance(line, Header):
            if number != 1 or line.version != VERSION:
                raise Invalid(f"Line {number}: this is version {line.version}; known is {VERSION}.")
        elif isinstance(line, End):
            yield _call(held, line, number)
            held = []
        else:
            held.append(line)
    if held:
        raise BadRequest(f"The file is cut off in the middle of a call, at line {number}.")


def _lines(data: bytes) -> Iterator[tuple[int, AnyLine]]:
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        text = data[start:end]
        start = end + 1
        if not text.strip():
            continue
        try:
            yield number, _DECODER.decode(text)
        except msgspec.ValidationError as error:
            fault = Fault("", str(error))
            raise Invalid(f"Line {number} is no line of an export of calls.", (fault,)) from None
        except MALFORMED as error:
            raise BadRequest(f"Line {number} is not JSON: {error}.") from None


def _call(held: list[AnyLine], end: End, number: int) -> Call:
    meetings = [line.meeting for line in held if isinstance(line, MeetingLine)]
    sessions = [line.session for line in held if isinstance(line, SessionLine)]
    if len(meetings) != 1 or len(sessions) != 1:
        raise _misfit(number, "a call has one meeting and one session")
    call = Call(
        meeting=meetings[0],
        session=sessions[0],
        participants=[line.participant for line in held if isinstance(line, ParticipantLine)],
        peers=[line.peer for line in held if isinstance(line, PeerLine)],
        facts=[line for line in held if isinstance(line, FactsLine)],
        reports=[line for line in held if isinstance(line, ReportLine)],
        messages=[line.message for line in held if isinstance(line, MessageLine)],
        segments=[line.segment for line in held if isinstance(line, SegmentLine)],
    )
    why = _wrong(call, end)
    if why:
        raise _misfit(number, why)
    return call


def _misfit(number: int, why: str) -> Invalid:
    return Invalid(f"The call that ends at line {number} does not hold together: {why}.")


def _wrong(call: Call, end: End) -> str:
    session, meeting = call.session, call.meeting
    people = {person.id for person in call.participants}
    peers = {peer.peer_id for peer in call.peers}
    rows: list[Any] = [meeting, session, *call.participants, *call.peers]
    words: list[Any] = [*call.messages, *call.segments]
    ids = [meeting.id, session.id, *people, *peers, *(word.id for word in words)]
    said = [word.message for word in call.messages if word.message]
    spoken = [word.segment for word in call.segments if word.segment]
    if not all(0 < len(one) <= MAX_ID_CHARS for one in ids):
        return f"an id has 1 to {MAX_ID_CHARS} characters"
    if session.id != end.session_id or session.status != ENDED or session.ended_at is None:
        return "its session is not the one that ended"
    if session.meeting_id != meeting.id or any(
        p.meeting_id != meeting.id for p in call.participants
    ):
        return "a row is of another meeting"
    if any(peer.session_id != session.id or peer.user_id not in people for peer in call.peers):
        return "a peer is of another session, or of nobody"
    if len(peers) != len(call.peers):
        return "a peer is told of twice"
    if any(
        (line.of not in peers) if line.of else line.whose not in (SESSION, ROOM)
        for line in call.facts
    ):
        return "there are facts of nobody"
    if any(line.of not in peers for line in call.reports):
        return "there is a report of nobody"
    if not all(map(_in_time, [*rows, *words, *said, *spoken])):
        return "a time is not of the years 1970 to 9999"
    return ""


def _in_time(row: Any) -> bool:
    """Times end in ``_at``, but for those of merging, which are ``_t``."""
    return all(
        0 <= value <= LATEST_MS
        for name in row.__struct_fields__
        if name.endswith("_at") and isinstance(value := getattr(row, name), int)
    )
