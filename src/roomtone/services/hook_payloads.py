"""Payloads: the bodies of webhook events (contract 4.2), field for field as the vendor's samples.

Compact JSON in UTF-8, without a blank and without escapes that are not needed, so that
``JSON.stringify(JSON.parse(body))`` gives the very bytes that were signed.
"""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from roomtone.model.digests import Digest
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.sessions import ENDED, LIVE, Peer, Session
from roomtone.model.tenancy import App
from roomtone.model.times import iso

STARTED = "meeting.started"
ENDED_EVENT = "meeting.ended"
JOINED = "meeting.participantJoined"
LEFT = "meeting.participantLeft"
CHAT_SYNCED = "meeting.chatSynced"
TRANSCRIPT = "meeting.transcript"
SUMMARY = "meeting.summary"
FINDINGS = "session.findings"

MAX_FINDINGS = 20
"""In one event; the API has all of them. A finding without its evidence is about 600 bytes."""
WORST_FIRST = ("error", "warning", "info")


class Organizer(Struct, frozen=True):
    """``organizedBy``: the app."""

    id: str
    name: str


class MeetingPart(Struct, frozen=True, rename="camel", kw_only=True):
    """``meeting``: the session, under the vendor's name. Times are ISO 8601."""

    id: str
    session_id: str
    title: str
    room_name: str
    status: str
    created_at: str
    started_at: str
    ended_at: str | UnsetType = UNSET
    """Only of a session that has ended."""
    organized_by: Organizer


class ParticipantPart(Struct, frozen=True, rename="camel", kw_only=True):
    """``participant``. ``client_specific_id`` is the older name of the custom id."""

    peer_id: str
    user_display_name: str
    custom_participant_id: str
    client_specific_id: str
    joined_at: str
    left_at: str | UnsetType = UNSET


class _Meeting(Struct, frozen=True):
    event: str
    meeting: MeetingPart


class _Ended(Struct, frozen=True):
    event: str
    meeting: MeetingPart
    reason: str


class _Participant(Struct, frozen=True):
    event: str
    meeting: MeetingPart
    participant: ParticipantPart


class _ChatSynced(Struct, frozen=True, rename="camel", kw_only=True):
    event: str
    title: str
    ended_at: str | UnsetType = UNSET
    created_at: str
    meeting_id: str
    session_id: str
    started_at: str
    chat_download_url: str
    chat_download_url_expiry: str
    organized_by: Organizer


class _Transcript(Struct, frozen=True, rename="camel"):
    event: str
    meeting: MeetingPart
    transcript_download_url: str
    transcript_download_url_expiry: str


class _Summary(Struct, frozen=True, rename="camel"):
    event: str
    meeting: MeetingPart
    summary_download_url: str
    summary_download_url_expiry: str


class FoundPart(Struct, frozen=True):
    """A finding as the API has it (model/findings.py), without its evidence."""

    id: str
    severity: str
    start: str
    end: str | None
    peer_id: str
    side: str
    blamed_peer_id: str | None
    other_peer_id: str | None
    stream: str | None
    worst: float | None
    unit: str | None
    echo_of: str | None
    title: str
    advice: str


class _Findings(Struct, frozen=True, rename="camel", kw_only=True):
    event: str
    meeting: MeetingPart
    verdict: Verdict
    finding_counts: FindingCounts
    findings: tuple[FoundPart, ...]
    findings_total: int
    findings_model: str
    session_url: str


class Payloads:
    """Makes the bodies. ``always_live``: the vendor's constant ``status`` (contract 10).
    ``base_url``: what clients call this server, without a slash."""

    def __init__(self, *, always_live: bool, base_url: str = "") -> None:
        self._always_live = always_live
        self._base_url = base_url

    def started(self, session: Session, app: App) -> bytes:
        return msgspec.json.encode(_Meeting(STARTED, self._meeting(session, app)))

    def ended(self, session: Session, app: App) -> bytes:
        meeting = self._meeting(session, app)
        return msgspec.json.encode(_Ended(ENDED_EVENT, meeting, session.end_reason or ""))

    def joined(self, session: Session, app: App, peer: Peer) -> bytes:
        participant = _participant(peer, left=False)
        return msgspec.json.encode(_Participant(JOINED, self._meeting(session, app), participant))

    def left(self, session: Session, app: App, peer: Peer) -> bytes:
        participant = _participant(peer, left=True)
        return msgspec.json.encode(_Participant(LEFT, self._meeting(session, app), participant))

    def chat_synced(self, session: Session, app: App, url: str, expires_at: int) -> bytes:
        """``expires_at``: epoch ms, as below."""
        meeting = self._meeting(session, app)
        return msgspec.json.encode(
            _ChatSynced(
                event=CHAT_SYNCED,
                title=meeting.title,
                ended_at=meeting.ended_at,
                created_at=meeting.created_at,
                meeting_id=meeting.id,
                session_id=meeting.session_id,
                started_at=meeting.started_at,
                chat_download_url=url,
                chat_download_url_expiry=iso(expires_at),
                organized_by=meeting.organized_by,
            )
        )

    def transcript(self, session: Session, app: App, url: str, expires_at: int) -> bytes:
        meeting = self._meeting(session, app)
        return msgspec.json.encode(_Transcript(TRANSCRIPT, meeting, url, iso(expires_at)))

    def summary(self, session: Session, app: App, url: str, expires_at: int) -> bytes:
        meeting = self._meeting(session, app)
        return msgspec.json.encode(_Summary(SUMMARY, meeting, url, iso(expires_at)))

    def findings(self, session: Session, app: App, digest: Digest) -> bytes:
        """Our own: what was found in a session that was sealed, the worst first."""
        worst_first = sorted(digest.findings, key=lambda one: WORST_FIRST.index(one.severity))
        api = f"/client/v4/accounts/{app.account_id}/realtime/kit/{app.id}"
        return msgspec.json.encode(
            _Findings(
                event=FINDINGS,
                meeting=self._meeting(session, app),
                verdict=digest.verdict,
                finding_counts=digest.counts,
                findings=tuple(_found(one) for one in worst_first[:MAX_FINDINGS]),
                findings_total=len(digest.findings),
                findings_model=digest.model,
                session_url=f"{self._base_url}{api}/sessions/{session.id}",
            )
        )

    def _meeting(self, session: Session, app: App) -> MeetingPart:
        over = session.status == ENDED and session.ended_at is not None
        return MeetingPart(
            id=session.meeting_id,
            session_id=session.id,
            title=session.title,
            room_name=session.meeting_id,
            status=LIVE if self._always_live else session.status,
            created_at=iso(session.created_at),
            started_at=iso(session.started_at),
            ended_at=iso(session.ended_at) if over and session.ended_at is not None else UNSET,
            organized_by=Organizer(app.id, app.name),
        )


def _found(finding: Finding) -> FoundPart:
    return FoundPart(**{name: getattr(finding, name) for name in FoundPart.__struct_fields__})


def _participant(peer: Peer, *, left: bool) -> ParticipantPart:
    return ParticipantPart(
        peer_id=peer.peer_id,
        user_display_name=peer.display_name,
        custom_participant_id=peer.custom_participant_id,
        client_specific_id=peer.custom_participant_id,
        joined_at=iso(peer.joined_at),
        left_at=iso(peer.left_at) if left and peer.left_at is not None else UNSET,
    )
