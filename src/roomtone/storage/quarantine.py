"""What could not be understood, in its table."""

import sqlalchemy as sa

from roomtone.ports.records import Page, Quarantined
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Kept, text_of

_COLUMN = tables.quarantine.c
_ITEM = Kept(Quarantined, tables.quarantine)
_PUT = _ITEM.upsert("id")
_DROP = text_of(sa.delete(tables.quarantine).where(_COLUMN.id == sa.bindparam("id")))


class SqlQuarantine:
    """See :class:`roomtone.ports.records.Quarantine`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_quarantined(self, item: Quarantined) -> None:
        _PUT.run(self._connection, item)

    def quarantined(self, app_id: str | None, page: Page) -> tuple[list[Quarantined], int]:
        """Newest first, ties by id; of every app if None."""
        where = () if app_id is None else (_COLUMN.app_id == app_id,)
        order = (_COLUMN.received_at.desc(), _COLUMN.id)
        return _ITEM.page(self._connection, where, order, page)

    def drop_quarantined(self, item_id: str) -> None:
        self._connection.raw.execute(_DROP, (item_id,))
