"""BigBlueButton's bbb-webhooks → arrivals.

The body is a form, whose ``event`` is a JSON list (3.0 sends one a time), or the JSON itself. A
meeting is called by its external id, which the app gave; a person by the external user id, a peer
by the internal one. Only ``meeting-created`` tells titles and parents of breakout rooms. What is
said in chat is not read. Source: bigbluebutton/bbb-webhooks.
"""

from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from roomtone.model.errors import BadRequest
from roomtone.model.inlets import Arrival
from roomtone.model.limits import MAX_ENTRIES, MAX_ROOMS_HELD
from roomtone.sources.sightings import Sightings, Whose, decoded, epoch_ms, missing

SOURCE = "bigbluebutton"
NO_PARENT = "bbb-none"
MEDIA = frozenset({"user-audio-voice-enabled", "user-cam-broadcast-start"})


class _Wire(Struct, frozen=True, rename="kebab"):
    """Members that are not used are not named."""


class _Meeting(_Wire, frozen=True):
    internal_meeting_id: str = ""
    external_meeting_id: str = ""
    name: str = ""
    is_breakout: bool | str = False
    parent_id: str = ""
    create_time: int | str | None = None


class _User(_Wire, frozen=True):
    internal_user_id: str = ""
    external_user_id: str = ""
    name: str = ""
    role: str = ""
    stream: str = ""


class _Attributes(_Wire, frozen=True):
    meeting: _Meeting = _Meeting()
    user: _User | None = None


class _Stamp(_Wire, frozen=True):
    ts: int | str | None = None


class _Data(_Wire, frozen=True):
    id: str
    attributes: _Attributes = _Attributes()
    event: _Stamp = _Stamp()


class _Event(_Wire, frozen=True):
    data: _Data


_events = msgspec.json.Decoder(list[_Event])
_event = msgspec.json.Decoder(_Event)


class BigBlueButton:
    """Reads deliveries; remembers which external id a parent meeting's internal id stands for."""

    def __init__(self) -> None:
        self._meetings: OrderedDict[str, str] = OrderedDict()

    def receive(self, body: bytes) -> list[Arrival]:
        """The arrivals of one delivery. Raises Refused."""
        told = Sightings(SOURCE, body)
        for event in _read(body):
            self._take(told, event.data)
        return told.arrivals()

    def _take(self, told: Sightings, said: _Data) -> None:
        meeting, user = said.attributes.meeting, said.attributes.user
        name = meeting.external_meeting_id or meeting.internal_meeting_id
        if not name:
            return  # of a recording that is processed, or of the server
        t = epoch_ms(said.event.ts)
        if t is None:
            raise missing("data.event.ts")
        self._remember(meeting.internal_meeting_id, name)
        room = Whose(
            room=name,
            title=meeting.name,
            parent=self._parent(meeting),
        )
        if said.id == "meeting-created":
            told.saw(room, "room_started", epoch_ms(meeting.create_time) or t)
        elif said.id == "meeting-ended":
            told.saw(room, "room_ended", t)
        elif user is not None and user.internal_user_id and not said.id.startswith("chat-"):
            _of_user(told, said.id, name, meeting, user, t)

    def _parent(self, meeting: _Meeting) -> str:
        if str(meeting.is_breakout).lower() != "true" or meeting.parent_id in ("", NO_PARENT):
            return ""
        return self._meetings.get(meeting.parent_id, "")

    def _remember(self, internal: str, external: str) -> None:
        if internal:
            self._meetings[internal] = external
            self._meetings.move_to_end(internal)
            if len(self._meetings) > MAX_ROOMS_HELD:
                self._meetings.popitem(last=False)


def _of_user(
    told: Sightings, event: str, room: str, meeting: _Meeting, user: _User, t: int
) -> None:
    whose = Whose(
        room=room,
        person=user.external_user_id or user.internal_user_id,
        # Internal user ids are unique within a meeting only.
        peer=f"{meeting.internal_meeting_id}/{user.internal_user_id}",
        name=user.name,
    )
    if event == "user-joined":
        told.saw(whose, "joined", t)
    elif event == "user-left":
        told.saw(whose, "left", t)
    elif event in MEDIA:
        told.saw(whose, "media", t, (user.stream,))
    about = {"role": user.role} if user.role else None
    told.happened(whose, t, event.replace("-", "_"), about)


def _read(body: bytes) -> list[_Event]:
    text = body.lstrip()
    if text[:1] not in (b"{", b"["):
        try:
            form = parse_qs(body.decode(), max_num_fields=20)
        except (ValueError, UnicodeDecodeError) as error:
            raise BadRequest(f"The form cannot be read: {error}.") from None
        text = form.get("event", [""])[0].encode().lstrip()
        if not text:
            raise missing("event")
    events = decoded(text, _events) if text[:1] == b"[" else _wrapped(text)
    if len(events) > MAX_ENTRIES:
        raise BadRequest(f"More than {MAX_ENTRIES} events in one body.")
    return events


def _wrapped(text: bytes) -> list[_Event]:
    """One event; or the form's members as JSON, with ``event`` a list or a string of one."""
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    inner = value.get("event") if isinstance(value, dict) and "data" not in value else None
    if isinstance(inner, str):
        return decoded(inner.encode(), _events)
    if inner is not None:
        some = inner if isinstance(inner, list) else [inner]
        return decoded(msgspec.json.encode(some), _events)
    return [decoded(text, _event)]
