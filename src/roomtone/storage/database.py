"""Database: one SQLite file, memory, or a PostgreSQL database, with a few verbs.

``write``  a function in a durable transaction, on the one writer's thread (group_commit.py)
``read``   a function on a consistent view, on one of a few reader threads; with SQLite at once,
           where it is known to be short (at_once.py)
``peek``   a look-up by key, at once on the caller's thread: some ten microseconds with SQLite

A database in memory is one connection behind a lock, since SQLite's own shared memory locks whole
tables and waits for nobody. It keeps the same promises, but for surviving anything.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from roomtone.ports.cipher import Cipher
from roomtone.storage.at_once import AtOnce
from roomtone.storage.ciphers import CLEAR
from roomtone.storage.connections import (
    MEMORY,
    Connection,
    Explained,
    Row,
    SqliteConnection,
    create_private,
)
from roomtone.storage.group_commit import GroupCommit
from roomtone.storage.schema import ensure

R = TypeVar("R")

MAPPED_BYTES = 256 * 1024 * 1024
READERS = 4
"""Threads that read: a database is rarely what a reader waits for, so a few do."""
POSTGRES = ("postgresql://", "postgres://")
_PROBE = (
    "INSERT INTO cursors (name, position) VALUES ('storage.probe', 1) "
    "ON CONFLICT (name) DO UPDATE SET position = cursors.position + 1"
)
"""Changes a page, so that it has to reach the disk."""


def connected(name: str) -> Connection:
    """One connection to a file or to PostgreSQL, whatever its tables. Raises Failed."""
    with Explained():
        if name.startswith(POSTGRES):
            from roomtone.storage.postgres import PostgresConnection

            return PostgresConnection(name)
        create_private(Path(name))
        return SqliteConnection(name)


class Database(ABC):
    """Open with :meth:`open`; close with :meth:`close`."""

    shared = False
    """Whether several processes work on it."""

    def __init__(
        self, writer: Connection, peeker: Connection, readers: list[Connection], *, short_way: bool
    ) -> None:
        self._writer = GroupCommit(writer, short_way=short_way)
        self._peeker = peeker
        self._connections = {id(c): c for c in (writer, peeker, *readers)}
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for reader in readers:
            self._idle.put(reader)
        self._pool = ThreadPoolExecutor(len(readers), thread_name_prefix="roomtone-reader")
        self._at_once = AtOnce() if short_way else None
        self.cipher: Cipher = CLEAR
        self.write = self._writer.write
        self.write_together = self._writer.write_together

    @classmethod
    def open(cls, place: Path | str) -> "Database":
        """Open a file, ``":memory:"`` or ``postgresql://…``. Raises Failed.

        A new one gets its tables. A file is migrated as needed; PostgreSQL, which others may use
        at this moment, only by ``roomtone migrate``.
        """
        name = str(place)
        if name.startswith(POSTGRES):
            from roomtone.storage.postgres_database import PostgresDatabase

            return PostgresDatabase(name)
        return SqliteDatabase(name)

    def encrypt_with(self, cipher: Cipher) -> None:
        """Write and read words so; to be called before anything else is asked for."""
        self.cipher = cipher
        for connection in self._connections.values():
            connection.cipher = cipher

    async def read(self, run: Callable[[Connection], R], kind: Hashable = None) -> R:
        """Run on a consistent view; what was written before the call is in it. ``kind``: what all
        reads have in common that do the same; None: this one has nothing in common with any."""
        read = partial(self._read, run)
        if self._at_once is not None and kind is not None:
            if self._at_once.may(kind):
                with suppress(Empty):
                    return self._at_once.run(kind, partial(read, wait=False))
            read = partial(self._at_once.on_a_thread, kind, read)
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)

    def _read(self, run: Callable[[Connection], R], *, wait: bool = True) -> R:
        """Raises Empty if it is not to wait, and every connection is being read from."""
        connection = self._idle.get(block=wait)
        try:
            with connection.lock, Explained():
                connection.begin_read()
                try:
                    return run(connection)
                finally:
                    if connection.in_transaction:
                        connection.rollback()
        finally:
            self._idle.put(connection)

    async def put_new(self, rows: Sequence[Row]) -> list[bool]:
        """Rows into the journal, by a shorter way than ``write_together`` if there is one; for
        each whether that stored it as new. Durable on return."""
        return [False] * len(rows)

    async def check_writes(self) -> None:
        """Raise Failed if the last write failed and another one, made now, fails too, or if one
        takes too long, or if there is nobody to write."""
        self._writer.check()
        if self._writer.failed is not None:
            await self.write(_probe)

    def peek(self, run: Callable[[Connection], R]) -> R:
        """Run at once on this thread, one view a statement: for look-ups by key."""
        with self._peeker.lock, Explained():
            return run(self._peeker)

    @abstractmethod
    async def tail(self, run: Callable[[Connection], R]) -> R:
        """Run on a view in which every number of the journal up to its largest is settled."""

    @abstractmethod
    def version(self) -> Hashable:
        """Differs once anybody, in any process, has committed anything. A few microseconds."""

    def close(self) -> None:
        """Finish what was asked for, then close every connection."""
        self._writer.close()
        self._pool.shutdown()
        for connection in self._connections.values():
            connection.close()


def _probe(connection: Connection) -> None:
    connection.raw.execute(_PROBE)


class SqliteDatabase(Database):
    """A file, or memory."""

    def __init__(self, name: str) -> None:
        if name != MEMORY:
            create_private(Path(name))
        writer = SqliteConnection(name)
        try:
            with Explained():
                ensure(writer)
            if name == MEMORY:
                # The writer's connection is everybody's.
                self._sqlite_peeker = writer
                super().__init__(writer, writer, [writer], short_way=False)
                return
            peeker = self._sqlite_peeker = SqliteConnection(name)
            # Look-ups on the event loop read pages where the system keeps them, without a copy.
            peeker.raw.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            readers: list[Connection] = [SqliteConnection(name) for _ in range(READERS)]
            super().__init__(writer, peeker, readers, short_way=True)
        except BaseException:
            writer.close()
            raise

    async def tail(self, run: Callable[[Connection], R]) -> R:
        """One writer gives numbers in the order in which it commits."""
        return self.peek(run)

    def version(self) -> tuple[int, int]:
        peeker = self._sqlite_peeker
        with peeker.lock, Explained():
            (others,) = peeker.raw.execute("PRAGMA data_version").fetchone()
            # SQLite tells of others' commits; in memory the only writer is this very connection.
            return others, peeker.raw.total_changes
