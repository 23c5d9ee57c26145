"""Peers in their table."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from roomtone.model.sessions import ATTEMPT, CLIENT, Peer
from roomtone.model.times import NEVER
from roomtone.ports.records import Page, PeerFilter
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.encoding import decode_presence, encode_presence
from roomtone.storage.rows import JSON, Among, Codec, Kept, holds, limited, searchable, text_of

_COLUMN = tables.peers.c
_PEER = Kept(
    Peer,
    tables.peers,
    {"presence": Codec(encode_presence, decode_presence), "decided": JSON},
)
_BY_SUBJECT = _PEER.by("subject")
_BY_SUBJECTS = Among(_BY_SUBJECT)
_BY_PEER_ID = _PEER.by(
    "app_id",
    "peer_id",
    order=(_COLUMN.merged_into.is_not(None), _COLUMN.created_at, _COLUMN.subject),
)
_OF_SESSION = _PEER.by("session_id", order=(_COLUMN.joined_at, _COLUMN.peer_id, _COLUMN.subject))
_SILENT = limited(
    _PEER.select()
    .where(
        _COLUMN.left_at.is_(None),
        _COLUMN.last_sign_at < sa.bindparam("before"),
        _COLUMN.updated_at < sa.bindparam("moved_before"),
        sa.or_(_COLUMN.vouched_at.is_(None), _COLUMN.vouched_at < sa.bindparam("before_too")),
        _COLUMN.merged_into.is_(None),
        sa.or_(
            _COLUMN.origin == sa.literal_column(f"'{CLIENT}'"),
            _COLUMN.last_sign_at < sa.bindparam("servers_before"),
        ),
    )
    .order_by(_COLUMN.last_sign_at, _COLUMN.subject)
)
_AHEAD = limited(
    _PEER.select()
    .where(
        _COLUMN.left_at.is_(None),
        _COLUMN.merged_into.is_(None),
        _COLUMN.origin == sa.literal_column(f"'{CLIENT}'"),
        sa.or_(
            _COLUMN.updated_at > sa.bindparam("moved"),
            _COLUMN.last_sign_at > sa.bindparam("signed"),
            _COLUMN.vouched_at > sa.bindparam("vouched"),
        ),
    )
    .order_by(_COLUMN.updated_at.desc(), _COLUMN.subject)
)
_COUNT = text_of(sa.select(sa.func.count()).where(_COLUMN.session_id == sa.bindparam("session_id")))
_COUNTED = _PEER.select().where(
    _COLUMN.session_id == sa.bindparam("session_id"), _COLUMN.merged_into.is_(None)
)
_FIRST = limited(_COUNTED.order_by(_COLUMN.joined_at, _COLUMN.peer_id))
_LAST = limited(
    _COUNTED.where(_COLUMN.left_at.is_not(None)).order_by(
        _COLUMN.left_at.desc(), _COLUMN.peer_id.desc()
    )
)
_PUT = _PEER.upsert("subject", "searchable")
_CALLED = text_of(
    _PEER.select().where(
        _COLUMN.app_id == sa.bindparam("app_id"),
        sa.or_(
            _COLUMN.user_id == sa.bindparam("user_id"),
            _COLUMN.custom_participant_id == sa.bindparam("custom_id"),
        ),
    )
)


class SqlPeerRows:
    """The half of :class:`roomtone.ports.records.Sessions` that is about peers."""

    _connection: Connection

    def peer_by_subject(self, subject: bytes) -> Peer | None:
        return _PEER.one(self._connection, _BY_SUBJECT, subject)

    def peers_by_subject(self, subjects: Iterable[bytes]) -> dict[bytes, Peer]:
        found = map(_PEER.load, _BY_SUBJECTS.rows(self._connection, subjects))
        return {peer.subject: peer for peer in found}

    def peer(self, app_id: str, peer_id: str) -> Peer | None:
        """One that counts, and of several the first who came, should two claim the same peer id."""
        return _PEER.one(self._connection, _BY_PEER_ID, app_id, peer_id)

    def peers(self, session_id: str) -> list[Peer]:
        """By their joins, ties by peer id."""
        return _PEER.all(self._connection, _OF_SESSION, session_id)

    def list_peers(self, asked: PeerFilter, page: Page, now: int) -> tuple[list[Peer], int]:
        """``search`` looks in peer id, custom participant id and display name."""
        shown: sa.ColumnElement[bool] = _COLUMN.merged_into.is_(None)
        if asked.include_attempts:
            shown = sa.or_(shown, _COLUMN.merged_into == ATTEMPT)
        where: list[sa.ColumnElement[bool]] = [_COLUMN.session_id == asked.session_id, shown]
        if asked.search:
            where.append(holds(_COLUMN.searchable, asked.search))
        by: sa.ColumnElement[Any] = _COLUMN.joined_at
        if asked.sort_by == "duration":
            stayed = sa.func.coalesce(_COLUMN.left_at, now) - _COLUMN.joined_at
            by = sa.case((stayed < 0, 0), else_=stayed)
        order = (by.desc() if asked.descending else by.asc(), _COLUMN.peer_id, _COLUMN.subject)
        return _PEER.page(self._connection, where, order, page)

    def put_peer(self, *peers: Peer) -> None:
        """Many at once are one way to PostgreSQL and back."""
        rows = [_PUT.values(peer, searchable=_searchable(peer)) for peer in peers]
        _PUT.run_all(self._connection, rows)

    def peers_called(self, app_id: str, name: str, user_ids: list[str]) -> list[Peer]:
        """Reads the table from end to end: for rare questions."""
        found = {
            peer.subject: peer
            for called in {name, *user_ids}
            for peer in _PEER.all(self._connection, _CALLED, app_id, called, called)
        }
        return list(found.values())

    def drop_peer(self, subject: bytes) -> None:
        self._connection.raw.execute("DELETE FROM peers WHERE subject = ?", (subject,))
        self._connection.raw.execute("DELETE FROM talk_times WHERE subject = ?", (subject,))

    def silent_peers(
        self, before: int, limit: int, servers_before: int = 0, *, moved_before: int = NEVER
    ) -> list[Peer]:
        """The longest silent first."""
        values = (before, moved_before, before, servers_before, limit)
        return _PEER.all(self._connection, _SILENT, *values)

    def peers_ahead(self, ahead: int, limit: int) -> list[Peer]:
        """A look at every connected peer."""
        return _PEER.all(self._connection, _AHEAD, ahead, ahead, ahead, limit)

    def count_peers(self, session_id: str) -> int:
        """From the index alone."""
        return int(self._connection.raw.execute(_COUNT, (session_id,)).fetchone()[0])

    def first_peer(self, session_id: str) -> Peer | None:
        return next(iter(_PEER.all(self._connection, _FIRST, session_id, 1)), None)

    def last_peer(self, session_id: str) -> Peer | None:
        """A look at each of the session: for when nobody is there any more."""
        return next(iter(_PEER.all(self._connection, _LAST, session_id, 1)), None)


def _searchable(peer: Peer) -> str:
    return searchable(peer.peer_id, peer.custom_participant_id, peer.display_name)
