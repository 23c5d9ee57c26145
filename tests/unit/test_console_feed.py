"""The feed tells every listener of an app what changed in it, once, soon, and nothing of others."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from roomtone.model.errors import Failed, TooMany
from roomtone.model.limits import MAX_LIVE_ROWS_KEPT
from roomtone.model.sessions import Session
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords
from roomtone.web.console import feed as feeds
from roomtone.web.console.feed import HEARTBEAT, HELLO, RESET, Feed


class Room:
    """Records in memory and a feed over them."""

    def __init__(self) -> None:
        self.records = SqlRecords(Database.open(":memory:"))
        self.read = 0
        self.feed = Feed(self.records, self._encode)

    def _encode(self, _: Any, sessions: list[Session]) -> list[bytes]:
        self.read += len(sessions)
        return [
            json.dumps({"id": one.id, "live": one.live_participants}).encode() for one in sessions
        ]

    async def put(self, session_id: str, live: int = 0, app: str = "app") -> None:
        session = Session(
            id=session_id,
            app_id=app,
            meeting_id=f"m-{session_id}",
            title=session_id,
            live_participants=live,
            started_at=1,
            created_at=1,
            updated_at=1,
        )
        await self.records.write(lambda tx: tx.sessions.put_session(session))

    async def listen(self, app: str = "app", last_id: int | None = None) -> "Ear":
        ear = Ear(await self.feed.listen(app, last_id, lambda: True))
        assert await ear.hear() == HELLO
        return ear


class Ear:
    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self.events = events

    async def hear(self, patience_s: float = 3.0) -> bytes:
        return await asyncio.wait_for(anext(self.events), patience_s)

    async def rows(self) -> list[tuple[int, dict[str, Any]]]:
        blocks = (await self.hear()).decode().strip().split("\n\n")
        rows = []
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            assert fields["event"] == "session"
            rows.append((int(fields["id"]), json.loads(fields["data"])))
        return rows

    async def close(self) -> None:
        await self.events.aclose()  # type: ignore[attr-defined]


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "LOOK_S", 0.02)


def test_a_change_is_told_once_to_each_listener_and_read_once_for_all():
    async def work() -> None:
        room = Room()
        await room.put("before")
        ears = [await room.listen() for _ in range(20)]
        await room.put("one", live=1)

        for told in await asyncio.gather(*(ear.rows() for ear in ears)):
            assert [row for _, row in told] == [{"id": "one", "live": 1}]
        assert room.read == 1

    run(work)


def test_another_apps_changes_are_not_told():
    async def work() -> None:
        room = Room()
        mine, other = await room.listen("mine"), await room.listen("other")
        await room.put("theirs", app="other")
        await room.put("unheard", app="nobody")
        assert [row["id"] for _, row in await other.rows()] == ["theirs"]
        await room.put("ours", app="mine")
        assert [row["id"] for _, row in await mine.rows()] == ["ours"]

    run(work)


def test_who_comes_back_hears_what_was_missed():
    async def work() -> None:
        room = Room()
        ear = await room.listen()
        await room.put("one")
        ((last_id, _),) = await ear.rows()
        await ear.close()
        await room.put("two")
        await room.put("three")

        again = await room.listen(last_id=last_id)
        heard: list[str] = []
        while len(heard) < 2:
            heard += [row["id"] for _, row in await again.rows()]
        assert heard == ["two", "three"]

    run(work)


def test_who_missed_more_than_is_kept_is_told_to_read_the_list():
    async def work() -> None:
        room = Room()
        ear = await room.listen()
        await room.put("first")
        ((last_id, _),) = await ear.rows()
        await ear.close()
        for number in range(MAX_LIVE_ROWS_KEPT + 1):
            await room.put(f"s{number}")
        steady = await room.listen()
        await room.put("latest")
        while (await steady.rows())[-1][1]["id"] != "latest":
            pass

        again = await room.listen(last_id=last_id)
        assert await again.hear() == RESET

    run(work)


def test_the_loop_ends_when_nobody_listens_and_begins_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "IDLE_LOOKS", 2)

    async def work() -> None:
        room = Room()
        ear = await room.listen()
        await room.put("one")
        ((last_id, _),) = await ear.rows()
        await ear.close()
        await asyncio.sleep(0.3)
        assert room.feed._loop is None
        await room.put("unseen")

        again = await room.listen(last_id=last_id)
        assert await again.hear() == RESET
        await room.put("two")
        assert [row["id"] for _, row in await again.rows()] == ["two"]

    run(work)


def test_a_stream_ends_when_its_listener_is_not_welcome_any_more():
    async def work() -> None:
        room = Room()
        welcome = [True]
        stream = await room.feed.listen("app", None, lambda: welcome[0])
        assert await anext(stream) == HELLO
        welcome[0] = False
        await room.put("secret")

        assert [piece async for piece in stream] == []

    run(work)


def test_a_quiet_stream_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "HEARTBEAT_S", 0.05)

    async def work() -> None:
        ear = await Room().listen()
        assert await ear.hear() == HEARTBEAT

    run(work)


def test_every_stream_ends_when_the_server_stops():
    async def work() -> None:
        room = Room()
        ears = [await room.listen() for _ in range(3)]
        waiting = [asyncio.ensure_future(anext(ear.events)) for ear in ears]
        await asyncio.sleep(0.05)
        room.feed.close()

        for ended in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(ended, StopAsyncIteration)

    run(work)


def test_listeners_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "MAX_LIVE_LISTENERS", 2)

    async def work() -> None:
        room = Room()
        first, _ = await room.listen(), await room.listen()
        with pytest.raises(TooMany):
            await room.listen()
        await first.close()
        await room.listen()

    run(work)


def test_a_thousand_idle_listeners_cost_no_reads():
    async def work() -> None:
        room = Room()
        ears = [await room.listen(f"app{number % 10}") for number in range(1000)]
        asks = 0
        read = room.records.read

        async def counting(ask: Any) -> Any:
            nonlocal asks
            asks += 1
            return await read(ask)

        room.records.read = counting  # type: ignore[method-assign]
        await asyncio.sleep(0.5)
        assert asks == 0
        await room.put("one", app="app3")
        assert (await ears[3].rows())[0][1]["id"] == "one"
        assert asks == 1

    run(work)


def test_an_outage_of_the_database_ends_streams_and_no_task_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(_: Any) -> None:
        raise Failed("PostgreSQL: it did not answer a moment ago", "Start it.")

    async def listen() -> list[dict[str, Any]]:
        unheard: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: unheard.append(told))
        room = Room()
        ear = await room.listen()
        with monkeypatch.context() as patched:
            patched.setattr(room.records, "read", away)
            await room.put("while it is away")
            with pytest.raises(StopAsyncIteration):
                await ear.hear()
        gc.collect()  # a task whose error nobody took says so when it goes
        again = await room.listen()
        await room.put("afterwards")
        assert [row["id"] for _, row in await again.rows()] == ["afterwards"]
        return unheard

    assert asyncio.run(listen()) == []
