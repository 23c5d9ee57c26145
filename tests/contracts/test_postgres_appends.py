"""What many append at once goes into PostgreSQL from the event loop; all that is not plainly new,
or that cannot go that way, goes the long one, and nobody can tell."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from struct import pack
from threading import Thread
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import uvloop

from databases import require
from roomtone.model.errors import Failed
from roomtone.model.facts import Snapshot
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.storage import pace
from roomtone.storage.journal import SqlJournal
from roomtone.storage.postgres import APPENDING
from roomtone.storage.postgres_appends import MAX_ROWS
from roomtone.storage.postgres_database import PostgresDatabase
from shared_database import postgres_url

T0 = 1_700_000_000_000
WITHIN_S = 10.0
TIMES = 12
FOR_EVER = 1 << 60
PEOPLE = [Subject("app", "meeting", f"person-{n}", f"peer-{n}") for n in range(40)]
_FAREWELL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
FAREWELL = b"E" + pack("!i", 4 + len(_FAREWELL)) + _FAREWELL
"""An ErrorResponse of PostgreSQL's protocol."""
_WAITING = (
    "FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock' "
    "AND wait_event = 'advisory' AND query LIKE '%%roomtone_append%%'"
)
"""Of this test alone: others work on the same server."""


class World:
    """A journal on PostgreSQL, and which rows took the long way."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.name = f"appends-{uuid4().hex}"
        self.database = PostgresDatabase(f"{url}&application_name={self.name}")
        self.journal = SqlJournal(self.database)
        self.long_way = 0
        write_together = self.database.write_together

        def counted(run, items):  # type: ignore[no-untyped-def]
            self.long_way += len(items)
            return write_together(run, items)

        monkeypatch.setattr(self.database, "write_together", counted)

    async def connected(self) -> None:
        """Everybody is known, and the short way is open."""
        await self.journal.append([batch(subject, "s:0") for subject in PEOPLE])
        number = 0

        async def takes_it() -> bool:
            nonlocal number
            number, before = number + 1, self.long_way
            await self.journal.append([batch(PEOPLE[0], f"connected-{self.long_way}-{number}")])
            return self.long_way == before

        await until(takes_it)
        self.long_way = 0

    async def all_positions(self) -> list[int]:
        return [entry.position for entry in await self.journal.tail(0, 10_000)]


class Relay:
    """A way to PostgreSQL that can be reset, as a router does that forgot a connection."""

    def __init__(self, url: str) -> None:
        there = urlsplit(url)
        self._there = (there.hostname or "127.0.0.1", there.port or 5432)
        self._door = socket.create_server(("127.0.0.1", 0))
        here = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.url = url.replace(there.netloc.rpartition("@")[2], here)
        self._near: list[socket.socket] = []

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def reset(self, last_words: bytes) -> None:
        """Every connection there is, after a message from the server."""
        for near in self._near:
            with suppress(OSError):
                near.sendall(last_words)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
                near.shutdown(socket.SHUT_RD)  # wakes whoever reads, who closes it
        self._near.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(self._there)
                self._near.append(near)
                for ends in ((near, far), (far, near)):
                    Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                to.sendall(data)
        with suppress(OSError):
            # To close what another thread reads from would end nothing.
            to.shutdown(socket.SHUT_RDWR)
        source.close()
        to.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await holds():  # noqa: ASYNC110 - what is waited for is PostgreSQL's
            await asyncio.sleep(0.01)


def batch(subject: Subject, key: str, t: int = 0) -> Batch:
    return Batch(subject, key, T0, (Snapshot(T0 + t, "pc", "both", ()),), Presence(first_t=T0))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    require("postgresql")
    with postgres_url() as url:
        made = World(url, monkeypatch)
        yield made
        made.database.close()


def test_batches_of_known_peers_take_the_short_way_however_many_there_are(world: World) -> None:
    async def story() -> None:
        await world.connected()
        before = len(await world.all_positions())
        sent = [batch(one, f"s:{n}") for n in range(1, 6) for one in PEOPLE]
        told = await asyncio.gather(*(world.journal.append([one]) for one in sent))
        assert told == [[True]] * len(sent)
        assert len(sent) > MAX_ROWS
        assert world.long_way == 0
        assert len(await world.all_positions()) == before + len(sent)

    asyncio.run(story())


def test_what_came_before_or_comes_twice_at_once_is_stored_once(world: World) -> None:
    async def story() -> None:
        await world.connected()
        same = batch(PEOPLE[1], "s:9")
        told = await asyncio.gather(*(world.journal.append([same]) for _ in range(4)))
        assert sorted(told) == [[False]] * 3 + [[True]]
        mixed = [batch(PEOPLE[1], "s:10"), same, batch(PEOPLE[2], "s:9"), batch(PEOPLE[1], "s:10")]
        assert await world.journal.append(mixed) == [True, False, True, False]
        newcomer = Subject("app", "meeting", "new", "new")
        assert await world.journal.append([batch(newcomer, "s:0")]) == [True]

    asyncio.run(story())


def test_what_was_packed_is_not_stored_again(world: World) -> None:
    async def story() -> None:
        await world.connected()
        await world.journal.append([batch(PEOPLE[3], "s:1"), batch(PEOPLE[4], "s:1")])
        await world.journal.pack(PEOPLE[3].key, FOR_EVER)
        again = [batch(PEOPLE[3], "s:1"), batch(PEOPLE[3], "s:2"), batch(PEOPLE[4], "s:2")]
        assert await world.journal.append(again) == [False, True, True]
        assert await world.journal.last_seq(PEOPLE[3].key) == 2

    asyncio.run(story())


def test_a_key_that_postgresql_cannot_hold_harms_nobody_beside_it(world: World) -> None:
    async def story() -> None:
        await world.connected()
        good, nul = batch(PEOPLE[5], "s:1"), batch(PEOPLE[6], "a\0b")
        told = await asyncio.gather(
            world.journal.append([good]),
            world.journal.append([nul]),
            world.journal.append([batch(PEOPLE[7], "\ud800")]),
            return_exceptions=True,
        )
        assert told[0] == [True]
        assert isinstance(told[2], Exception)
        assert await world.journal.append([good]) == [False]

    asyncio.run(story())


def test_a_connection_that_ends_costs_nobody_their_batch(world: World) -> None:
    async def story() -> None:
        await world.connected()
        with psycopg.connect(world.url, autocommit=True) as other:
            # Held back, so that they are under way when their connection ends.
            other.execute(f"SELECT pg_advisory_lock({APPENDING})")
            first = asyncio.create_task(world.journal.append([batch(PEOPLE[8], "s:1")]))
            await until(lambda: _is_waiting(other, world.name))
            second = asyncio.create_task(world.journal.append([batch(PEOPLE[9], "s:1")]))
            await asyncio.sleep(0)
            _end_those_that_wait(other, world.name)
            await until(lambda: _is_true(world.long_way >= 2))
            other.execute(f"SELECT pg_advisory_unlock({APPENDING})")
        assert [await first, await second] == [[True], [True]]
        await world.connected()  # it is made anew

    asyncio.run(story())


@pytest.mark.parametrize("last_words", [b"", FAREWELL], ids=["silently", "with a farewell"])
def test_the_short_way_opens_again_however_often_the_network_resets_it(
    monkeypatch: pytest.MonkeyPatch, last_words: bytes
) -> None:
    """On the event loop of the server, which keeps what it watches by the descriptor's number, and
    shuts its handle when that socket has an error."""
    require("postgresql")
    failed: list[str] = []
    loop = uvloop.new_event_loop()
    loop.set_exception_handler(lambda _, told: failed.append(str(told)))
    with postgres_url() as url, Relay(url) as relay:
        world = World(relay.url, monkeypatch)

        async def story() -> None:
            for n in range(TIMES):
                await world.connected()
                relay.reset(last_words)
                before = len(await world.all_positions())
                async with asyncio.timeout(WITHIN_S):
                    await world.journal.append([batch(PEOPLE[1], f"reset {n}")])
                assert len(await world.all_positions()) == before + 1

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(story())
        world.database.close()
    assert failed == []


def test_nobody_lines_up_behind_a_statement_that_takes_too_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        await world.connected()
        monkeypatch.setattr(pace, "LATE_S", 0.05)
        with psycopg.connect(world.url, autocommit=True) as other:
            other.execute(f"SELECT pg_advisory_lock({APPENDING})")
            first = asyncio.create_task(world.journal.append([batch(PEOPLE[8], "s:1")]))
            await until(lambda: _is_waiting(other, world.name))
            await until(lambda: _is_refused(world))
            with pytest.raises(Failed):
                await world.journal.append([batch(PEOPLE[10], "s:1")])
            other.execute(f"SELECT pg_advisory_unlock({APPENDING})")
        assert await first == [True]
        await world.database.check_writes()
        assert await world.journal.append([batch(PEOPLE[9], "s:1")]) == [True]

    asyncio.run(story())


def test_another_event_loop_appends_as_well(world: World) -> None:
    asyncio.run(world.connected())
    asyncio.run(world.connected())


async def _is_true(told: bool) -> bool:
    return told


async def _is_waiting(other: psycopg.Connection, name: str) -> bool:
    return other.execute(f"SELECT count(*) {_WAITING}", (name,)).fetchone() != (0,)


def _end_those_that_wait(other: psycopg.Connection, name: str) -> None:
    ended = other.execute(f"SELECT pg_terminate_backend(pid) {_WAITING}", (name,)).fetchall()
    assert ended == [(True,)]


async def _is_refused(world: World) -> bool:
    try:
        await world.database.check_writes()
    except Failed:
        return True
    return False
