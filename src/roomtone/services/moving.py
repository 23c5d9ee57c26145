"""Moving: a handful of peers' presences, applied to the rows inside one transaction.

A peer's row follows from its own presence; where a server told of the session too, from what all of
its peers say together (services/reconciling.py). Applying the same twice changes nothing.
"""

from collections import defaultdict
from functools import partial

import structlog
from msgspec.structs import replace

from roomtone.model.facts import Vouched
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import ATTEMPT, CLIENT, ENDED, Peer
from roomtone.model.subjects import Subject, room_subject
from roomtone.ports.journal import Batch
from roomtone.ports.records import Transaction
from roomtone.report.reconcile import ROOMTONE
from roomtone.report.stay import Stay, attempt, clock_offset, is_servers, stay
from roomtone.services.gatherings import Gatherings
from roomtone.services.holding import NewId, recount, session_for
from roomtone.services.hook_outbox import Moves, PeerMove
from roomtone.services.reconciling import deciders, matters, room_batches, settle, told_of

log = structlog.get_logger()

Presences = dict[Subject, Presence]


def apply_moves(
    tx: Transaction,
    presences: Presences,
    rooms: Presences,
    now: int,
    new_id: NewId,
    vouch_step_ms: int,
    gatherings: Gatherings,
) -> tuple[list[Batch], Moves]:
    """Move the rows; the facts that follow (of rooms, and those that un-silence peers that others
    still receive), and the moves."""
    touched: dict[str, list[Peer]] = defaultdict(list)
    moves: list[PeerMove] = []
    vouchers: dict[tuple[str, str], int] = defaultdict(int)
    unsettled: dict[str, dict[bytes, Peer | None]] = defaultdict(dict)
    heard_of: dict[str, list[Peer]] = defaultdict(list)
    batches: list[Batch] = []
    known = tx.sessions.peers_by_subject(one.key for one in presences if one.participant_id)
    signs: list[Peer] = []
    for subject, presence in presences.items():
        if not subject.participant_id:
            batches += room_batches(tx, subject, presence)
            continue
        before = known.get(subject.key)
        peer = _moved(tx, subject, presence, before, now, new_id)
        if peer is None:
            continue
        if before is None:
            room = room_subject(subject.app_id, subject.meeting_id)
            batches += room_batches(tx, room, rooms.get(room, Presence()), (subject,))
        if peer.presence.witnesses or _settled(tx, before, peer):
            if matters(before, peer.presence) or not told_of(tx, peer.session_id):
                unsettled[peer.session_id].setdefault(peer.subject, before)
            peer = peer if before is None else _only_signs(before, peer)
        # Whatever comes of a peer that has left may belong to a sealed report.
        elif before is None or _span(before) != _span(peer) or peer.left_at is not None:
            touched[peer.session_id].append(peer)
            if peer.counts:
                moves.append((before if before and before.counts else None, peer))
        if before is not None and _who(before) == _who(peer):
            signs.append(peer)  # nobody else's row depends on it: all of them at once
        else:
            tx.sessions.put_peer(peer)
        heard_of[peer.session_id].append(peer)
        _note_heard(vouchers, peer, presence)
    tx.sessions.put_peer(*signs)
    vouched = [_vouch(tx, *pair, t, vouch_step_ms, now) for pair, t in vouchers.items()]
    batches += [batch for batch in vouched if batch is not None]
    quiet = [one for one in heard_of if one not in touched and one not in unsettled]
    touched |= {one: heard_of[one] for one in quiet if _is_over(tx, one)}
    recounted = []
    for session_id, befores in unsettled.items():
        settled, rows = settle(tx, session_id, befores, now, gatherings.links)
        moves += settled
        changed = [*touched.pop(session_id, ()), *rows]
        who = partial(deciders, tx, session_id)
        recounted.append(recount(tx, session_id, now, changed, gatherings.crowds, who))
    for session_id, changed in touched.items():
        recounted.append(recount(tx, session_id, now, changed, gatherings.crowds))
    return batches, ([move for move in recounted if move is not None], moves)


def _note_heard(vouchers: dict[tuple[str, str], int], peer: Peer, presence: Presence) -> None:
    """Whom a peer received, and until when by the server's clock."""
    offset = clock_offset(peer.presence)
    for heard, t in presence.heard:
        pair = (peer.session_id, heard)
        vouchers[pair] = max(vouchers[pair], t + offset)


def _is_over(tx: Transaction, session_id: str) -> bool:
    """Whether a session has ended. Who was first heard of after that was not removed from it, and
    counts as there; what comes of them belongs to a sealed report all the same."""
    session = tx.sessions.session_by_id(session_id)
    return session is not None and session.status == ENDED


