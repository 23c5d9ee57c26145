"""An empty database of any kind, for the suites that every adapter must pass."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_bytes
from uuid import uuid4

from parts import nats_url, require
from roomtone.ports.journal import Journal
from roomtone.storage.database import Database
from roomtone.storage.jetstream import Stream
from roomtone.storage.journal import SqlJournal
from roomtone.storage.journal_jetstream import JetStreamJournal
from roomtone.storage.keyring import KEY_BYTES, Keys
from roomtone.storage.memory import MemoryJournal
from shared_database import postgres_url

ENCRYPTED = " encrypted"


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[Database]:
    """An empty database: ``sqlite``, ``sqlite in memory`` or ``postgresql``; ``… encrypted``: with
    words under a key."""
    kind, encrypted = kind.removesuffix(ENCRYPTED), kind.endswith(ENCRYPTED)
    with ExitStack() as stack:
        if kind == "postgresql":
            require("postgresql")
            place: Path | str = stack.enter_context(postgres_url())
        else:
            place = folder / "test.db" if kind == "sqlite" else ":memory:"
        database = Database.open(place)
        if encrypted:
            database.encrypt_with(Keys([token_bytes(KEY_BYTES)]))
        try:
            yield database
        finally:
            database.close()


@contextmanager
def journal_of(kind: str, folder: Path) -> Iterator[Journal]:
    """An empty journal: ``memory``, ``jetstream``, or of a database's kind."""
    if kind == "memory":
        yield MemoryJournal()
        return
    with database_of(kind.replace("jetstream", "sqlite"), folder) as database:
        if not kind.startswith("jetstream"):
            yield SqlJournal(database)
            return
        require("nats")
        stream = Stream(nats_url(), f"test{uuid4().hex[:12]}", 1)
        try:
            yield JetStreamJournal(stream, database)
        finally:
            asyncio.run(_drop(stream))


async def _drop(stream: Stream) -> None:
    context = await stream.context()
    await context.delete_stream(stream.name)
    await stream.close()
