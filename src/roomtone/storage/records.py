"""SqlRecords: the records port on a :class:`Database`, file or memory."""

import asyncio
from collections.abc import Callable, Hashable
from typing import TypeVar

from roomtone.ports.records import Transaction
from roomtone.ports.vitals import Vitals
from roomtone.storage.artifacts import SqlArtifacts
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database
from roomtone.storage.digests import SqlDigests
from roomtone.storage.inlets import SqlInlets
from roomtone.storage.peers import SqlPeerRows
from roomtone.storage.quarantine import SqlQuarantine
from roomtone.storage.reports import SqlReports
from roomtone.storage.rooms import SqlRooms
from roomtone.storage.sessions import SessionList, SqlSessionRows, Unloaded
from roomtone.storage.talk_times import SqlTalkTimes
from roomtone.storage.tenants import SqlTenants
from roomtone.storage.vitals import vitals
from roomtone.storage.webhooks import SqlHooks
from roomtone.storage.words import SqlWords

T = TypeVar("T")

_CURSOR = "SELECT position FROM cursors WHERE name = ?"
_SET_CURSOR = (
    "INSERT INTO cursors (name, position) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET position = excluded.position"
)


class SqlSessions(SqlSessionRows, SqlPeerRows):
    """See :class:`roomtone.ports.records.Sessions`."""


class SqlTransaction:
    """What a function sees of the records. The nouns are made as they are asked for."""

    __slots__ = ("_connection", "_listing")

    def __init__(self, connection: Connection, listing: SessionList) -> None:
        self._connection = connection
        self._listing = listing

    @property
    def tenants(self) -> SqlTenants:
        return SqlTenants(self._connection)

    @property
    def rooms(self) -> SqlRooms:
        return SqlRooms(self._connection)

    @property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._connection, self._listing)

    @property
    def reports(self) -> SqlReports:
        return SqlReports(self._connection)

    @property
    def quarantine(self) -> SqlQuarantine:
        return SqlQuarantine(self._connection)

    @property
    def hooks(self) -> SqlHooks:
        return SqlHooks(self._connection)

    @property
    def words(self) -> SqlWords:
        return SqlWords(self._connection)

    @property
    def artifacts(self) -> SqlArtifacts:
        return SqlArtifacts(self._connection)

    @property
    def talk(self) -> SqlTalkTimes:
        return SqlTalkTimes(self._connection)

    @property
    def inlets(self) -> SqlInlets:
        return SqlInlets(self._connection)

    @property
    def digests(self) -> SqlDigests:
        return SqlDigests(self._connection)

    def vitals(self) -> Vitals:
        """See the port."""
        return vitals(self._connection)

    def cursor(self, name: str) -> int:
        """A named position, 0 at first."""
        found = self._connection.raw.execute(_CURSOR, (name,)).fetchone()
        return 0 if found is None else int(found[0])

    def set_cursor(self, name: str, position: int) -> None:
        """Move it."""
        self._connection.raw.execute(_SET_CURSOR, (name, position))


class SqlRecords:
    """See :mod:`roomtone.ports.records`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listing = SessionList()
        self._loading: asyncio.Future[None] | None = None

    async def read(self, ask: Callable[[Transaction], T]) -> T:
        """Run on a consistent view; again if it asked for the list of sessions before there was
        one."""
        kind = getattr(ask, "__code__", None)
        while True:
            try:
                return await self._database.read(
                    lambda c: ask(SqlTransaction(c, self._listing)), kind
                )
            except Unloaded:
                await self._loaded()

    async def _loaded(self) -> None:
        """Wait until the list is in memory. However many wait, they take one reader's thread."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._database.read(self._listing.load))
        # Who goes away does not stop it for the others.
        await asyncio.shield(self._loading)

    def peek(self, ask: Callable[[Transaction], T]) -> T:
        """Run at once on this thread: for look-ups by key."""
        return self._database.peek(lambda c: ask(SqlTransaction(c, self._listing)))

    def version(self) -> Hashable:
        """What is equal as long as nothing was committed."""
        return self._database.version()

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run in a durable transaction, which others that wait may share."""
        return await self._database.write(lambda c: change(SqlTransaction(c, self._listing)))
