"""Sessions in their table. Lists come out of the index in memory (session_index.py)."""

from collections.abc import Iterator
from threading import Lock

import sqlalchemy as sa

from roomtone.model.sessions import ENDED, LIVE, Session
from roomtone.ports.records import Page, SessionFilter
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import JSON, Among, Kept, limited, text_of
from roomtone.storage.session_index import SessionIndex

_COLUMN = tables.sessions.c
_SESSION = Kept(Session, tables.sessions, {"decided": JSON})
_BY_ID = _SESSION.by("id")
_BY_IDS = Among(_BY_ID)
_BY_APP = _SESSION.by("id", "app_id")
_LIVE_OF_MEETING = _SESSION.by(
    "meeting_id", "status", order=(_COLUMN.started_at.desc(), _COLUMN.id)
)
_BY_STATUS = _SESSION.by("status", order=(_COLUMN.started_at, _COLUMN.id))
_CHILDREN = _SESSION.by("parent_session_id", order=(_COLUMN.started_at, _COLUMN.id))
_AROUND = text_of(
    _SESSION.select()
    .where(
        _COLUMN.meeting_id == sa.bindparam("meeting_id"),
        _COLUMN.started_at <= sa.bindparam("latest_start"),
        sa.or_(_COLUMN.ended_at.is_(None), _COLUMN.ended_at >= sa.bindparam("earliest_end")),
    )
    .order_by(_COLUMN.started_at.desc(), _COLUMN.id)
)
_UNSEALED = limited(
    _SESSION.select()
    .where(_COLUMN.status == sa.bindparam("status"), _COLUMN.sealed_at.is_(None))
    .order_by(_COLUMN.ended_at, _COLUMN.id)
)
_IDS_AFTER = limited(
    sa.select(_COLUMN.ordinal, _COLUMN.id)
    .where(_COLUMN.ordinal > sa.bindparam("after"))
    .order_by(_COLUMN.ordinal)
)
_IDS_AT_ONCE = 1_000
_PUT = _SESSION.upsert("id", "revision")

_CHANGED = limited(
    sa.select(_COLUMN.revision, *_SESSION.select().selected_columns)
    .where(_COLUMN.revision > sa.bindparam("after"))
    .order_by(_COLUMN.revision)
)
_OF_MEETING = _SESSION.by("meeting_id", order=(_COLUMN.started_at, _COLUMN.id))
_STARTED = limited(
    _SESSION.select()
    .where(
        _COLUMN.meeting_id == sa.bindparam("meeting_id"),
        _COLUMN.started_at >= sa.bindparam("since"),
        _COLUMN.started_at <= sa.bindparam("until"),
        sa.or_(
            _COLUMN.started_at > sa.bindparam("after"),
            sa.and_(
                _COLUMN.started_at == sa.bindparam("after_too"),
                _COLUMN.id > sa.bindparam("after_id"),
            ),
        ),
    )
    .order_by(_COLUMN.started_at, _COLUMN.id)
)
_SEALED = limited(
    _SESSION.select()
    .where(
        _COLUMN.sealed_at > sa.bindparam("after"),
        _COLUMN.sealed_at < sa.bindparam("before"),
        # As it stands, SQLite would take the index of ``status``, and walk every ended session.
        (_COLUMN.status + sa.literal_column("''")) == sa.bindparam("status"),
    )
    .order_by(_COLUMN.sealed_at, _COLUMN.id)
)
_ERASURES, _REVISION = "sessions.erasures", "sessions.revision"
_POSITION = "SELECT position FROM cursors WHERE name = ?"
_ANOTHER_ERASURE = (
    "INSERT INTO cursors (name, position) VALUES ('sessions.erasures', 1) "
    "ON CONFLICT (name) DO UPDATE SET position = cursors.position + 1"
)

_NEXT_REVISION = (
    "INSERT INTO cursors (name, position) VALUES ('sessions.revision', 1) "
    "ON CONFLICT (name) DO UPDATE SET position = cursors.position + 1 RETURNING position"
)


class Unloaded(Exception):
    """The sessions are not in memory yet: :meth:`SessionList.load` first."""


