"""Peers in their table."""

from typing import Any

import sqlalchemy as sa

from roomtone.model.sessions import Peer
from roomtone.ports.records import Page, PeerFilter
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.encoding import decode_presence, encode_presence
from roomtone.storage.rows import Codec, Kept, holds, limited, searchable, text_of

_COLUMN = tables.peers.c
_PEER = Kept(Peer, tables.peers, {"presence": Codec(encode_presence, decode_presence)})
_BY_SUBJECT = _PEER.by("subject")
_BY_PEER_ID = _PEER.by("app_id", "peer_id", order=(_COLUMN.created_at, _COLUMN.subject))
_OF_SESSION = _PEER.by("session_id", order=(_COLUMN.joined_at, _COLUMN.peer_id, _COLUMN.subject))
_SILENT = limited(
    _PEER.select()
    .where(
        _COLUMN.left_at.is_(None),
        _COLUMN.last_sign_at < sa.bindparam("before"),
        sa.or_(_COLUMN.vouched_at.is_(None), _COLUMN.vouched_at < sa.bindparam("before_too")),
    )
    .order_by(_COLUMN.last_sign_at, _COLUMN.subject)
)
_STAYS = text_of(
    sa.select(_COLUMN.user_id, _COLUMN.joined_at, _COLUMN.left_at)
    .where(_COLUMN.session_id == sa.bindparam("session_id"))
    .order_by(_COLUMN.joined_at, _COLUMN.peer_id)
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

    def peer(self, app_id: str, peer_id: str) -> Peer | None:
        """The first who came, should two claim the same peer id."""
        return _PEER.one(self._connection, _BY_PEER_ID, app_id, peer_id)

    def peers(self, session_id: str) -> list[Peer]:
        """By their joins, ties by peer id."""
        return _PEER.all(self._connection, _OF_SESSION, session_id)

    def list_peers(self, asked: PeerFilter, page: Page, now: int) -> tuple[list[Peer], int]:
        """``search`` looks in peer id, custom participant id and display name."""
        where: list[sa.ColumnElement[bool]] = [_COLUMN.session_id == asked.session_id]
        if asked.search:
            where.append(holds(_COLUMN.searchable, asked.search))
        by: sa.ColumnElement[Any] = _COLUMN.joined_at
        if asked.sort_by == "duration":
            stayed = sa.func.coalesce(_COLUMN.left_at, now) - _COLUMN.joined_at
            by = sa.case((stayed < 0, 0), else_=stayed)
        order = (by.desc() if asked.descending else by.asc(), _COLUMN.peer_id, _COLUMN.subject)
        return _PEER.page(self._connection, where, order, page)

    def put_peer(self, peer: Peer) -> None:
        found_by = searchable(peer.peer_id, peer.custom_participant_id, peer.display_name)
        _PUT.run(self._connection, peer, searchable=found_by)

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

    def silent_peers(self, before: int, limit: int) -> list[Peer]:
        """The longest silent first."""
        return _PEER.all(self._connection, _SILENT, before, before, limit)

    def stays(self, session_id: str) -> list[tuple[str, int, int | None]]:
        """By their joins."""
        return self._connection.raw.execute(_STAYS, (session_id,)).fetchall()
