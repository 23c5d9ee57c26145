"""Jigasi's transcript of a Jitsi Meet call, as its ``LocalJsonTranscriptHandler`` writes it.

``{room_name, room_url, start_time, end_time, initial_participants, events: [{event: "SPEECH",
timestamp (epoch ms), participant: {id, name, identity_id …}, transcript: [{text, confidence}],
message_id, is_interim …}]}``. Its times are of the clock on the wall, so the session's start does
not move them; it has no ends. Interim results are left out, of the alternatives the surest is
taken. The participant's ``id`` is an endpoint's or a JID, kept as the peer id; ``identity_id``,
which comes from the caller's own token, as the custom participant id.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from roomtone.formats.encodings import Encoded
from roomtone.formats.json_text import MALFORMED, decode, every_fault
from roomtone.formats.notebook import Notebook
from roomtone.formats.segments import NO_ENDS, Draft
from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.times import parse_iso
from roomtone.model.words import Speaker

SPEECH = "SPEECH"
INTERIM = "is an interim result; left out"


class _Participant(Struct):
    name: str | None = None
    id: str | None = None
    identity_name: str | None = None
    identity_id: str | int | None = None


class _Alternative(Struct):
    text: str
    confidence: float = 0.0


class _Event(Struct):
    event: str
    timestamp: int | float | str | None = None
    participant: _Participant | None = None
    transcript: list[_Alternative] = []
    message_id: str | None = None
    is_interim: bool = False


class _Transcript(Struct):
    events: list[Raw]


_TRANSCRIPT = msgspec.json.Decoder(_Transcript)
_EVENT = msgspec.json.Decoder(_Event)
_NOBODY = _Participant()


def jigasi_drafts(file: Encoded, notebook: Notebook) -> Iterator[Draft]:
    """What was said; joins, leaves and raised hands are passed over. Faults name the event.

    Raises BadRequest for what is not JSON, Invalid for JSON without ``events``.
    """
    try:
        events = decode(_TRANSCRIPT, file.utf8(), notebook).events
    except msgspec.ValidationError as error:
        raise Invalid(
            "The JSON is not a Jigasi transcript: it has no list of events.",
            (Fault("", str(error)),),
        ) from None
    except MALFORMED as error:
        raise BadRequest(f"The file is not JSON: {error}.") from None
    notebook.note(NO_ENDS)
    for number, raw in enumerate(events):
        draft = _draft(f"events[{number}]", raw, notebook)
        if draft:
            yield draft


def _draft(where: str, raw: Raw, notebook: Notebook) -> Draft | None:
    try:
        event = _EVENT.decode(raw)
    except MALFORMED:
        every_fault(raw, _Event, where, notebook)
        return None
    if event.event != SPEECH:
        return None
    if event.is_interim:
        notebook.note(INTERIM, where)
        return None
    start_at = _time(event.timestamp)
    if start_at is None:
        notebook.fault(f"{where}.timestamp", f"not a time: {str(event.timestamp)[:40]!r}")
        return None
    surest = max(event.transcript, key=lambda each: each.confidence, default=None)
    who = event.participant or _NOBODY
    speaker = Speaker(
        peer_id=who.id or "",
        custom_participant_id="" if who.identity_id is None else str(who.identity_id),
        display_name=who.name or who.identity_name or "",
    )
    return Draft(
        where=where,
        start_at=start_at,
        end_at=None,
        sentence=surest.text if surest else "",
        speaker=speaker,
        id=event.message_id or "",
    )


def _time(said: int | float | str | None) -> int | None:
    """Epoch ms, or ISO 8601 as older versions wrote it."""
    try:
        return parse_iso(said) if isinstance(said, str) else int(said) if said is not None else None
    except (ValueError, OverflowError):
        return None
