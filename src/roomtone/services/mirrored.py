"""Mirrored: what a RealtimeKit-shaped service says of sessions and people → our rows."""

import gzip
from typing import Any

import msgspec

from roomtone.model.facts import Joined, Left
from roomtone.model.peer_report import PeerReport
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import Peer, Session
from roomtone.model.subjects import subject_key
from roomtone.model.times import parse_iso
from roomtone.ports.records import StoredReport, Transaction
from roomtone.ports.vendor import JsonObject
from roomtone.services.fitting import fitted
from roomtone.services.shelves import GZIP_LEVEL
from roomtone.sources.presence import presence_of

VIA = "mirror"
UNKNOWN_MODEL = "realtimekit"


def session_of(app_id: str, said: JsonObject, now: int) -> Session | None:
    """Their session object; None: it does not say what it is."""
    started, ended = _ms(said.get("started_at")), _ms(said.get("ended_at"))
    session_id, meeting_id = said.get("id"), said.get("associated_id")
    if started is None or not isinstance(session_id, str) or not isinstance(meeting_id, str):
        return None
    minutes = _number(said.get("minutes_consumed"))
    parent = said.get("parent_session_id")
    return Session(
        id=session_id,
        app_id=app_id,
        meeting_id=meeting_id,
        title=_text(said.get("meeting_display_name")),
        type=_text(said.get("type")) or "meeting",
        status=_text(said.get("status")),
        max_concurrent_participants=int(_number(said.get("max_concurrent_participants"))),
        total_participants=int(_number(said.get("total_participants"))),
        closed_ms=round(minutes * 60_000),
        sort_ms=round(minutes * 60_000),
        started_at=started,
        ended_at=ended if ended is not None else started,
        parent_session_id=parent if isinstance(parent, str) else None,
        created_at=_ms(said.get("created_at")) or started,
        updated_at=_ms(said.get("updated_at")) or ended or started,
        # Nothing may fold it, and nobody seal it, who finds it half done.
        sealed_at=now,
        trimmed_at=now,
    )


def put_session(tx: Transaction, session: Session) -> None:
    """Store it, and the meeting that it was held in, if that is new."""
    if tx.rooms.meeting(session.app_id, session.meeting_id) is None:
        tx.rooms.put_meeting(
            Meeting(
                id=session.meeting_id,
                app_id=session.app_id,
                title=session.title,
                created_at=session.created_at,
                updated_at=session.updated_at,
            )
        )
    tx.sessions.put_session(session)


def peer_of(session: Session, said: JsonObject) -> Peer | None:
    """Their participant object as a peer; None: it does not say who it is."""
    peer_id, joined = said.get("id"), _ms(said.get("joined_at"))
    if not isinstance(peer_id, str) or joined is None:
        return None
    user_id = _text(said.get("user_id")) or peer_id
    left = _ms(said.get("left_at"))
    left = session.ended_at or joined if left is None else left
    facts = (Joined(t=joined, via=VIA), Left(t=max(joined, left), reason="disconnect"))
    return Peer(
        subject=subject_key(session.app_id, user_id, peer_id),
        app_id=session.app_id,
        session_id=session.id,
        peer_id=peer_id,
        user_id=user_id,
        custom_participant_id=_text(said.get("custom_participant_id")),
        display_name=_text(said.get("display_name")),
        preset_name=_text(said.get("preset_name")),
        joined_at=joined,
        left_at=max(joined, left),
        left_reason="disconnect",
        last_sign_at=max(joined, left),
        presence=presence_of(facts, None),
        created_at=_ms(said.get("created_at")) or joined,
        updated_at=_ms(said.get("updated_at")) or left,
    )


def put_person(tx: Transaction, session: Session, peer: Peer, said: JsonObject) -> None:
    """Store who the peer is, if that person is new."""
    if tx.rooms.participant(session.app_id, peer.user_id) is None:
        tx.rooms.put_participant(
            Participant(
                id=peer.user_id,
                app_id=session.app_id,
                meeting_id=session.meeting_id,
                custom_participant_id=peer.custom_participant_id,
                preset_name=peer.preset_name,
                name=peer.display_name or None,
                picture=_text(said.get("picture")) or None,
                created_at=peer.created_at,
                updated_at=peer.updated_at,
            )
        )


def stored_report(peer: Peer, theirs: JsonObject, now: int) -> StoredReport:
    """Their report as they gave it, with what ours have besides; whatever reads differently is
    kept under ``mirrored`` as well."""
    made = fitted(theirs, PeerReport)
    participant = made.value
    if made.misfits:
        participant["mirrored"] = {"misfits": list(made.misfits), "participant": theirs}
    model = f"{VIA}:{theirs.get('mos_model') or UNKNOWN_MODEL}"
    if "mos_model" not in theirs:
        # Their scale is not documented: nothing of it may be taken for a MOS.
        participant["mos_model"], participant["quality_scale"] = UNKNOWN_MODEL, "vendor"
    body: dict[str, Any] = {"success": True, "data": {"participant": participant}}
    return StoredReport(
        subject=peer.subject,
        app_id=peer.app_id,
        peer_id=peer.peer_id,
        session_id=peer.session_id,
        model=model,
        body=gzip.compress(msgspec.json.encode(body), GZIP_LEVEL, mtime=0),
        sealed_at=now,
    )


def _ms(said: Any) -> int | None:
    if not isinstance(said, str):
        return None
    try:
        return parse_iso(said)
    except (ValueError, OverflowError):
        return None


def _number(said: Any) -> float:
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return max(0.0, float(said)) if is_number else 0.0


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""
