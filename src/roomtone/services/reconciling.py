"""Reconciling: what all sources together say of a session, written into its rows.

Only sessions of which a server told (``Session.decided`` is not None) come here; the rows of others
follow from each peer alone. ``report/reconcile.py`` has the rules. Every function works inside one
transaction.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from roomtone.model.facts import ServerSaw
from roomtone.model.presence import Presence, Witness
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.ports.records import Transaction
from roomtone.report.linking import CLOCKS_APART_MS, Seen
from roomtone.report.reconcile import Ruling, reconcile
from roomtone.report.stay import clock_offset, stay
from roomtone.services.gatherings import Gathering, Held
from roomtone.services.hook_outbox import PeerMove
from roomtone.sources.presence import presence_of

ROOM_NEWS_MS = 24 * 3600 * 1000
"""A room's end that is told later than this after a session ended is about another one."""


def told_of(tx: Transaction, session_id: str) -> bool:
    """Whether a server told of a session."""
    session = tx.sessions.session_by_id(session_id)
    return session is not None and session.decided is not None


def matters(before: Peer | None, after: Presence) -> bool:
    """Whether a peer's presence may change what is true of its session. Mere signs of life of a
    peer that is there do not."""
    if before is None or before.left_at is not None:
        return True
    return _marks(before.presence) != _marks(after)


def _marks(presence: Presence) -> tuple[object, ...]:
    there = stay(presence)
    return (
        presence.witnesses,
        presence.joins,
        presence.leaves,
        presence.removed,
        presence.links,
        presence.tried_t,
        presence.first_media_t,
        presence.vouched_t,
        presence.lag,
        clock_offset(presence),
        there is None or there.left_at,
    )


def settle(
    tx: Transaction,
    session_id: str,
    befores: Mapping[bytes, Peer | None],
    now: int,
    gatherings: Held[Gathering],
) -> tuple[list[PeerMove], list[Peer]]:
    """Put right the rows of a session's peers; the moves, and the rows as they are now.

    ``befores``: the rows, by subject, as they were before this transaction, of those that it
    changed already.
    """
    rows, clocks = _concerned(tx, session_id, befores, gatherings)
    rulings = {ruling.subject: ruling for ruling in reconcile([*map(_seen, rows)], clocks)}
    moves: list[PeerMove] = []
    settled: list[Peer] = []
    for row in rows:
        ruling = rulings.get(row.subject)
        after = _named(tx, row if ruling is None else _as_ruled(row, ruling))
        if after != row:
            after = replace(after, updated_at=now)
            tx.sessions.put_peer(after)
        settled.append(after)
        before = befores.get(row.subject, row)
        if before is not None and before.counts and not after.counts:
            tx.reports.drop_report(after.subject)  # what was sealed of it is another's now
        move = _move(before, after, now)
        if move is not None:
            moves.append(move)
    return moves, settled


def _concerned(
    tx: Transaction,
    session_id: str,
    changed: Iterable[bytes],
    gatherings: Held[Gathering],
) -> tuple[list[Peer], Mapping[str, Witness]]:
    """The rows that those that changed have to do with, by their joins; all of the session's where
    that is not known. And the clocks of its servers."""
    changed = list(changed)
    known = gatherings.take(session_id)
    if known is not None and known.add(map(_seen, _rows(tx, changed))):
        around = known.around(changed)
        rows = _rows(tx, around)
        # Rows that others took away, or brought back, would be missed here.
        if len(rows) == len(around) and len(known) == tx.sessions.count_peers(session_id):
            gatherings.keep(session_id, known)
            return sorted(rows, key=lambda row: (row.joined_at, row.peer_id)), known.clocks
    rows = tx.sessions.peers(session_id)
    made = Gathering(map(_seen, rows))
    gatherings.keep(session_id, made)
    return rows, made.clocks


def _rows(tx: Transaction, subjects: Iterable[bytes]) -> list[Peer]:
    rows = (tx.sessions.peer_by_subject(subject) for subject in subjects)
    return [row for row in rows if row is not None]


def _seen(row: Peer) -> Seen:
    return Seen(row.subject, row.peer_id, row.user_id, row.presence)


def _as_ruled(row: Peer, ruling: Ruling) -> Peer:
    return replace(
        row,
        origin=ruling.origin,
        merged_into=ruling.merged_into,
        joined_at=ruling.joined_at,
        left_at=ruling.left_at,
        left_reason=ruling.left_reason,
        last_sign_at=ruling.last_sign_at,
        decided=ruling.decided,
    )


def _named(tx: Transaction, row: Peer) -> Peer:
    """Called as its person is, if it had no name when it came and another source knows one."""
    if row.display_name not in ("", row.custom_participant_id):
        return row
    person = tx.rooms.participant(row.app_id, row.user_id)
    name = "" if person is None else person.name
    return replace(row, display_name=name) if name else row


def _move(before: Peer | None, after: Peer, now: int) -> PeerMove | None:
    """What there is to tell. A connection that turns out to be another has left, as that one has
    joined; an attempt was never there."""
    was = before if before is not None and before.counts else None
    if after.counts:
        same = was is not None and (was.joined_at, was.left_at) == (after.joined_at, after.left_at)
        return None if same else (was, after)
    if was is None or was.left_at is not None:
        return None
    return was, replace(after, left_at=now if after.left_at is None else after.left_at)


def deciders(tx: Transaction, session_id: str, live: int) -> dict[str, str]:
    """Who decided a session's start, and its end if nobody is ``live``."""
    first = tx.sessions.first_peer(session_id)
    if first is None:
        return {}
    made = {"started": (first.decided or {}).get("joined", "")}
    last = None if live else tx.sessions.last_peer(session_id)
    if last is not None:
        made["ended"] = (last.decided or {}).get("left", "")
    return made


def room_batches(
    tx: Transaction, room: Subject, told: Presence, only: Iterable[Subject] = ()
) -> list[Batch]:
    """What a room's start or end says of each peer, as facts of that peer.

    ``only``: of these; else of everybody in the meeting's sessions that it may be about.
    """
    marks = [
        fact
        for one in told.witnesses
        for fact in (
            *(ServerSaw(t, one.source, "room_started") for t in one.room_starts),
            *(ServerSaw(t, one.source, "room_ended") for t in one.room_ends),
        )
    ]
    if not marks:
        return []
    concerned = list(only) or [
        Subject(room.app_id, room.meeting_id, peer.user_id, peer.peer_id)
        for session in tx.sessions.sessions_of(room.meeting_id)
        if any(_about(session, fact.t) for fact in marks)
        for peer in tx.sessions.peers(session.id)
    ]
    return [
        Batch(
            subject=subject,
            key=f"{fact.what}:{fact.source}:{fact.t}",
            received_at=None,  # passed on: when it came says nothing of the source's clock
            facts=(fact,),
            presence=presence_of((fact,), None),
        )
        for subject in concerned
        for fact in marks
    ]


def _about(session: Session, t: int) -> bool:
    if session.started_at > t + CLOCKS_APART_MS:
        return False
    ended = session.ended_at if session.status == ENDED else None
    return ended is None or ended >= t - ROOM_NEWS_MS
