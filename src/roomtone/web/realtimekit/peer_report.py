"""``/sessions/peer-report/{peer_id}`` and a participant's details (contract 1.4, 1.9).

A sealed report is stored as the gzip bytes of this very answer (packed, once it is some days old):
they are sent as they are to whoever takes gzip. Only ``filters`` and ``include_peer_events`` open
them up.
"""

from typing import Any

import msgspec
from msgspec import to_builtins

from roomtone.model.peer_report import PeerReport
from roomtone.model.sessions import Peer
from roomtone.ports.records import StoredReport
from roomtone.report.build import details
from roomtone.services.peer_events import peer_events
from roomtone.services.sessions import Sessions
from roomtone.web.realtimekit.call import Answer, Call, Header, Operation, Resource, encode, ok
from roomtone.web.realtimekit.parameters import FILTERS, INCLUDE_PEER_EVENTS, MODEL
from roomtone.web.realtimekit.sections import keep_sections
from roomtone.web.realtimekit.session_answers import (
    OpenParticipantAnswer,
    OpenParticipantData,
    ParticipantDetailsAnswer,
    PeerReportAnswer,
    PeerReportData,
    event_object,
)

_decode = msgspec.json.Decoder(PeerReportAnswer).decode

VARY: tuple[Header, ...] = ((b"vary", b"accept-encoding"),)
GZIPPED: tuple[Header, ...] = ((b"content-encoding", b"gzip"), *VARY)


async def get_peer_report(call: Call) -> Answer:
    """Everything known of one peer."""
    sessions, peer_id = call.facade.sessions, call.path["peer_id"]
    sections, with_events = call.query[FILTERS], call.query[INCLUDE_PEER_EVENTS]
    if call.query[MODEL] == "previous":
        stored: StoredReport | None = await sessions.previous_report(call.app_id, peer_id)
    else:
        stored = await sessions.stored_report(call.app_id, peer_id)
    if not sections and not with_events:
        if stored is None:
            return Answer(await _live_body(sessions, sessions.peer(call.app_id, peer_id)))
        if accepts_gzip(call.headers.get(b"accept-encoding", b"")):
            return Answer(stored.body, 200, GZIPPED, lasts=True)
        return Answer(sessions.plain_body(stored), 200, VARY, lasts=True)
    peer = sessions.peer(call.app_id, peer_id)
    participant = to_builtins(await _report(sessions, peer, stored))
    keep_sections(participant, sections)
    return await _opened(call, peer, participant)


async def get_participant(call: Call) -> Answer:
    """One participant of a session, with the statistics that old SDKs expect."""
    sessions = call.facade.sessions
    peer = await sessions.peer_of(call.app_id, call.path["session_id"], call.path["participant_id"])
    stored = await sessions.stored_report(peer.app_id, peer.peer_id)
    participant = to_builtins(details(await _report(sessions, peer, stored)))
    keep_sections(participant, call.query[FILTERS])
    return await _opened(call, peer, participant)


async def _opened(call: Call, peer: Peer, participant: dict[str, Any]) -> Answer:
    if call.query[INCLUDE_PEER_EVENTS]:
        view_types = await call.facade.sessions.view_types(call.app_id, {peer.preset_name})
        participant["peer_events"] = [
            event_object(event, view_types[peer.preset_name]) for event in peer_events(peer)
        ]
    return ok(OpenParticipantAnswer(True, OpenParticipantData(participant)))


async def _report(sessions: Sessions, peer: Peer, stored: StoredReport | None) -> PeerReport:
    if stored is None:
        return await sessions.live_report(peer)
    return _decode(sessions.plain_body(stored)).data.participant


async def _live_body(sessions: Sessions, peer: Peer) -> bytes:
    return encode(PeerReportAnswer(True, PeerReportData(await sessions.live_report(peer))))


def accepts_gzip(value: bytes) -> bool:
    """Whether an Accept-Encoding takes gzip (RFC 9110, 12.5.3)."""
    if b";" not in value:
        return b"gzip" in value or b"*" in value
    weights: dict[bytes, float] = {}
    for part in value.split(b","):
        coding, _, weight = part.partition(b";")
        try:
            weights[coding.strip().lower()] = float(weight.partition(b"=")[2] or 1)
        except ValueError:
            weights[coding.strip().lower()] = 0
    return weights.get(b"gzip", weights.get(b"*", 0)) > 0


PEER_REPORT = Resource(
    "/sessions/peer-report/{peer_id}",
    {
        "GET": Operation(
            handler=get_peer_report,
            name="getParticipantDataFromPeerId",
            summary="Get a peer's report",
            answer=PeerReportAnswer,
            narrowed=OpenParticipantAnswer,
            parameters=(FILTERS, INCLUDE_PEER_EVENTS, MODEL),
        )
    },
    "Sessions",
)

PARTICIPANT = Resource(
    "/sessions/{session_id}/participants/{participant_id}",
    {
        "GET": Operation(
            handler=get_participant,
            name="getSessionParticipantDetails",
            summary="Get a participant of a session",
            answer=ParticipantDetailsAnswer,
            narrowed=OpenParticipantAnswer,
            parameters=(FILTERS, INCLUDE_PEER_EVENTS),
        )
    },
    "Sessions",
)
