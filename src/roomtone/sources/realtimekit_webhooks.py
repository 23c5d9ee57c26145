"""RealtimeKit's webhooks → arrivals: all nine events (contract 4.2, docs/webhooks.md).

``meeting.status`` is not read: it stays LIVE in the payload of an end. A chat, transcript or
summary that is ready comes as a link that expires; it is kept as an event and not fetched. Those
three may be flat (``meetingId``, ``sessionId``) or hold a ``meeting``.
"""

import msgspec
from msgspec import Struct

from roomtone.model.inlets import Arrival
from roomtone.sources.metadata import snake
from roomtone.sources.sightings import Sightings, Whose, decoded, missing, moment_ms

SOURCE = "realtimekit"
Moment = str | int | float | None
LINKS = (
    ("chat_download_url", "chat_download_url_expiry"),
    ("transcript_download_url", "transcript_download_url_expiry"),
    ("summary_download_url", "summary_download_url_expiry"),
)


class _Wire(Struct, frozen=True, rename="camel"):
    """Members that are not used are not named."""


class _Meeting(_Wire, frozen=True):
    id: str = ""
    session_id: str = ""
    title: str | None = None
    created_at: Moment = None
    started_at: Moment = None
    ended_at: Moment = None


class _Participant(_Wire, frozen=True):
    peer_id: str = ""
    user_display_name: str | None = None
    custom_participant_id: str | None = None
    client_specific_id: str | None = None
    joined_at: Moment = None
    left_at: Moment = None


class _Status(_Wire, frozen=True):
    """``recording`` and ``livestream`` of their status updates."""

    id: str = ""
    recording_id: str = ""
    status: str = ""
    meeting_id: str = ""
    session_id: str = ""


class _Event(_Wire, frozen=True):
    event: str
    meeting: _Meeting | None = None
    participant: _Participant | None = None
    reason: str = ""
    title: str | None = None
    meeting_id: str = ""
    session_id: str = ""
    created_at: Moment = None
    started_at: Moment = None
    ended_at: Moment = None
    chat_download_url: str = ""
    chat_download_url_expiry: Moment = None
    transcript_download_url: str = ""
    transcript_download_url_expiry: Moment = None
    summary_download_url: str = ""
    summary_download_url_expiry: Moment = None
    recording: _Status | None = None
    livestream: _Status | None = None


_decoder = msgspec.json.Decoder(_Event)


def decode_webhook(body: bytes, received_at: int) -> list[Arrival]:
    """The arrivals of one webhook. ``received_at`` (epoch ms): for events that tell no time.

    The body names the delivery: it is what the signature covers, unlike ``rtk-uuid``.
    """
    event = decoded(body, _decoder)
    status = event.recording or event.livestream or _Status()
    meeting = event.meeting or _Meeting(
        id=event.meeting_id or status.meeting_id,
        session_id=event.session_id or status.session_id,
        title=event.title,
        created_at=event.created_at,
        started_at=event.started_at,
        ended_at=event.ended_at,
    )
    if not meeting.id:
        raise missing("meeting.id")
    told = Sightings(SOURCE, body)
    room = Whose(room=meeting.id, title=meeting.title or "")
    match event.event:
        case "meeting.started":
            told.saw(room, "room_started", _at(meeting.started_at, "meeting.startedAt"))
        case "meeting.ended":
            ended = _at(meeting.ended_at, "meeting.endedAt")
            told.saw(room, "room_ended", ended)
            told.happened(room, ended, "meeting_ended", {"reason": event.reason})
        case "meeting.participantJoined" | "meeting.participantLeft":
            if event.participant is None:
                raise missing("participant")
            _of_participant(told, room, event.participant, left=event.event.endswith("Left"))
        case _:
            t = moment_ms(meeting.ended_at) or received_at
            name = snake(event.event.removeprefix("meeting.").replace(".", "_"))
            told.happened(room, t, name, _about(event, meeting, status))
    return told.arrivals()


def _of_participant(told: Sightings, room: Whose, said: _Participant, *, left: bool) -> None:
    if not said.peer_id:
        raise missing("participant.peerId")
    whose = Whose(
        room=room.room,
        person=said.custom_participant_id or said.client_specific_id or said.peer_id,
        peer=said.peer_id,
        name=said.user_display_name or "",
        title=room.title,
    )
    joined = moment_ms(said.joined_at)
    if joined is not None:
        told.saw(whose, "joined", joined)
    elif not left:
        raise missing("participant.joinedAt")
    if left:
        told.saw(whose, "left", _at(said.left_at, "participant.leftAt"))


def _about(event: _Event, meeting: _Meeting, status: _Status) -> dict[str, object]:
    about: dict[str, object] = {"session_id": meeting.session_id, "status": status.status}
    about["recording_id"] = status.recording_id or status.id
    for url, expiry in LINKS:
        about[url], about[expiry] = getattr(event, url), getattr(event, expiry)
    return {name: value for name, value in about.items() if value}


def _at(value: Moment, where: str) -> int:
    t = moment_ms(value)
    if t is None:
        raise missing(where)
    return t
