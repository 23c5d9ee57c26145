"""What could not be understood, in its table. It may be words, so all of it is encrypted where
words are: the body, and the context, by which it is seen whether the body is."""

import sqlalchemy as sa
from msgspec.structs import replace

from roomtone.ports.cipher import Cipher
from roomtone.ports.records import Page, Quarantined
from roomtone.storage import tables
from roomtone.storage.ciphers import TEXT, is_current_text
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Kept, text_of

_COLUMN = tables.quarantine.c
_ITEM = Kept(Quarantined, tables.quarantine)
_PUT = _ITEM.upsert("id")
_BY_ID = _ITEM.by("id")
_CONTEXTS = "SELECT id, context FROM quarantine WHERE id > ? ORDER BY id LIMIT ?"
QUARANTINE = "quarantine"
_DROP = text_of(sa.delete(tables.quarantine).where(_COLUMN.id == sa.bindparam("id")))


class SqlQuarantine:
    """See :class:`roomtone.ports.records.Quarantine`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_quarantined(self, item: Quarantined) -> None:
        _PUT.run(self._connection, _hidden(self._connection.cipher, item))

    def quarantined(self, app_id: str | None, page: Page) -> tuple[list[Quarantined], int]:
        """Newest first, ties by id; of every app if None."""
        where = () if app_id is None else (_COLUMN.app_id == app_id,)
        order = (_COLUMN.received_at.desc(), _COLUMN.id)
        items, total = _ITEM.page(self._connection, where, order, page)
        return [_shown(self._connection.cipher, item) for item in items], total

    def drop_quarantined(self, item_id: str) -> None:
        self._connection.raw.execute(_DROP, (item_id,))

    def renew_quarantined(self, after: str, limit: int) -> tuple[str | None, int, int]:
        """Write items behind this id as they would be written now: the last one's id, how many were
        looked at, and how many were not."""
        rows = self._connection.raw.execute(_CONTEXTS, (after, limit)).fetchall()
        old = [
            item_id
            for item_id, context in rows
            if not is_current_text(self._connection.cipher, context)
        ]
        for item_id in old:
            item = _ITEM.one(self._connection, _BY_ID, item_id)
            if item is not None:
                self.put_quarantined(_shown(self._connection.cipher, item))
        return (rows[-1][0] if rows else None), len(rows), len(old)


def _hidden(cipher: Cipher, item: Quarantined) -> Quarantined:
    if not cipher.encrypts:
        return item
    return replace(
        item,
        context=cipher.encrypt_text((QUARANTINE, item.id, "context"), item.context),
        body=cipher.encrypt((QUARANTINE, item.id, "body"), item.body),
    )


def _shown(cipher: Cipher, item: Quarantined) -> Quarantined:
    # A body in clear is whatever somebody sent: it must not pass for an encrypted one.
    if not item.context.startswith(TEXT):
        return item
    return replace(
        item,
        context=cipher.decrypt_text((QUARANTINE, item.id, "context"), item.context),
        body=cipher.decrypt((QUARANTINE, item.id, "body"), item.body),
    )
