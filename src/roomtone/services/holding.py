"""Holding: which session a peer belongs to, when it starts and ends, and its live numbers.

All of it follows from the stays of its peers, so it comes out the same whatever order they are told
in. Every function works inside one transaction.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from roomtone.model.rooms import Meeting
from roomtone.model.sessions import ALL_LEFT, ENDED, HOST_ENDED, LIVE, Peer, Session
from roomtone.model.times import AHEAD_MS
from roomtone.ports.records import Transaction
from roomtone.services.crowds import Crowd
from roomtone.services.gatherings import Held
from roomtone.services.sighted import uuid_of

NewId = Callable[[], str]


def session_for(tx: Transaction, meeting: Meeting, joined_at: int, now: int, new_id: NewId) -> str:
    """The session that takes in a peer which joined its meeting then; started if need be."""
    grace = meeting.session_keep_alive_time_in_secs * 1000
    found = tx.sessions.session_at(meeting.id, joined_at, grace)
    if found is not None and not _closed_to(found, joined_at):
        return found.id
    live = tx.sessions.live_session(meeting.id)
    if live is not None:
        return live.id
    session_id = new_id()
    tx.sessions.put_session(
        Session(
            id=session_id,
            app_id=meeting.app_id,
            meeting_id=meeting.id,
            title=meeting.title,
            type=meeting.type,
            started_at=joined_at,
            parent_session_id=_parent(tx, meeting, joined_at, grace),
            created_at=joined_at,
            updated_at=now,
        )
    )
    return session_id


def _closed_to(session: Session, joined_at: int) -> bool:
    """A session that the host ended takes nobody in afterwards, keep-alive or not."""
    return (
        session.end_reason == HOST_ENDED
        and session.ended_at is not None
        and joined_at > session.ended_at
    )


def _parent(tx: Transaction, meeting: Meeting, t: int, grace: int) -> str | None:
    if meeting.parent_meeting_id is None:
        return None
    parent = tx.sessions.session_at(meeting.parent_meeting_id, t, grace)
    return None if parent is None else parent.id


def recount(
    tx: Transaction,
    session_id: str,
    now: int,
    changed: Iterable[Peer] = (),
    crowds: Held[Crowd] | None = None,
    deciders: Callable[[int], dict[str, str]] | None = None,
) -> tuple[Session, Session] | None:
    """Bring a session's row in line with the stays of its peers; the row (before, after).

    ``changed``: the rows that this transaction put. ``crowds``: what is remembered of the others;
    None: nothing is. ``deciders``: of how many are live, who decided its start and its end; None:
    as before.
    """
    session = tx.sessions.session_by_id(session_id)
    if session is None:
        return None
    crowd = _crowd(tx, session, changed, None if crowds is None else crowds.take(session_id))
    if not len(crowd):
        return None
    counted = replace(
        _as_told(tx, session),
        live_participants=crowd.live,
        max_concurrent_participants=crowd.peak,
        total_participants=crowd.people,
        closed_ms=crowd.closed_ms,
        live_since_sum=crowd.live_since_sum,
        started_at=crowd.started_at,
        empty_since=crowd.empty_since,
        updated_at=now,
        sealed_at=None,  # whatever moved a row also moved a report
        decided=session.decided if deciders is None else deciders(crowd.live),
    )
    if session.status == ENDED:
        counted = _after_the_end(tx, counted)
    counted = replace(counted, sort_ms=counted.used_ms(now))
    tx.sessions.put_session(counted)
    if crowds is not None:
        crowd.row = counted
        crowds.keep(session_id, crowd)
    return session, counted


def _crowd(
    tx: Transaction, session: Session, changed: Iterable[Peer], known: Crowd | None
) -> Crowd:
    """The peers of a session, by what is known of them, if it still fits the rows."""
    if known is not None and known.row == session:
        known.put(changed)
        # Rows that others took away, or brought back, would be missed here.
        if len(known) == tx.sessions.count_peers(session.id):
            return known
    return Crowd(tx.sessions.peers(session.id))


def _as_told(tx: Transaction, session: Session) -> Session:
    """With the title and the parent that a server told only after somebody was there."""
    if session.decided is None:
        return session
    meeting = tx.rooms.meeting(session.app_id, session.meeting_id)
    if meeting is None:
        return session
    unnamed = meeting.id == uuid_of(meeting.app_id, "room", session.title)
    grace = meeting.session_keep_alive_time_in_secs * 1000
    return replace(
        session,
        title=meeting.title if unnamed else session.title,
        parent_session_id=session.parent_session_id
        or _parent(tx, meeting, session.started_at, grace),
    )


def _after_the_end(tx: Transaction, session: Session) -> Session:
    """Late facts about an ENDED session: it ends later, or turns out to be going on."""
    if session.live_participants == 0:
        if session.end_reason == ALL_LEFT:
            return replace(session, ended_at=session.empty_since)
        return session
    if session.end_reason == ALL_LEFT and tx.sessions.live_session(session.meeting_id) is None:
        return replace(session, status=LIVE, ended_at=None, end_reason=None)
    # Over all the same: the host ended it, or the meeting is being held anew.
    return replace(session, live_participants=0, live_since_sum=0)


def close_when_empty(tx: Transaction, now: int) -> list[Session]:
    """End the sessions that stood empty for their meeting's keep-alive; those that ended."""
    ended = []
    for session in list(tx.sessions.live_sessions()):
        if session.empty_since is None:
            continue
        meeting = tx.rooms.meeting(session.app_id, session.meeting_id)
        keep_alive_ms = 0 if meeting is None else meeting.session_keep_alive_time_in_secs * 1000
        if _empty_from(session, session.empty_since, now) + keep_alive_ms <= now:
            ended.append(end(tx, session, session.empty_since, ALL_LEFT, now))
    return ended


def _empty_from(session: Session, empty_since: int, now: int) -> int:
    """From when the keep-alive counts. What was written before the clock was set back lies ahead:
    then it counts from when the row was last moved, and of one from before that, it is over."""
    known = (t for t in (empty_since, session.updated_at) if t <= now + AHEAD_MS)
    return next(known, 0)


def end_by_host(tx: Transaction, session_id: str, now: int) -> Session | None:
    """End a session whose peers were all removed; None if it had ended already."""
    session = tx.sessions.session_by_id(session_id)
    if session is None or session.status != LIVE:
        return None
    return end(tx, session, now, HOST_ENDED, now)


def end(tx: Transaction, session: Session, ended_at: int, reason: str, now: int) -> Session:
    """Write down that a session is over; the row."""
    over = replace(
        session,
        status=ENDED,
        ended_at=ended_at,
        end_reason=reason,
        live_participants=0,
        live_since_sum=0,
        sort_ms=session.closed_ms,
        updated_at=now,
        sealed_at=None,
    )
    tx.sessions.put_session(over)
    return over
