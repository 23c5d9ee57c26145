"""Webhooks, their deliveries and the keys that sign them, in their tables."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from roomtone.model.hooks import PENDING, Delivery, SigningKey, Webhook
from roomtone.ports.records import Page
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import BOOLEAN, Codec, Kept, limited, text_of


def _events(text: str) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(text, type=list[str]))


_EVENTS = Codec(lambda events: msgspec.json.encode(events).decode(), _events)

_WEBHOOK = Kept(Webhook, tables.webhooks, {"events": _EVENTS, "enabled": BOOLEAN})
_ORDER = (tables.webhooks.c.created_at, tables.webhooks.c.id)
_BY_ID = _WEBHOOK.by("id")
_OF_APP_BY_ID = _WEBHOOK.by("id", "app_id")
_OF_APP = _WEBHOOK.by("app_id", order=_ORDER)
_ALL = _WEBHOOK.by(order=_ORDER)
_PUT = _WEBHOOK.upsert("id")
_DELETE = text_of(sa.delete(tables.webhooks).where(tables.webhooks.c.id == sa.bindparam("id")))

_COLUMN = tables.deliveries.c
_DELIVERY = Kept(Delivery, tables.deliveries)
_DELIVERY_BY_ID = _DELIVERY.by("id", "webhook_id")
_NAMES = tuple(field.name for field in msgspec.structs.fields(Delivery))
_ADD = text_of(
    sqlite.insert(tables.deliveries)
    .values({name: sa.bindparam(name) for name in _NAMES})
    .on_conflict_do_nothing(index_elements=["webhook_id", "cause"])
)
_ADDED = [name for name in tables.deliveries.c.keys() if name in _NAMES]  # noqa: SIM118 - columns
_OUTCOME = (
    "status",
    "tries",
    "response_status",
    "response_body",
    "error",
    "updated_at",
    "delivered_at",
    "queued_at",
    "next_try_at",
)
_PUT_OUTCOME = (
    f"UPDATE deliveries SET {', '.join(f'{name} = ?' for name in _OUTCOME)} "  # noqa: S608
    "WHERE id = ?"
)
_NEXT = (
    text_of(
        _DELIVERY.select()
        .where(
            _COLUMN.webhook_id == sa.bindparam("webhook_id"),
            _COLUMN.status == sa.bindparam("status"),
            _COLUMN.next_try_at <= sa.bindparam("now"),
        )
        .order_by(_COLUMN.next_try_at, _COLUMN.ordinal)
    )
    + " LIMIT 1"
)
_DUE = (
    "SELECT id FROM webhooks WHERE enabled AND EXISTS (SELECT 1 FROM deliveries "
    "WHERE webhook_id = webhooks.id AND status = 'PENDING' AND next_try_at <= ?) "
    "ORDER BY created_at, id"
)
# Back to where they stood in line, so that they go out in the order in which things happened.
_HASTEN = (
    "UPDATE deliveries SET next_try_at = queued_at WHERE webhook_id = ? AND status = 'PENDING' "
    "AND tries > 0 AND response_status IS NULL"
)
_RECALL = (
    "UPDATE deliveries SET next_try_at = ? WHERE webhook_id IN (SELECT id FROM webhooks) "
    "AND status = 'PENDING' AND next_try_at > ? AND (tries = 0 OR next_try_at > ?)"
)
_REQUEUE = (
    "UPDATE deliveries SET status = 'PENDING', tries = 0, error = NULL, updated_at = ?, "
    "queued_at = ?, next_try_at = ? WHERE webhook_id = ? AND created_at BETWEEN ? AND ?"
)
_OF_SESSION = limited(
    _DELIVERY.select()
    .where(
        _COLUMN.app_id == sa.bindparam("app_id"),
        _COLUMN.session_id == sa.bindparam("session_id"),
    )
    .order_by(_COLUMN.ordinal.desc())
)
_DROP = (
    "DELETE FROM deliveries WHERE ordinal IN "
    "(SELECT ordinal FROM deliveries WHERE webhook_id = ? LIMIT ?)"
)
_DROP_OLD = (
    "DELETE FROM deliveries WHERE ordinal IN (SELECT ordinal FROM deliveries "
    "WHERE created_at < ? AND status <> 'PENDING' ORDER BY created_at LIMIT ?)"
)
_ERASE = "DELETE FROM deliveries WHERE session_id = ?"
# Causes of a peer are ``joined:<peer_id>:…`` and the like (services/hook_outbox.py); what was found
# in a session may name anybody.
_OF_PEER = " AND (replace(cause, ?, '') <> cause OR event = 'session.findings')"

_KEY = Kept(SigningKey, tables.signing_keys)
_NEWEST_KEY = _KEY.by(order=(tables.signing_keys.c.created_at.desc(), tables.signing_keys.c.id)) + (
    " LIMIT 1"
)
_PUT_KEY = _KEY.upsert("id")


class SqlHooks:
    """See :class:`roomtone.ports.records.Hooks`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def webhook(self, app_id: str, webhook_id: str) -> Webhook | None:
        return _WEBHOOK.one(self._connection, _OF_APP_BY_ID, webhook_id, app_id)

    def webhook_by_id(self, webhook_id: str) -> Webhook | None:
        return _WEBHOOK.one(self._connection, _BY_ID, webhook_id)

    def webhooks(self, app_id: str | None) -> list[Webhook]:
        if app_id is None:
            return _WEBHOOK.all(self._connection, _ALL)
        return _WEBHOOK.all(self._connection, _OF_APP, app_id)

    def put_webhook(self, webhook: Webhook) -> None:
        _PUT.run(self._connection, webhook)

    def delete_webhook(self, webhook_id: str) -> None:
        self._connection.raw.execute(_DELETE, (webhook_id,))

    def add_delivery(self, delivery: Delivery) -> bool:
        values = [getattr(delivery, name) for name in _ADDED]
        return self._connection.raw.execute(_ADD, values).rowcount > 0

    def put_delivery(self, delivery: Delivery) -> None:
        values = [getattr(delivery, name) for name in _OUTCOME]
        self._connection.raw.execute(_PUT_OUTCOME, (*values, delivery.id))

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        return _DELIVERY.one(self._connection, _DELIVERY_BY_ID, delivery_id, webhook_id)

    def deliveries(
        self, webhook_id: str, status: str | None, page: Page
    ) -> tuple[list[Delivery], int]:
        where: list[sa.ColumnElement[bool]] = [_COLUMN.webhook_id == webhook_id]
        if status is not None:
            where.append(_COLUMN.status == status)
        return _DELIVERY.page(self._connection, where, (_COLUMN.ordinal.desc(),), page)

    def session_deliveries(self, app_id: str, session_id: str, limit: int) -> list[Delivery]:
        return _DELIVERY.all(self._connection, _OF_SESSION, app_id, session_id, limit)

    def next_delivery(self, webhook_id: str, now: int) -> Delivery | None:
        return _DELIVERY.one(self._connection, _NEXT, webhook_id, PENDING, now)

    def webhooks_due(self, now: int) -> list[str]:
        return [str(row[0]) for row in self._connection.raw.execute(_DUE, (now,))]

    def recall_deliveries(self, now: int, ahead: int, far: int) -> int:
        return self._connection.raw.execute(_RECALL, (now, ahead, far)).rowcount

    def hasten_deliveries(self, webhook_id: str) -> None:
        self._connection.raw.execute(_HASTEN, (webhook_id,))

    def requeue_deliveries(self, webhook_id: str, since: int, until: int, now: int) -> int:
        values = (now, now, now, webhook_id, since, until)
        return self._connection.raw.execute(_REQUEUE, values).rowcount

    def drop_deliveries(self, webhook_id: str, limit: int) -> int:
        return self._connection.raw.execute(_DROP, (webhook_id, limit)).rowcount

    def drop_old_deliveries(self, before: int, limit: int) -> int:
        return self._connection.raw.execute(_DROP_OLD, (before, limit)).rowcount

    def erase_deliveries(self, session_id: str, peer_id: str | None = None) -> int:
        if peer_id is None:
            return self._connection.raw.execute(_ERASE, (session_id,)).rowcount
        values = (session_id, f":{peer_id}:")
        return self._connection.raw.execute(_ERASE + _OF_PEER, values).rowcount

    def signing_key(self) -> SigningKey | None:
        return _KEY.one(self._connection, _NEWEST_KEY)

    def put_signing_key(self, key: SigningKey) -> None:
        _PUT_KEY.run(self._connection, key)
