"""Jitsi's prosody module event_sync → arrivals.

A breakout room's events name the main room and add ``breakout_room_id``; whoever moves leaves the
main room and joins the breakout, each with an ``occupant_jid`` of its own. ``room/destroyed`` lists
everybody who was ever there: what was lost on the way is told again. The count of occupants is not
read. Times are whole epoch seconds. Source: jitsi-contrib/prosody-plugins, event_sync.
"""

import msgspec
from msgspec import Struct

from roomtone.model.inlets import Arrival
from roomtone.sources.sightings import Sightings, Whose, decoded, epoch_ms, missing

SOURCE = "prosody"
Seconds = float | str | None


class _Occupant(Struct, frozen=True):
    occupant_jid: str
    joined_at: Seconds = None
    left_at: Seconds = None
    id: str | int | None = None
    name: str | None = None
    total_dominant_speaker_time: float | None = None


class _Event(Struct, frozen=True):
    event_name: str
    room_name: str
    room_jid: str = ""
    is_breakout: bool = False
    breakout_room_id: str | None = None
    created_at: Seconds = None
    destroyed_at: Seconds = None
    occupant: _Occupant | None = None
    all_occupants: list[_Occupant] | dict[str, _Occupant] = []
    """Lua writes an empty list as an object."""


_decoder = msgspec.json.Decoder(_Event)


def decode_event(body: bytes) -> list[Arrival]:
    """The arrivals of one event. Raises Refused."""
    event = decoded(body, _decoder)
    if not event.room_name:
        raise missing("room_name")
    told = Sightings(SOURCE, body)
    room = _room(event)
    match event.event_name:
        case "muc-room-created":
            told.saw(room, "room_started", _at(event.created_at, "created_at"))
        case "muc-room-destroyed":
            for occupant in _everybody(event):
                _stay(told, room, occupant)
            told.saw(room, "room_ended", _at(event.destroyed_at, "destroyed_at"))
        case "muc-occupant-joined" | "muc-occupant-left":
            if event.occupant is None:
                raise missing("occupant")
            if event.event_name == "muc-occupant-left":
                _at(event.occupant.left_at, "occupant.left_at")
            _stay(told, room, event.occupant)
        case _:
            raise missing("event_name that is known here")
    return told.arrivals()


def _everybody(event: _Event) -> list[_Occupant]:
    some = event.all_occupants
    return some if isinstance(some, list) else list(some.values())


def _room(event: _Event) -> Whose:
    if not event.is_breakout or not event.breakout_room_id:
        return Whose(room=event.room_name)
    return Whose(
        room=f"{event.room_name}/{event.breakout_room_id}",
        title=f"{event.room_name}: breakout",
        parent=event.room_name,
    )


def _stay(told: Sightings, room: Whose, occupant: _Occupant) -> None:
    jid = occupant.occupant_jid
    person = str(occupant.id) if occupant.id else jid.partition("@")[0] or jid
    # A jid keeps its value when its owner comes back to the room: the stay is told by its start.
    joined = _at(occupant.joined_at, "occupant.joined_at")
    whose = Whose(
        room=room.room,
        person=person,
        peer=f"{room.room}/{jid}/{joined}",
        name=occupant.name or "",
        title=room.title,
        parent=room.parent,
    )
    told.saw(whose, "joined", joined)
    left = epoch_ms(occupant.left_at, 1_000)
    if left is None:
        return
    told.saw(whose, "left", left)
    spoken = occupant.total_dominant_speaker_time
    if spoken is not None:
        told.happened(whose, left, "dominant_speaker", {"total_ms": spoken})


def _at(value: Seconds, where: str) -> int:
    t = epoch_ms(value, 1_000)
    if t is None:
        raise missing(where)
    return t
