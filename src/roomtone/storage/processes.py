"""What several processes share through one database: secrets, nonces, and who works.

Beats and claims share the transactions of appends: nobody is told of them, as nobody lists them.
"""

import secrets
from functools import partial

from roomtone.model.errors import Failed
from roomtone.ports.workers import Worker
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database

SECRET_BYTES = 32
LINKS = "links"
"""The secret that signs links, invitations, tickets and cookies."""
GONE = -1

_KEEP_SECRET = "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"  # noqa: S105
_SECRET = "SELECT value FROM secrets WHERE name = ?"  # noqa: S105 - a query
_USE = "INSERT INTO used_nonces (nonce, until) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING"
_USED = "SELECT 1 FROM used_nonces WHERE nonce = ?"
_OVER = "DELETE FROM used_nonces WHERE until < ?"
_BEAT = "UPDATE workers SET beats = beats + 1 WHERE id = ? AND beats >= 0"
_JOIN = "INSERT INTO workers (id, beats) VALUES (?, 0) ON CONFLICT (id) DO NOTHING"
_WORKERS = "SELECT number, id, beats FROM workers ORDER BY number"
_LEAVE = "UPDATE workers SET beats = -1 WHERE id = ?"
_CLAIM = (
    "INSERT INTO webhook_claims (webhook_id, worker_id) VALUES (?, ?) ON CONFLICT (webhook_id) "
    "DO UPDATE SET worker_id = excluded.worker_id "
    "WHERE webhook_claims.worker_id = excluded.worker_id"
)
_CLAIMED = "SELECT 1 FROM webhook_claims WHERE webhook_id = ? AND worker_id = ?"
_RELEASE = "DELETE FROM webhook_claims WHERE webhook_id = ? AND worker_id = ?"
_RELEASE_ALL = "DELETE FROM webhook_claims WHERE worker_id = ?"
_BURY = "DELETE FROM workers WHERE id = ?"


def shared_secret(database: Database) -> bytes:
    """The secret that all processes on this database sign with; the first of them makes it."""

    return database.peek(secret_in)


def put_secret(connection: Connection, secret: bytes) -> None:
    """Sign with this from now on."""
    connection.raw.execute("DELETE FROM secrets WHERE name = ?", (LINKS,))
    connection.raw.execute(_KEEP_SECRET, (LINKS, secret))


def secret_in(connection: Connection) -> bytes:
    """The secret that is kept there, made if there is none. Raises Failed."""
    raw = connection.raw
    raw.execute(_KEEP_SECRET, (LINKS, secrets.token_bytes(SECRET_BYTES)))
    secret = bytes(raw.execute(_SECRET, (LINKS,)).fetchone()[0])
    if len(secret) != SECRET_BYTES:
        raise Failed(
            "The secret that signs links is damaged.",
            "Delete its row from the table secrets: links given out before then end.",
        )
    return secret


class SharedNonces:
    """Nonces that are used up in every process as soon as they are in one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, nonce: str, until: int, now: int) -> bool:
        """Use it up; False if somebody did before. Good until then, epoch ms."""

        def put(connection: Connection) -> bool:
            connection.raw.execute(_OVER, (now,))
            return connection.raw.execute(_USE, (nonce, until)).rowcount > 0

        return self._database.peek(put)

    def used(self, nonce: str) -> bool:
        """Whether it is used up."""
        return self._database.peek(
            lambda connection: connection.raw.execute(_USED, (nonce,)).fetchone() is not None
        )


class SqlWorkers:
    """See :class:`roomtone.ports.workers.Workers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, worker_id: str) -> list[Worker]:
        """See the port."""
        return await self._database.write_together(_beat, worker_id)

    async def leave(self, worker_id: str) -> None:
        """See the port."""
        await self._database.write_together(_leave, worker_id)

    async def bury(self, worker_id: str) -> None:
        """See the port."""
        await self._database.write_together(_bury, worker_id)

    async def claim(self, worker_id: str, webhook_id: str) -> bool:
        """See the port."""
        return await self._database.write_together(_claim, (webhook_id, worker_id))

    async def release(self, worker_id: str, webhook_id: str) -> None:
        """See the port."""
        await self._database.write_together(_release, (webhook_id, worker_id))

    def holds(self, worker_id: str, webhook_id: str) -> bool:
        """See the port."""
        return self._database.peek(partial(_holds, worker_id, webhook_id))


def _beat(connection: Connection, ids: list[str]) -> list[list[Worker]]:
    raw = connection.raw
    for worker_id in ids:
        if raw.execute(_BEAT, (worker_id,)).rowcount == 0:
            raw.execute(_JOIN, (worker_id,))
    found = [Worker(*row) for row in raw.execute(_WORKERS).fetchall()]
    return [found for _ in ids]


def _leave(connection: Connection, ids: list[str]) -> list[None]:
    for worker_id in ids:
        connection.raw.execute(_LEAVE, (worker_id,))
        connection.raw.execute(_RELEASE_ALL, (worker_id,))
    return [None for _ in ids]


def _bury(connection: Connection, ids: list[str]) -> list[None]:
    for worker_id in ids:
        connection.raw.execute(_RELEASE_ALL, (worker_id,))
        connection.raw.execute(_BURY, (worker_id,))
    return [None for _ in ids]


def _claim(connection: Connection, claims: list[tuple[str, str]]) -> list[bool]:
    return [connection.raw.execute(_CLAIM, claim).rowcount > 0 for claim in claims]


def _release(connection: Connection, claims: list[tuple[str, str]]) -> list[None]:
    for claim in claims:
        connection.raw.execute(_RELEASE, claim)
    return [None for _ in claims]


def _holds(worker_id: str, webhook_id: str, connection: Connection) -> bool:
    return connection.raw.execute(_CLAIMED, (webhook_id, worker_id)).fetchone() is not None
