"""Bodies of the sessions endpoints: the superset of both generations of SDKs (contract 1, 7)."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from roomtone.model.digests import SEVERITIES, Headline
from roomtone.model.findings import Finding, FindingCounts, Outcome, Severity, Verdict
from roomtone.model.peer_report import (
    Participant,
    ParticipantDetails,
    PeerEvent,
    PeerReport,
)
from roomtone.model.sessions import Peer, Session
from roomtone.model.times import iso, iso_or_none, minutes
from roomtone.ports.records import Page
from roomtone.report.stay import ATTEMPTED
from roomtone.services.attendance import Person
from roomtone.services.peer_events import PeerEvent as Event
from roomtone.services.sessions import Told, Tree


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
    finding_counts: FindingCounts | None
    """Ours, as are the next two; None until the session was sealed."""
    mos: float | None
    """The mean over the peers whose estimated MOS is known; None: of nobody."""
    outcome: Outcome | None
    """The verdict in a word."""
    quality_strip: tuple[float | None, ...] | None
    """Ours: ``mos`` over time in bars of equal length from start to end; null in a bar: nothing was
    scored then; null: not known."""
    finding_strip: tuple[Severity | None, ...] | None
    """Ours: the gravest finding in each of these bars, echoes left out."""
    decided_by: dict[str, str] | None
    """Ours: which source decided ``started`` and ``ended``; None: no server told of it."""
    breakout_rooms: "tuple[SessionObject, ...] | UnsetType" = UNSET


class ToldSession(SessionObject, frozen=True, kw_only=True):
    """A session with what was found out about it."""

    findings: tuple[Finding, ...]
    """Ours, as are the next two: what went wrong, by time (docs/findings.md)."""
    verdict: Verdict | None
    """None: nothing looked for findings, and nothing can any more."""
    findings_model: str
    """The rules and thresholds behind them; empty: none."""


class SessionDetails(ToldSession, frozen=True, kw_only=True):
    """Flat for new SDKs, with a copy under ``session`` for old ones."""

    session: ToldSession


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
    session: Session,
    now: int,
    headline: Headline | None = None,
    rooms: tuple[SessionObject, ...] | UnsetType = UNSET,
) -> SessionObject:
    """A session as it goes out. A headline counts only while the session is sealed."""
    told = headline if session.sealed_at is not None else None
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
        finding_counts=None if told is None else told.counts,
        mos=None if told is None else told.mos,
        outcome=None if told is None else told.outcome,
        quality_strip=quality_strip(told),
        finding_strip=finding_strip(told),
        decided_by=session.decided,
        breakout_rooms=rooms,
    )


def quality_strip(headline: Headline | None) -> tuple[float | None, ...] | None:
    """A MOS for each bar from start to end, null where nothing was scored; null before sealing."""
    if headline is None or not headline.strip:
        return None
    return tuple(None if bar is None else bar / 100 for bar in headline.strip)


def finding_strip(headline: Headline | None) -> tuple[Severity | None, ...] | None:
    """The gravest finding of each bar of :func:`quality_strip`."""
    if headline is None or not headline.strip or not headline.trouble:
        return None
    names: tuple[Severity | None, ...] = (None, *SEVERITIES)
    return tuple(names[gravity] for gravity in headline.trouble)


def tree_object(tree: Tree, now: int) -> SessionObject:
    """A session with its breakout rooms, theirs included."""
    rooms = tuple(tree_object(room, now) for room in tree.rooms)
    return session_object(tree.session, now, tree.headline, rooms)


def session_details(session: SessionObject, told: Told | None) -> SessionDetails:
    """The flat form and its copy, with what was found out about the session."""
    if told is not None and session.finding_counts is None:
        outcome = told.verdict.outcome
        session = replace(session, finding_counts=told.counts, outcome=outcome)
    fields = {name: getattr(session, name) for name in SessionObject.__struct_fields__}
    fields |= {
        "findings": () if told is None else told.findings,
        "verdict": None if told is None else told.verdict,
        "findings_model": "" if told is None else told.model,
    }
    return SessionDetails(session=ToldSession(**fields), **fields)


def peer_object(peer: Peer, now: int, events: list[PeerEvent] | UnsetType) -> Participant:
    """A peer as a row of the participants list."""
    return replace(
        _row(peer, peer, now, events),
        decided_by=UNSET if peer.decided is None else peer.decided,
        status=ATTEMPTED if peer.attempted else UNSET,
    )


def person_object(person: Person, now: int, events: list[PeerEvent] | UnsetType) -> Participant:
    """A person as a row of the consolidated view; identity as of the latest peer."""
    return _row(person.latest, person, now, events)


def _row(
    peer: Peer, stay: Peer | Person, now: int, events: list[PeerEvent] | UnsetType
) -> Participant:
    return Participant(
        id=peer.peer_id,
        user_id=peer.user_id,
        custom_participant_id=peer.custom_participant_id,
        display_name=peer.display_name,
        preset_name=peer.preset_name,
        joined_at=iso(stay.joined_at),
        left_at=iso_or_none(stay.left_at),
        duration=minutes(stay.duration_ms(now)),
        created_at=iso(stay.created_at),
        updated_at=iso(stay.updated_at),
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
