"""Daily's webhooks → arrivals. Times are epoch seconds with fractions; ``event_ts`` is only when
the webhook was sent. A peer is Daily's ``session_id``, a person ``user_id``.

Source: docs.daily.co, REST API, webhooks.
"""

from typing import Any

import msgspec
from msgspec import Struct

from roomtone.model.inlets import Arrival
from roomtone.sources.sightings import Sightings, Whose, decoded, epoch_ms, missing

SOURCE = "daily"
Seconds = float | None


class _Payload(Struct, frozen=True):
    room: str | None = None
    room_name: str | None = None
    """Of recordings and transcripts."""
    meeting_id: str | None = None
    start_ts: Seconds = None
    end_ts: Seconds = None
    session_id: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    joined_at: Seconds = None
    duration: Seconds = None
    owner: bool | None = None
    recording_id: str | None = None
    status: str | None = None


class _Event(Struct, frozen=True):
    type: str = ""
    id: str = ""
    event_ts: Seconds = None
    payload: _Payload = _Payload()


_decoder = msgspec.json.Decoder(_Event)
_any = msgspec.json.Decoder(dict[str, Any])


def is_registration_test(body: bytes) -> bool:
    """Whether it is what Daily posts to see if an endpoint is there: it says nothing."""
    try:
        return set(_any.decode(body)) <= {"test"}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def decode_webhook(body: bytes) -> list[Arrival]:
    """The arrivals of one webhook; none for one that names no room. Raises Refused."""
    event = decoded(body, _decoder)
    said = event.payload
    room = said.room or said.room_name or ""
    sent = epoch_ms(event.event_ts, 1_000)
    if not event.type:
        raise missing("type")
    told = Sightings(SOURCE, event.id or body)
    if event.type in ("participant.joined", "participant.left"):
        _of_participant(told, event.type, said, room)
    elif event.type == "meeting.started" and room:
        told.saw(Whose(room=room), "room_started", _at(said.start_ts, "payload.start_ts"))
    elif event.type == "meeting.ended" and room:
        told.saw(Whose(room=room), "room_ended", _at(said.end_ts, "payload.end_ts"))
    elif room:
        t = epoch_ms(said.start_ts, 1_000) or epoch_ms(said.joined_at, 1_000) or sent
        name = event.type.replace(".", "_").replace("-", "_")
        about = {"recording_id": said.recording_id, "status": said.status}
        kept = {key: value for key, value in about.items() if value}
        told.happened(Whose(room=room), _given(t, "event_ts"), name, kept)
    return told.arrivals()


def _of_participant(told: Sightings, kind: str, said: _Payload, room: str) -> None:
    if not room or not said.session_id:
        raise missing("payload.room" if not room else "payload.session_id")
    whose = Whose(
        room=room,
        person=said.user_id or said.session_id,
        peer=said.session_id,
        name=said.user_name or "",
    )
    joined = _at(said.joined_at, "payload.joined_at")
    # Both say when it began: a leave alone is enough for the whole stay.
    told.saw(whose, "joined", joined)
    if kind == "participant.left":
        if said.duration is None:
            raise missing("payload.duration")
        lasted = epoch_ms(max(0, said.duration), 1_000) or 0
        told.saw(whose, "left", _given(epoch_ms(joined + lasted), "payload.duration"))


def _at(value: Seconds, where: str) -> int:
    return _given(epoch_ms(value, 1_000), where)


def _given(t: int | None, where: str) -> int:
    if t is None:
        raise missing(where)
    return t