def _settled(tx: Transaction, before: Peer | None, peer: Peer) -> bool:
    """Whether a server told of the session. Every peer of such a one has its decisions: of most
    peers of others that saves the look."""
    if before is not None and before.decided is None:
        return False
    return told_of(tx, peer.session_id)


def _only_signs(before: Peer, peer: Peer) -> Peer:
    """What was settled of a peer stays until it is settled anew."""
    last_sign = max(before.last_sign_at, peer.last_sign_at)
    return replace(
        before,
        presence=peer.presence,
        last_sign_at=last_sign if before.left_at is None else before.last_sign_at,
        updated_at=peer.updated_at,
    )


def _moved(
    tx: Transaction,
    subject: Subject,
    presence: Presence,
    known: Peer | None,
    now: int,
    new_id: NewId,
) -> Peer | None:
    """The peer's row with this presence merged in; None while it has not joined, or may not.
    ``known``: its row as it was, if there is one."""
    whole = presence if known is None else merge(known.presence, presence)
    joined = stay(whole)
    there = joined or attempt(whole)
    if there is None:
        return None
    peer = known or _new_peer(tx, subject, whole, there, now, new_id)
    if peer is None:
        return None
    return replace(
        peer,
        presence=whole,
        joined_at=there.joined_at,
        left_at=there.left_at,
        left_reason=there.left_reason,
        last_sign_at=there.last_sign_at,
        merged_into=None if joined else ATTEMPT,
        decided=None if joined else {"joined": CLIENT, "left": CLIENT},
        updated_at=now,
    )


def _new_peer(
    tx: Transaction,
    subject: Subject,
    presence: Presence,
    there: Stay,
    now: int,
    new_id: NewId,
) -> Peer | None:
    taken = _taken(tx, subject, presence)
    participant = tx.rooms.participant(subject.app_id, subject.participant_id)
    meeting = tx.rooms.meeting(subject.app_id, subject.meeting_id)
    if participant is not None and (participant.deleted_at or there.joined_at) < there.joined_at:
        participant = None  # came in while nobody could look up that they had been removed
    if taken or participant is None or meeting is None:
        log.warning("a peer has no place", peer_id=subject.peer_id, taken=taken)
        return None
    return Peer(
        subject=subject.key,
        app_id=subject.app_id,
        session_id=session_for(tx, meeting, there.joined_at, now, new_id),
        peer_id=subject.peer_id,
        user_id=participant.id,
        custom_participant_id=participant.custom_participant_id,
        display_name=participant.name or "",
        preset_name=participant.preset_name,
        picture=participant.picture,
        joined_at=there.joined_at,
        last_sign_at=there.last_sign_at,
        presence=presence,
        created_at=there.joined_at,
        updated_at=now,
    )


def _taken(tx: Transaction, subject: Subject, presence: Presence) -> bool:
    """Whether another holds this peer id. A server may know the person by another name than the
    client does: then the two are the same connection, and get reconciled."""
    holder = tx.sessions.peer(subject.app_id, subject.peer_id)
    if holder is None:
        return False
    session = tx.sessions.session_by_id(holder.session_id)
    same_meeting = session is not None and session.meeting_id == subject.meeting_id
    return not same_meeting or (holder.origin == CLIENT) == (not is_servers(presence))


def _who(peer: Peer) -> tuple[int, int | None, str | None]:
    """What the rows of others are compared with."""
    return *_span(peer), peer.merged_into


def _span(peer: Peer) -> tuple[int, int | None]:
    return peer.joined_at, peer.left_at


def last_sign(peer: Peer) -> int:
    """Own, or vouched for by others; epoch ms."""
    return max(peer.last_sign_at, peer.vouched_at or 0)


def _can_return(peer: Peer) -> bool:
    """Whether its leave was noticed by others, not said by itself."""
    by = (peer.decided or {}).get("left", CLIENT)
    return peer.counts and (peer.left_reason == "silence" or by not in (CLIENT, ROOMTONE))


def _vouch(
    tx: Transaction, session_id: str, peer_id: str, t: int, step_ms: int, now: int
) -> Batch | None:
    """Note that others receive a peer; if it counts as silent, the fact that brings it back."""
    session = tx.sessions.session_by_id(session_id)
    peer = None if session is None else tx.sessions.peer(session.app_id, peer_id)
    if session is None or peer is None or peer.session_id != session_id:
        return None
    if peer.left_at is not None:
        if not _can_return(peer) or t <= peer.left_at:
            return None
        subject = Subject(peer.app_id, session.meeting_id, peer.user_id, peer.peer_id)
        return Batch(
            subject=subject,
            key=f"v:{t}",
            received_at=None,
            facts=(Vouched(t),),
            presence=Presence(vouched_t=t),
        )
    if t - last_sign(peer) >= step_ms:
        tx.sessions.put_peer(replace(peer, vouched_at=t, updated_at=now))
    return None
