"""The generic webhook → arrivals: for any server, documented in docs/howto/generic.md.

::

    {"id": "…", "room": "…", "event": "joined", "at": "2026-11-23T10:00:00Z",
     "participant": {"id": "…", "name": "…", "peer_id": "…"}, "tracks": ["…"], "data": {…}}

One object, or a list of them. ``joined``, ``media``, ``left`` and ``aborted`` are of a participant,
``started`` and ``ended`` of the room; any other event is kept by its name.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from roomtone.model.errors import BadRequest, Fault, Invalid, TooLarge
from roomtone.model.facts import Sighting
from roomtone.model.inlets import Arrival
from roomtone.model.limits import MAX_ENTRIES, MAX_ID_CHARS, MAX_LINKS, MAX_NAME_CHARS
from roomtone.sources.faults import MALFORMED, every_fault
from roomtone.sources.sightings import Sightings, Whose, moment_ms

SOURCE = "generic"
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
OF_PEOPLE: dict[str, Sighting] = {
    "joined": "joined",
    "media": "media",
    "left": "left",
    "aborted": "aborted",
}
OF_ROOMS: dict[str, Sighting] = {"started": "room_started", "ended": "room_ended"}


class _Participant(Struct, frozen=True):
    id: Name
    peer_id: Name
    """Of one connection: who comes back has a new one."""
    name: Annotated[str, Meta(max_length=MAX_NAME_CHARS)] = ""


class _Event(Struct, frozen=True):
    room: Name
    event: Name
    at: str | int | float
    id: Annotated[str, Meta(max_length=MAX_NAME_CHARS)] = ""
    participant: _Participant | None = None
    title: Annotated[str, Meta(max_length=MAX_NAME_CHARS)] = ""
    parent_room: Annotated[str, Meta(max_length=MAX_NAME_CHARS)] = ""
    tracks: Annotated[tuple[Id, ...], Meta(max_length=MAX_LINKS)] = ()
    data: dict[str, Any] = {}


def decode_events(body: bytes, *, mask: bool = True) -> list[Arrival]:
    """The arrivals of one body. Raises BadRequest, TooLarge, or Invalid with every fault."""
    try:
        value = msgspec.json.decode(body)
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    some = value if isinstance(value, list) else [value]
    if len(some) > MAX_ENTRIES:
        raise TooLarge(f"{len(some)} events in one body; at most {MAX_ENTRIES} are taken.")
    events: list[_Event] = []
    faults: list[Fault] = []
    for number, one in enumerate(some):
        where = f"[{number}]" if isinstance(value, list) else ""
        try:
            events.append(msgspec.convert(one, _Event))
        except msgspec.ValidationError:
            faults += every_fault(one, _Event, where)
    made: list[Arrival] = []
    for event in events:
        try:
            made += _arrivals(event, mask)
        except Invalid as refused:
            faults += refused.faults
    if faults:
        raise Invalid("The event was not taken.", tuple(faults[:MAX_LINKS]))
    return made


def _arrivals(event: _Event, mask: bool) -> list[Arrival]:
    t = moment_ms(event.at)
    if t is None:
        raise Invalid("The event was not taken.", (Fault("at", "is no time"),))
    told = Sightings(SOURCE, event.id or msgspec.json.encode(event), mask=mask)
    room = Whose(room=event.room, title=event.title, parent=event.parent_room)
    who = event.participant
    if who is None:
        if event.event in OF_PEOPLE:
            why = f"is needed: who {event.event}?"
            raise Invalid("The event was not taken.", (Fault("participant", why),))
        if event.event in OF_ROOMS:
            told.saw(room, OF_ROOMS[event.event], t)
        else:
            told.happened(room, t, event.event, event.data)
        return told.arrivals()
    whose = Whose(
        room=event.room,
        person=who.id,
        peer=who.peer_id,
        name=who.name,
        title=event.title,
        parent=event.parent_room,
    )
    if event.event in OF_PEOPLE:
        told.saw(whose, OF_PEOPLE[event.event], t, event.tracks)
    else:
        told.happened(whose, t, event.event, event.data)
    return told.arrivals()