class SessionList:
    """The index of one database, for whoever asks."""

    def __init__(self) -> None:
        self._index: SessionIndex | None = None
        self._erasures = 0
        self._lock = Lock()
        self._loading = Lock()

    def load(self, connection: Connection) -> None:
        """Read all of it: a few seconds for each million. Nobody else has to wait for it."""
        with self._loading:
            if self._index is not None:
                return
            index, erasures = SessionIndex(), _position(connection, _ERASURES)
            index.refresh(connection)
            with self._lock:
                self._index, self._erasures = index, erasures

    def ids(
        self, connection: Connection, asked: SessionFilter, page: Page
    ) -> tuple[list[str], int]:
        """The ids of a page in their order, and how many sessions fit. Raises Unloaded."""
        if connection.writing:
            # Rows that may yet be rolled back must not get into the index that all share.
            own = SessionIndex()
            own.refresh(connection)
            return own.query(asked, page)
        with self._lock:
            if self._index is None:
                raise Unloaded
            self._index.refresh(connection)
            self._follow_erasures(connection, self._index)
            return self._index.query(asked, page)

    def _follow_erasures(self, connection: Connection, index: SessionIndex) -> None:
        """Another process may have erased rows, which leaves nothing to follow but a count."""
        erasures = _position(connection, _ERASURES)
        # In a view older than the index what has come since is missing as well.
        if erasures > self._erasures and _position(connection, _REVISION) >= index.revision:
            index.forget_missing(connection)
            self._erasures = erasures


def _position(connection: Connection, name: str) -> int:
    found = connection.raw.execute(_POSITION, (name,)).fetchone()
    return 0 if found is None else int(found[0])


class SqlSessionRows:
    """The half of :class:`roomtone.ports.records.Sessions` that is about sessions."""

    def __init__(self, connection: Connection, listing: SessionList) -> None:
        self._connection = connection
        self._listing = listing

    def session(self, app_id: str, session_id: str) -> Session | None:
        return _SESSION.one(self._connection, _BY_APP, session_id, app_id)

    def session_by_id(self, session_id: str) -> Session | None:
        return _SESSION.one(self._connection, _BY_ID, session_id)

    def list_sessions(self, asked: SessionFilter, page: Page) -> tuple[list[Session], int]:
        """Ties by id. Ask it first in a transaction: the index may be newer than its view."""
        ids, total = self._listing.ids(self._connection, asked, page)
        rows = map(_SESSION.load, _BY_IDS.rows(self._connection, ids))
        found = {session.id: session for session in rows}
        return [found[session_id] for session_id in ids if session_id in found], total

    def live_session(self, meeting_id: str) -> Session | None:
        return _SESSION.one(self._connection, _LIVE_OF_MEETING, meeting_id, LIVE)

    def session_at(self, meeting_id: str, t: int, grace_ms: int) -> Session | None:
        """The nearest one if several fit; the latest if they are equally near."""
        around = _SESSION.all(self._connection, _AROUND, meeting_id, t + grace_ms, t - grace_ms)

        def distance(session: Session) -> int:
            end = t if session.ended_at is None else session.ended_at
            return max(session.started_at - t, t - end, 0)

        return min(around, key=distance, default=None)

    def live_sessions(self) -> Iterator[Session]:
        return iter(_SESSION.all(self._connection, _BY_STATUS, LIVE))

    def unsealed_sessions(self, limit: int) -> list[Session]:
        return _SESSION.all(self._connection, _UNSEALED, ENDED, limit)

    def child_sessions(self, session_id: str) -> list[Session]:
        return _SESSION.all(self._connection, _CHILDREN, session_id)

    def changed_since(self, revision: int, limit: int) -> list[tuple[int, Session]]:
        rows = self._connection.raw.execute(_CHANGED, (revision, limit))
        return [(row[0], _SESSION.load(row[1:])) for row in rows]

    def put_session(self, session: Session) -> None:
        (revision,) = self._connection.raw.execute(_NEXT_REVISION).fetchone()
        _PUT.run(self._connection, session, revision=revision)

    def sessions_of(self, meeting_id: str) -> list[Session]:
        return _SESSION.all(self._connection, _OF_MEETING, meeting_id)

    def started_between(
        self, meeting_id: str, since: int, until: int, after: tuple[int, str], limit: int
    ) -> list[Session]:
        t, session_id = after
        # The index begins where the last page ended, not where the range does.
        since = max(since, t)
        return _SESSION.all(
            self._connection, _STARTED, meeting_id, since, until, t, t, session_id, limit
        )

    def sealed_between(self, after: int, before: int, limit: int) -> list[Session]:
        return _SESSION.all(self._connection, _SEALED, after, before, ENDED, limit)

    def drop_session(self, session_id: str) -> None:
        self._connection.raw.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        self._connection.raw.execute(_ANOTHER_ERASURE)

    def all_session_ids(self) -> Iterator[str]:
        """In the order in which they were first put."""
        after = -1
        while rows := self._connection.raw.execute(_IDS_AFTER, (after, _IDS_AT_ONCE)).fetchall():
            yield from (session_id for _, session_id in rows)
            after = rows[-1][0]
