"""LiveKit's webhooks → arrivals. All 14 events; protobuf's JSON (proto3).

Members at their default are left out, 64-bit integers are strings, enums are names, and what a
newer server adds is passed over. ``numParticipants`` is not read: it is wrong whenever events
overtake each other. A peer is LiveKit's participant ``sid``, which a reconnect keeps and a rejoin
renews; a person is its ``identity``. Source: livekit/protocol, livekit_webhook.proto.
"""

from typing import Any

import msgspec
from msgspec import Struct

from roomtone.model.inlets import Arrival
from roomtone.sources.sightings import Sightings, Whose, decoded, epoch_ms, missing

SOURCE = "livekit"
Int64 = int | str | None
MACHINES = frozenset({"EGRESS", "INGRESS"})
"""Participants that are no people: a recorder, a stream that is fed in."""


class _Wire(Struct, frozen=True, rename="camel"):
    """Members that are not used are not named."""


class _Room(_Wire, frozen=True):
    sid: str = ""
    name: str = ""
    creation_time: Int64 = None
    creation_time_ms: Int64 = None


class _Participant(_Wire, frozen=True):
    sid: str = ""
    identity: str = ""
    name: str = ""
    state: str | int = ""
    joined_at: Int64 = None
    joined_at_ms: Int64 = None
    kind: str | int = ""
    disconnect_reason: str | int = ""
    region: str = ""
    is_publisher: bool = False


class _Track(_Wire, frozen=True):
    sid: str = ""
    type: str | int = ""
    source: str | int = ""
    mime_type: str = ""
    width: int | str = 0
    height: int | str = 0
    muted: bool = False
    simulcast: bool = False
    name: str = ""


class _Event(_Wire, frozen=True):
    event: str
    id: str = ""
    created_at: Int64 = None
    room: _Room | None = None
    participant: _Participant | None = None
    track: _Track | None = None
    egress_info: dict[str, Any] | None = None
    ingress_info: dict[str, Any] | None = None
    job: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Event)


def decode_webhook(body: bytes, *, mask: bool = True) -> list[Arrival]:
    """The arrivals of one webhook; none for an event that names no room. Raises Refused."""
    event = decoded(body, _decoder)
    t = epoch_ms(event.created_at, 1_000)
    if t is None:
        raise missing("createdAt")
    told = Sightings(SOURCE, event.id or body, mask=mask)
    room = event.room or _Room()
    if event.participant is not None and room.name:
        _of_participant(told, event, event.participant, room, t)
    elif event.event == "room_started" and room.name:
        began = epoch_ms(room.creation_time_ms) or epoch_ms(room.creation_time, 1_000) or t
        told.saw(Whose(room=room.name), "room_started", began)
    elif event.event == "room_finished" and room.name:
        told.saw(Whose(room=room.name), "room_ended", t)
    else:
        _of_service(told, event, room, t)
    return told.arrivals()


def _of_participant(
    told: Sightings, event: _Event, person: _Participant, room: _Room, t: int
) -> None:
    if str(person.kind) in MACHINES:
        told.happened(Whose(room=room.name), t, event.event, {"identity": person.identity})
        return
    peer = person.sid or f"{room.sid}/{person.identity}"
    if not person.identity and not person.sid:
        raise missing("participant.identity")
    whose = Whose(
        room=room.name,
        person=person.identity or person.sid,
        peer=peer,
        name=person.name or person.identity,
    )
    match event.event:
        case "participant_joined":
            joined = epoch_ms(person.joined_at_ms) or epoch_ms(person.joined_at, 1_000) or t
            told.saw(whose, "joined", joined)
        case "participant_left":
            told.saw(whose, "left", t)
        case "participant_connection_aborted":
            told.saw(whose, "aborted", t)
        case "track_published":
            track = event.track or _Track()
            told.saw(whose, "media", t, (track.sid,))
    told.happened(whose, t, event.event, _details(person, event.track))


def _details(person: _Participant, track: _Track | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "kind": person.kind,
        "region": person.region,
        "disconnect_reason": person.disconnect_reason,
    }
    if track is not None:
        about |= {
            "track_sid": track.sid,
            "track_type": track.type,
            "track_source": track.source,
            "mime_type": track.mime_type,
            "width": track.width,
            "height": track.height,
        }
    return {name: value for name, value in about.items() if value}


def _of_service(told: Sightings, event: _Event, room: _Room, t: int) -> None:
    """Egress, ingress, agents' jobs, and events of later versions: kept with the room."""
    info = event.egress_info or event.ingress_info or event.job or {}
    inner = info.get("room")
    name = room.name or info.get("roomName") or (isinstance(inner, dict) and inner.get("name"))
    if isinstance(name, str) and name:
        kept = ("egressId", "ingressId", "id", "status", "type", "error", "agentName")
        about = {key: info[key] for key in kept if isinstance(info.get(key), str | int)}
        told.happened(Whose(room=name), t, event.event, about)
