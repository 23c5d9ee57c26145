"""Database: one SQLite file (or memory), with three verbs.

``write``  a function in a durable transaction, on the one writer's thread (group_commit.py)
``read``   a function on a consistent view, on one of a few reader threads
``peek``   a look-up by key, at once on the caller's thread, in some ten microseconds

A database in memory is one connection behind a lock, since SQLite's own shared memory locks whole
tables and waits for nobody. It keeps the same promises, but for surviving anything.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from roomtone.storage.connections import MEMORY, Connection, Explained, create_private
from roomtone.storage.group_commit import GroupCommit
from roomtone.storage.schema import ensure

T = TypeVar("T")
R = TypeVar("R")

MAPPED_BYTES = 256 * 1024 * 1024
READERS = 4
"""Threads that read: SQLite is rarely what a reader waits for, so a few do."""


class Database:
    """Open with :meth:`open`; close with :meth:`close`."""

    def __init__(self, writer: Connection, peeker: Connection, readers: list[Connection]) -> None:
        # In memory the writer's connection is everybody's.
        self._writer = GroupCommit(writer, short_way=peeker is not writer)
        self._peeker = peeker
        self._connections = {id(c): c for c in (writer, peeker, *readers)}
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for reader in readers:
            self._idle.put(reader)
        self._pool = ThreadPoolExecutor(len(readers), thread_name_prefix="roomtone-reader")
        self.write = self._writer.write
        self.write_together = self._writer.write_together

    @classmethod
    def open(cls, path: Path | str) -> "Database":
        """Open, and create or migrate as needed; ``":memory:"`` is gone on close. Raises Failed."""
        name = str(path)
        if name != MEMORY:
            create_private(Path(path))
        writer = Connection(name)
        try:
            with Explained():
                ensure(writer)
            if name == MEMORY:
                return cls(writer, writer, [writer])
            peeker = Connection(name)
            # Look-ups on the event loop read pages where the system keeps them, without a copy.
            peeker.raw.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            return cls(writer, peeker, [Connection(name) for _ in range(READERS)])
        except BaseException:
            writer.close()
            raise

    async def read(self, run: Callable[[Connection], R]) -> R:
        """Run on a consistent view; what was written before the call is in it."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, run)

    def _read(self, run: Callable[[Connection], R]) -> R:
        connection = self._idle.get()
        try:
            with connection.lock, Explained():
                connection.raw.execute("BEGIN")
                try:
                    return run(connection)
                finally:
                    connection.raw.execute("ROLLBACK")
        finally:
            self._idle.put(connection)

    def peek(self, run: Callable[[Connection], R]) -> R:
        """Run at once on this thread, one view a statement: for look-ups by key."""
        with self._peeker.lock, Explained():
            return run(self._peeker)

    def version(self) -> tuple[int, int]:
        """Differs once anybody, in any process, has committed anything. A few microseconds."""
        peeker = self._peeker
        with peeker.lock, Explained():
            (others,) = peeker.raw.execute("PRAGMA data_version").fetchone()
            # SQLite tells of others' commits; in memory the only writer is this very connection.
            return others, peeker.raw.total_changes

    def close(self) -> None:
        """Finish what was asked for, then close every connection."""
        self._writer.close()
        self._pool.shutdown()
        for connection in self._connections.values():
            connection.close()
