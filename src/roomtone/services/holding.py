"""Holding: which session a peer belongs to, when it starts and ends, and its live numbers.

All of it follows from the stays of its peers, so it comes out the same whatever order they are told
in. Every function works inside one transaction.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from msgspec.structs import replace

from roomtone.model.rooms import Meeting
from roomtone.model.sessions import ALL_LEFT, ENDED, HOST_ENDED, LIVE, Session
from roomtone.model.times import AHEAD_MS
from roomtone.ports.records import Transaction
from roomtone.services.sighted import uuid_of

NewId = Callable[[], str]

_NEVER = 1 << 62


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
    deciders: Callable[[int], dict[str, str]] | None = None,
) -> tuple[Session, Session] | None:
    """Bring a session's row in line with the stays of its peers; the row (before, after).

    ``deciders``: of how many are live, who decided its start and its end; None: as before.
    """
    session = tx.sessions.session_by_id(session_id)
    stays = [] if session is None else tx.sessions.stays(session_id)
    # Of a session that is all attempts, those tell when it was.
    tried = [] if session is None or stays else tx.sessions.peers(session_id)
    if session is None or not (stays or tried):
        return None
    spans = [(joined, left) for _, joined, left in stays]
    live = sum(1 for _, left in spans if left is None)
    leaves = [*(left for _, left in spans), *(peer.left_at for peer in tried)]
    last_left = max((left for left in leaves if left is not None), default=None)
    counted = replace(
        _as_told(tx, session),
        live_participants=live,
        max_concurrent_participants=peak(spans),
        total_participants=len({user_id for user_id, _, _ in stays}),
        closed_ms=sum(left - joined for joined, left in spans if left is not None),
        live_since_sum=sum(joined for joined, left in spans if left is None),
        started_at=min([*(joined for joined, _ in spans), *(peer.joined_at for peer in tried)]),
        empty_since=last_left if live == 0 else None,
        updated_at=now,
        sealed_at=None,  # whatever moved a row also moved a report
        decided=session.decided if deciders is None else deciders(live),
    )
    if session.status == ENDED:
        counted = _after_the_end(tx, counted, last_left)
    counted = replace(counted, sort_ms=counted.used_ms(now))
    tx.sessions.put_session(counted)
    return session, counted


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


def _after_the_end(tx: Transaction, session: Session, last_left: int | None) -> Session:
    """Late facts about an ENDED session: it ends later, or turns out to be going on."""
    if session.live_participants == 0:
        if session.end_reason == ALL_LEFT:
            return replace(session, ended_at=last_left)
        return session
    if session.end_reason == ALL_LEFT and tx.sessions.live_session(session.meeting_id) is None:
        return replace(session, status=LIVE, ended_at=None, end_reason=None)
    # Over all the same: the host ended it, or the meeting is being held anew.
    return replace(session, live_participants=0, live_since_sum=0)


def peak(spans: list[tuple[int, int | None]]) -> int:
    """The most spans that overlap; one that ends as another begins does not overlap it.

    A peer that joined and left in the same millisecond was there, yet met nobody who came then.
    """
    ends: list[int] = []
    most = 0
    for joined, left in sorted((a, _NEVER if b is None else b) for a, b in spans):
        while ends and ends[0] <= joined:
            heappop(ends)
        most = max(most, len(ends) + 1)
        heappush(ends, left)
    return most


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
