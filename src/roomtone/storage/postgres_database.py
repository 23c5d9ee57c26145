"""A database on PostgreSQL; psycopg is imported only where one is used."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from roomtone.storage.connections import Connection, Explained, Row
from roomtone.storage.database import READERS, Database
from roomtone.storage.listening import Listening
from roomtone.storage.postgres import PostgresConnection
from roomtone.storage.postgres_appends import Appends
from roomtone.storage.schema import ensure_current

R = TypeVar("R")


class PostgresDatabase(Database):
    """Shared by as many processes as its ``max_connections`` carries: each holds nine."""

    shared = True

    def __init__(self, url: str) -> None:
        with Explained():
            writer = PostgresConnection(url)
            ensure_current(writer)
            self._looker = peeker = PostgresConnection(url)
            self._tailer = PostgresConnection(url)
            readers: list[Connection] = [PostgresConnection(url) for _ in range(READERS)]
        self._listening = Listening(url, self._renew_looker)
        self._appends = Appends(url, writer.slow_hint)
        super().__init__(writer, peeker, readers, short_way=False)

    def peek(self, run: Callable[[Connection], R]) -> R:
        """A round trip to the database on the caller's thread: for what cannot wait.

        That thread is the event loop's, so it never waits for a connection to be made: one that
        was lost is made anew by the listener as soon as the database is back.
        """
        with self._looker.lock, Explained():
            self._looker.check()
            return run(self._looker)

    def _renew_looker(self) -> None:
        with self._looker.lock:
            self._looker.renew()

    async def tail(self, run: Callable[[Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._tail, run)

    def _tail(self, run: Callable[[Connection], R]) -> R:
        with self._tailer.lock, Explained():
            self._tailer.begin_settled()
            try:
                return run(self._tailer)
            finally:
                if self._tailer.in_transaction:
                    self._tailer.rollback()

    async def put_new(self, rows: Sequence[Row]) -> list[bool]:
        return await self._appends.put(rows)

    async def check_writes(self) -> None:
        self._appends.pace.check()
        await super().check_writes()

    def version(self) -> int:
        return self._listening.version()

    def close(self) -> None:
        self._appends.close()
        super().close()
        self._listening.close()
        self._tailer.close()
