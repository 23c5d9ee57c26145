"""Ten thousand who say nothing, and hundreds who say it as slowly as they can: a real server goes
on taking batches and answering, and they cost little memory.

What each of them may do is in tests/security/test_connections.py; here they come together.
"""

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from callers import Doors
from journey_server import JourneyServer, wait_for
from ledger import Load
from outcome import LONG, Outcome
from reads import Reads, sealed_call, waited_and_ran

pytestmark = [pytest.mark.slow]

SOCKETS = 10_000
SPARE_FILES = 1_000
AT_ONCE = 100
KB_A_SOCKET = 30
"""Of the server's memory, for a connection that has had an answer and is kept alive."""
WATCHED_S = 20.0 if LONG else 4.0
HEADS, BODIES, READERS = 300, 300, 30
"""Who sends a head, and a body, a byte now and then; who asks a lot and reads nothing."""
DRIPS_S = 60.0 if LONG else 6.0
ASKED = 400
"""Answers that a reader asks for at once, of some hundred KB."""
GIVEN_UP_S = 20.0
"""After the first byte of a head; see web/connections.py."""
GROWTH_KB = 150_000
TIMES = 5
FLOOR_MS = 25.0

HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
POST = (
    b"POST /v1/collect HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
    b"content-length: 5000\r\n\r\n"
)
ASK = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JourneyServer]:
    """A Roomtone that may open as many files as this process, which are enough for both."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, SOCKETS + SPARE_FILES)), hard))
    running = JourneyServer(tmp_path / "data").start()
    yield running
    running.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def port_of(server: JourneyServer) -> int:
    return int(server.url.rpartition(":")[2])


def open_files(server: JourneyServer) -> int:
    """Of the server; nearly all of them are connections."""
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answered(port: int) -> Pair:
    """A connection that had an answer, and is kept alive."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2_048)
    writer.write(HEAD + b"\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return reader, writer


def watched(server: JourneyServer, reads: Reads, limit_ms: float, what: str) -> None:
    """Most reads are as quick as without them, but for what other programs take of the machine."""
    before = waited_and_ran(server)
    reads.run(WATCHED_S)
    waited, ran = (b - a for a, b in zip(before, waited_and_ran(server), strict=True))
    assert reads.at(0.9) < limit_ms * (ran + waited) / ran, (what, reads.told())


def test_ten_thousand_idle_sockets(server: JourneyServer, outcome: Outcome) -> None:
    count = min(SOCKETS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES // 2)
    paths = sealed_call(server)
    idle = Reads(server, paths).run(WATCHED_S)
    files, kb = open_files(server), server.resident_kb()
    load = Load(server, Doors([server]), outcome)

    async def main() -> None:
        kept: list[Pair] = []
        began = time.monotonic()
        while len(kept) < count:
            more = min(AT_ONCE, count - len(kept))
            kept += await asyncio.gather(*(answered(port_of(server)) for _ in range(more)))
        outcome.told["opened_s"] = round(time.monotonic() - began, 1)
        held = open_files(server) - files
        outcome.told.update(held=held, kb_a_socket=(server.resident_kb() - kb) / held)
        assert held >= count
        busy = Reads(server, paths)
        limit_ms = TIMES * max(FLOOR_MS, idle.at(0.9))
        await asyncio.to_thread(watched, server, busy, limit_ms, "sockets")
        outcome.told.update(idle=idle.told(), busy=busy.told())
        for _, writer in kept:
            writer.close()

    with load:
        load.wait_for_more(20)
        asyncio.run(main())
        load.wait_for_more(20)
    outcome.add(faults=count)
    wait_for("them to be gone", lambda: open_files(server) < files + 100)
    load.settle()
    load.check()
    assert outcome.told["kb_a_socket"] < KB_A_SOCKET, outcome.told
    assert load.asked_to_wait() == 0


async def drip(port: int, begin: bytes, piece: bytes, until: float) -> float | None:
    """Begin, and go on as slowly as that; seconds until it was cut off, if it was."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        writer.write(begin)
        while time.monotonic() < until:
            writer.write(piece)
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1_000), 0.5)
                if reader.at_eof():
                    return time.monotonic() - began
        writer.close()
        return None
    return time.monotonic() - began


async def read_nothing(port: int, until: float) -> None:
    """Ask for a lot."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(ASK * ASKED)
    await asyncio.sleep(max(0.0, until - time.monotonic()))
    writer.transport.abort()


def test_who_dawdles_keeps_nobody_waiting(server: JourneyServer, outcome: Outcome) -> None:
    paths = sealed_call(server)
    idle = Reads(server, paths).run(WATCHED_S)
    token = server.invite(server.meeting(), "Slow").token.encode()
    files, kb = open_files(server), server.resident_kb()
    load = Load(server, Doors([server]), outcome)

    async def main() -> None:
        until = time.monotonic() + DRIPS_S
        port = port_of(server)
        heads = [
            asyncio.create_task(drip(port, HEAD + b"x-slow: ", b"a", until)) for _ in range(HEADS)
        ]
        bodies = [asyncio.create_task(drip(port, POST % token, b"{", until)) for _ in range(BODIES)]
        readers = [asyncio.create_task(read_nothing(port, until)) for _ in range(READERS)]
        everybody = files + 0.95 * (HEADS + BODIES + READERS)
        await asyncio.to_thread(
            wait_for, "all of them", lambda: open_files(server) >= everybody, GIVEN_UP_S / 2
        )
        busy = Reads(server, paths)
        limit_ms = TIMES * max(FLOOR_MS, idle.at(0.9))
        await asyncio.to_thread(watched, server, busy, limit_ms, "dawdlers")
        outcome.told.update(idle=idle.told(), busy=busy.told())
        outcome.told["grown_kb"] = max(busy.resident_kb) - kb
        ends = await asyncio.gather(*heads)
        if DRIPS_S > 2 * GIVEN_UP_S:
            outcome.told["heads_ended_s"] = max(one for one in ends if one is not None)
            assert all(one is not None and one < GIVEN_UP_S + 10 for one in ends), ends[:5]
        await asyncio.gather(*bodies, *readers)

    with load:
        load.wait_for_more(20)
        asyncio.run(main())
        load.wait_for_more(20)
    outcome.add(faults=HEADS + BODIES + READERS)
    wait_for("them to be gone", lambda: open_files(server) < files + 100)
    load.settle()
    load.check()
    assert outcome.told["grown_kb"] < GROWTH_KB, outcome.told
    assert load.asked_to_wait() == 0
