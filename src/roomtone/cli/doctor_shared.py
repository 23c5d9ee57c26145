"""What ``roomtone doctor`` looks at where records or journal are shared by several processes."""

import asyncio
import re
from collections.abc import Iterator

from msgspec import Struct

from roomtone.cli.doctor_live import look_at_sealing, look_at_words_key, look_at_workers
from roomtone.cli.finding import Finding
from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.storage.connections import Connection, Explained
from roomtone.storage.database import connected
from roomtone.storage.schema import HEAD, revision_of
from roomtone.wiring.places import STREAM

A_PROCESS = 15
"""Connections of a process that works: nine of its own, five of the queues, one that listens."""
OLD_S = 300
_USED = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
_STANDBYS = (
    "SELECT count(*), count(sync_state), "
    "count(*) FILTER (WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')) "
    "FROM pg_stat_replication"
)
"""Who may not see it all sees that there are rows, and nulls in them."""
_NEEDED = re.compile(r"(?:ANY|FIRST)?\s*(\d+)\s*\(", re.IGNORECASE)
"""How many of those named a commit waits for; one, where only names are told."""
_OLDEST = (
    "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::int FROM pg_stat_activity "
    "WHERE datname = current_database() AND state <> 'idle'"
)


class _Told(Struct, frozen=True):
    """What one look at the database found."""

    revision: str | None
    version: str
    replica: bool
    synchronous: str
    awaited: str
    """Of which standbys a commit waits for some."""
    standbys: tuple[int, int, int]
    used: int
    most: int
    oldest_s: int


def look_at_postgres(settings: Settings) -> Iterator[Finding]:
    """The database that the settings name: reachable, writable, current, and with room left."""
    try:
        with Explained():
            connection = connected(settings.database)
            try:
                told = _told(connection)
                more = list(_rows(settings, connection)) if told.revision == HEAD else []
            finally:
                connection.close()
    except Failed as failed:
        yield Finding("database", False, failed.message, failed.hint)
        return
    yield Finding(
        "database",
        not told.replica,
        f"PostgreSQL {told.version}, {'a replica' if told.replica else 'the primary'}",
        "Point --database at the primary: a replica takes nothing in.",
    )
    yield Finding(
        "schema",
        told.revision == HEAD,
        f"at {told.revision or 'nothing'}, this version needs {HEAD}",
        "Run `roomtone migrate`.",
    )
    yield Finding(
        "durability",
        told.synchronous != "off",
        f"synchronous_commit = {told.synchronous}",
        "Set it to on: what was accepted must survive a loss of power.",
    )
    if told.awaited and told.synchronous not in ("off", "local"):
        yield _standbys(told)
    yield Finding(
        "connections",
        told.used + A_PROCESS <= told.most,
        f"{told.used} of {told.most} in use; each process of Roomtone takes up to {A_PROCESS}",
        "Raise max_connections, or start fewer processes.",
    )
    yield Finding(
        "transactions",
        told.oldest_s < OLD_S,
        f"the oldest is {told.oldest_s} s old",
        "Look in pg_stat_activity for who holds it: tables cannot be tidied behind it.",
    )
    yield from more
    if told.revision == HEAD:
        yield look_at_workers(settings)


def _standbys(told: _Told) -> Finding:
    """Whether there is anybody whom commits wait for."""
    rows, seen, awaited = told.standbys
    found = _NEEDED.match(told.awaited.strip())
    needed = int(found[1]) if found else 1
    unseen = rows > 0 and seen == 0
    there = "what they do cannot be seen" if unseen else f"{awaited} of them streaming"
    return Finding(
        "standbys",
        unseen or awaited >= needed,
        f"each commit waits for {needed} of {told.awaited}, {there}",
        "Until it is back nothing is accepted: start a standby, or, to go on without a copy, empty "
        "synchronous_standby_names and reload. See docs/howto/scale-out.md.",
    )


def look_at_jetstream(settings: Settings) -> Iterator[Finding]:
    """The journal that the settings name: reachable, and with as many copies as were asked for."""
    from roomtone.storage.jetstream import Stream

    async def ask() -> tuple[int, int]:
        stream = Stream(settings.journal, STREAM, settings.journal_replicas)
        try:
            context = await stream.context()
            info = await context.stream_info(STREAM)
            return info.state.messages, info.config.num_replicas or 1
        finally:
            await stream.close()

    try:
        messages, replicas = asyncio.run(ask())
    except Failed as failed:
        yield Finding("journal", False, failed.message, failed.hint)
        return
    yield Finding(
        "journal",
        replicas >= settings.journal_replicas,
        f"JetStream, {messages} fresh batches, {replicas} copies of each",
        f"The stream was made with fewer copies: `nats stream edit {STREAM} --replicas "
        f"{settings.journal_replicas}`.",
    )


def _told(connection: Connection) -> _Told:
    def one(text: str) -> str:
        return str(connection.raw.execute(text).fetchone()[0])

    return _Told(
        revision=revision_of(connection),
        version=one("SHOW server_version").split()[0],
        replica=one("SELECT pg_is_in_recovery()") == "True",
        synchronous=one("SHOW synchronous_commit"),
        awaited=one("SHOW synchronous_standby_names"),
        standbys=tuple(connection.raw.execute(_STANDBYS).fetchone()),
        used=int(one(_USED)),
        most=int(one("SHOW max_connections")),
        oldest_s=int(one(_OLDEST)),
    )


def _rows(settings: Settings, connection: Connection) -> Iterator[Finding]:
    raw = connection.raw
    (sessions,) = raw.execute("SELECT count(*) FROM sessions").fetchone()
    (waiting,) = raw.execute("SELECT count(*) FROM quarantine").fetchone()
    yield Finding("sessions", True, f"{sessions}")
    yield Finding("quarantine", True, f"{waiting} bodies that no decoder understood")
    yield look_at_sealing(connection)
    yield from look_at_words_key(settings, connection)
