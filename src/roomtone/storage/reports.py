"""Sealed reports in their table."""

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from roomtone.ports.records import StoredReport
from roomtone.storage import report_tables, tables
from roomtone.storage.connections import Connection
from roomtone.storage.report_packing import unpack_report
from roomtone.storage.rows import Codec, Kept, limited, text_of

_COLUMN = tables.reports.c
_COPIED = [column.name for column in report_tables.previous_reports.columns]
_BODY = {"body": Codec(bytes, unpack_report)}
_REPORT = Kept(StoredReport, tables.reports, _BODY)
# Should two peers claim the same peer id, the report is of the one that ``Sessions.peer`` gives.
_BY_PEER_ID = text_of(
    _REPORT.select()
    .join_from(
        tables.reports,
        tables.peers,
        tables.peers.c.subject == _COLUMN.subject,
        isouter=True,
    )
    .where(_COLUMN.app_id == sa.bindparam("app_id"), _COLUMN.peer_id == sa.bindparam("peer_id"))
    .order_by(tables.peers.c.created_at.nulls_last(), _COLUMN.subject)
)
# The hot path of the whole API: one statement, so that an unsealed session's reports cannot slip
# through between two.
_OF_SEALED = (
    _REPORT.select()
    .join_from(
        tables.reports,
        tables.sessions,
        tables.sessions.c.id == _COLUMN.session_id,
    )
    .where(
        _COLUMN.app_id == sa.bindparam("app_id"),
        _COLUMN.peer_id == sa.bindparam("peer_id"),
        tables.sessions.c.sealed_at.is_not(None),
    )
)
_SEALED = text_of(_OF_SEALED)
_SEALED_AS_SENT = text_of(_OF_SEALED.where(_COLUMN.unpacked_since.is_not(None)))
_UNPACKED = limited(
    _REPORT.select()
    .where(_COLUMN.unpacked_since < sa.bindparam("before"))
    .order_by(_COLUMN.unpacked_since)
)
_PUT = _REPORT.upsert("subject", "unpacked_since")
# If another report was put in its place meanwhile, that one stands.
_PACK = (
    "UPDATE reports SET body = ?, unpacked_since = NULL "
    "WHERE subject = ? AND sealed_at = ? AND body = ?"
)
_DROP = text_of(sa.delete(tables.reports).where(_COLUMN.subject == sa.bindparam("subject")))
_BEFORE = report_tables.previous_reports.c
_PREVIOUS = Kept(StoredReport, report_tables.previous_reports, _BODY)
_PREVIOUS_BY_PEER_ID = _PREVIOUS.by("app_id", "peer_id", order=(_BEFORE.subject,))
_KEPT = sqlite.insert(report_tables.previous_reports).from_select(
    _COPIED,
    sa.select(*(_COLUMN[name] for name in _COPIED)).where(
        _COLUMN.subject == sa.bindparam("subject"), _COLUMN.model != sa.bindparam("model")
    ),
)
_KEEP_PREVIOUS = text_of(
    _KEPT.on_conflict_do_update(
        index_elements=["subject"],
        set_={name: _KEPT.excluded[name] for name in _COPIED if name != "subject"},
    )
)
_DROP_PREVIOUS = text_of(
    sa.delete(report_tables.previous_reports).where(_BEFORE.subject == sa.bindparam("subject"))
)


class SqlReports:
    """See :class:`roomtone.ports.records.Reports`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def report(self, app_id: str, peer_id: str) -> StoredReport | None:
        return _REPORT.one(self._connection, _BY_PEER_ID, app_id, peer_id)

    def sealed_report(self, app_id: str, peer_id: str) -> StoredReport | None:
        return _REPORT.one(self._connection, _SEALED, app_id, peer_id)

    def sealed_as_sent(self, app_id: str, peer_id: str) -> StoredReport | None:
        return _REPORT.one(self._connection, _SEALED_AS_SENT, app_id, peer_id)

    def unpacked_reports(self, before: int, limit: int) -> list[StoredReport]:
        return _REPORT.all(self._connection, _UNPACKED, before, limit)

    def pack_report(self, report: StoredReport, packed: bytes | None) -> None:
        body = report.body if packed is None else packed
        told = (body, report.subject, report.sealed_at, report.body)
        self._connection.raw.execute(_PACK, told)

    def put_report(self, report: StoredReport) -> None:
        self._connection.raw.execute(_KEEP_PREVIOUS, (report.subject, report.model))
        _PUT.run(self._connection, report, unpacked_since=report.sealed_at)

    def previous_report(self, app_id: str, peer_id: str) -> StoredReport | None:
        return _PREVIOUS.one(self._connection, _PREVIOUS_BY_PEER_ID, app_id, peer_id)

    def drop_report(self, subject: bytes) -> None:
        self._connection.raw.execute(_DROP, (subject,))
        self.drop_previous_report(subject)

    def drop_previous_report(self, subject: bytes) -> None:
        self._connection.raw.execute(_DROP_PREVIOUS, (subject,))
