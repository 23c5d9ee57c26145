"""Bodies of the sessions endpoints: the superset of both generations of SDKs (contract 1, 7)."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from roomtone.model.peer_report import (
    Participant,
    ParticipantDetails,
    PeerEvent,
    PeerReport,
)
from roomtone.model.sessions import Peer, Session
from roomtone.model.times import iso, iso_or_none, minutes
from roomtone.ports.records import Page
from roomtone.services.attendance import Person
from roomtone.services.peer_events import PeerEvent as Event
from roomtone.services.sessions import Tree


class Paging(Struct, frozen=True):
    """Offsets count from 1, both ends included; both 0 where the page is empty."""

    total_count: int
    start_offset: int
    end_offset: int


class SessionMeta(Struct, frozen=True):
    """``meta``; the room's name is the meeting's id."""

    room_name: str


class SessionObject(Struct, frozen=True, kw_only=True):
    """A session (contract 1.0). ``ended_at`` is null while it is LIVE.

    ``total_participants`` and ``parent_session_id`` are what public clients of the live service
    read.
    """

    id: str
    associated_id: str
    meeting_display_name: str
    type: str
    status: str
    live_participants: int
    max_concurrent_participants: int
    total_participants: int
    minutes_consumed: float
    organization_id: str
    started_at: str
    ended_at: str | None
    created_at: str
    updated_at: str
    parent_session_id: str | None
    meta: SessionMeta
    breakout_rooms: "tuple[SessionObject, ...] | UnsetType" = UNSET


class SessionDetails(SessionObject, frozen=True, kw_only=True):
    """Flat for new SDKs, with a copy under ``session`` for old ones."""

    session: SessionObject


class SessionsData(Struct, frozen=True):
    sessions: tuple[SessionObject, ...]


class SessionsAnswer(Struct, frozen=True):
    success: bool
    data: SessionsData
    paging: Paging


class SessionDetailsAnswer(Struct, frozen=True):
    success: bool
    data: SessionDetails


class SessionAnswer(Struct, frozen=True):
    success: bool
    data: SessionObject


class ParticipantsData(Struct, frozen=True):
    participants: tuple[Participant, ...]
    paging: Paging


class ParticipantsAnswer(Struct, frozen=True):
    """``paging`` inside ``data``, as the vendor has it, and at the top as for sessions."""

    success: bool
    data: ParticipantsData
    paging: Paging


class ParticipantDetailsData(Struct, frozen=True):
    participant: ParticipantDetails


class ParticipantDetailsAnswer(Struct, frozen=True):
    success: bool
    data: ParticipantDetailsData


class PeerReportData(Struct, frozen=True):
    participant: PeerReport


class PeerReportAnswer(Struct, frozen=True):
    success: bool
    data: PeerReportData


class OpenParticipantData(Struct, frozen=True):
    """A participant of which ``filters`` left only some sections."""

    participant: dict[str, Any]


class OpenParticipantAnswer(Struct, frozen=True):
    success: bool
    data: OpenParticipantData


def paging(page: Page, count: int, total: int) -> Paging:
    """The paging of a page that holds ``count`` of ``total`` rows."""
    if not count:
        return Paging(total, 0, 0)
    return Paging(total, page.offset + 1, page.offset + count)


def session_object(
    session: Session, now: int, rooms: tuple[SessionObject, ...] | UnsetType = UNSET
) -> SessionObject:
    """A session as it goes out."""
    return SessionObject(
        id=session.id,
        associated_id=session.meeting_id,
        meeting_display_name=session.title,
        type=session.type,
        status=session.status,
        live_participants=session.live_participants,
        max_concurrent_participants=session.max_concurrent_participants,
        total_participants=session.total_participants,
        minutes_consumed=minutes(session.used_ms(now)),
        organization_id=session.app_id,
        started_at=iso(session.started_at),
        ended_at=iso_or_none(session.ended_at),
        created_at=iso(session.created_at),
        updated_at=iso(session.updated_at),
        parent_session_id=session.parent_session_id,
        meta=SessionMeta(session.meeting_id),
        breakout_rooms=rooms,
    )


def tree_object(tree: Tree, now: int) -> SessionObject:
    """A session with its breakout rooms, theirs included."""
    return session_object(tree.session, now, tuple(tree_object(room, now) for room in tree.rooms))


def session_details(session: SessionObject) -> SessionDetails:
    """The flat form and its copy."""
    fields = {name: getattr(session, name) for name in SessionObject.__struct_fields__}
    return SessionDetails(session=session, **fields)


def peer_object(peer: Peer, now: int, events: list[PeerEvent] | UnsetType) -> Participant:
    """A peer as a row of the participants list."""
    return Participant(
        id=peer.peer_id,
        user_id=peer.user_id,
        custom_participant_id=peer.custom_participant_id,
        display_name=peer.display_name,
        preset_name=peer.preset_name,
        joined_at=iso(peer.joined_at),
        left_at=iso_or_none(peer.left_at),
        duration=minutes(peer.duration_ms(now)),
        created_at=iso(peer.created_at),
        updated_at=iso(peer.updated_at),
        peer_events=events,
    )


def person_object(person: Person, now: int, events: list[PeerEvent] | UnsetType) -> Participant:
    """A person as a row of the consolidated view; identity as of the latest peer."""
    peer = person.latest
    return Participant(
        id=peer.peer_id,
        user_id=peer.user_id,
        custom_participant_id=peer.custom_participant_id,
        display_name=peer.display_name,
        preset_name=peer.preset_name,
        joined_at=iso(person.joined_at),
        left_at=iso_or_none(person.left_at),
        duration=minutes(person.duration_ms(now)),
        created_at=iso(person.created_at),
        updated_at=iso(person.updated_at),
        peer_events=events,
    )


def event_object(event: Event, view_type: str | None) -> PeerEvent:
    """A peer event as it goes out."""
    peer = event.peer
    return PeerEvent(
        id=event.id,
        peer_id=peer.peer_id,
        event_name=event.name,
        participant_id=peer.user_id,
        session_id=peer.session_id,
        socket_session_id=None,
        preset_view_type=view_type,
        minutes_consumed=minutes(event.ms),
        created_at=iso(event.t),
        updated_at=iso(event.t),
    )
