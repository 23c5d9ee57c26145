"""Connections that dawdle, on real sockets: each is cut off, and nobody else waits for it."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn

from roomtone.model.limits import MAX_HEAD_BYTES
from roomtone.web import connections
from roomtone.web.connections import BoundedHttp

UPGRADE = (
    b"GET /socket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LARGE = b"x" * (32 << 20)
IDLE_SOCKETS = 10_000
SPARE_FILES = 2_000
AT_ONCE = 500


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Says hello, says a lot, reads a body, or repeats what a socket says."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (said := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": said["text"]})
        return
    assert scope["type"] == "http"
    body = {"/large": LARGE}.get(scope["path"], b"hello")
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        pass
    length = str(len(body)).encode()
    headers = [(b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Served:
    """A server on a port of its own."""

    def __init__(self, port: int, server: uvicorn.Server) -> None:
        self.port = port
        self.server = server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    @property
    def held(self) -> int:
        """Connections that the server has."""
        return len(self.server.server_state.connections)

    async def answers(self) -> float:
        """Seconds until an ordinary request is answered."""
        began = time.monotonic()
        reader, writer = await self.connect()
        writer.write(GET)
        assert (await asyncio.wait_for(reader.read(15), 10)).startswith(b"HTTP/1.1 200")
        writer.close()
        return time.monotonic() - began


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, http=BoundedHttp, lifespan="off", log_config=None, backlog=4096
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield Served(listener.getsockname()[1], server)
    finally:
        server.should_exit = server.force_exit = True
        await running


def run(scenario: Callable[[Served], Awaitable[None]]) -> None:
    async def main() -> None:
        async with served() as server:
            await asyncio.wait_for(scenario(server), 60)

    asyncio.run(main())


async def until(what: Callable[[], bool], patience_s: float = 30.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def cut(reader: asyncio.StreamReader, patience_s: float = 5.0) -> bytes:
    """What comes until the server ends the connection."""
    got = b""
    with suppress(ConnectionError):
        got = await asyncio.wait_for(reader.read(), patience_s)
    return got


def test_a_socket_outlives_the_wait_for_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)

    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        writer.write(UPGRADE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        await asyncio.sleep(1.0)
        writer.write(b"\x81\x82\0\0\0\0hi")
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x81\x02hi"

    run(scenario)


def test_who_says_nothing_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)

    async def scenario(server: Served) -> None:
        reader, _ = await server.connect()
        assert await cut(reader) == b""
        assert server.held == 0

    run(scenario)


@pytest.mark.parametrize("before", [b"", GET], ids=["first request", "second request"])
def test_a_head_that_comes_a_byte_at_a_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)

    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        if before:
            writer.write(before)
            await reader.readuntil(b"hello")
        began = time.monotonic()
        with suppress(ConnectionError):
            for byte in b"GET / HTTP/1.1\r\nx-slow: " + b"a" * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)
        assert time.monotonic() - began < 4
        await cut(reader)
        assert server.held == 0
        assert await server.answers() < 1

    run(scenario)


def test_blank_lines_are_no_request_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.4)

    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        writer.write(GET)
        await reader.readuntil(b"hello")
        with suppress(ConnectionError):
            for _ in range(60):
                writer.write(b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
            raise AssertionError("it was heard out")
        assert server.held == 0

    run(scenario)


@pytest.mark.parametrize("head", [b"GET /", b"GET / HTTP/1.1\r\nx: "], ids=["path", "header"])
def test_a_head_without_end_is_431_and_costs_no_memory(head: bytes) -> None:
    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        writer.write(head)
        sent = 0
        with suppress(ConnectionError):
            while sent < 200 * MAX_HEAD_BYTES and not reader.at_eof():
                writer.write(b"a" * 16_384)
                await writer.drain()
                await asyncio.sleep(0)
                sent += 16_384
        assert sent < 50 * MAX_HEAD_BYTES
        assert server.held == 0
        assert await server.answers() < 1

    run(scenario)


def test_a_long_but_honest_head_is_read() -> None:
    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 30_000)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"a" * 10_000 + b"\r\n\r\n")
        assert (await reader.read(15)).startswith(b"HTTP/1.1 200")

    run(scenario)


def test_requests_that_follow_each_other_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)

    async def scenario(server: Served) -> None:
        reader, writer = await server.connect()
        writer.write(GET * 5)
        for _ in range(5):
            await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        await asyncio.sleep(0.6)  # longer than a head may take: nothing has begun
        post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
        writer.write(post + b"ab")
        await asyncio.sleep(0.6)  # and longer again: a body has a limit of its own
        writer.write(b"cd")
        await asyncio.wait_for(reader.readuntil(b"hello"), 5)

    run(scenario)


def test_a_body_that_nobody_read_is_not_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)

    async def scenario(server: Served) -> None:
        # As an early 503 does: it is answered before its body has come.
        reader, writer = await server.connect()
        writer.write(b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n"[:30] + GET)
        answer = await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        assert answer.startswith(b"HTTP/1.1 200")
        # And one that never comes is not waited for.
        writer.write(b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        writer.write(b"a")
        await cut(reader)
        assert server.held == 0

    run(scenario)


def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_S", 0.5)

    async def scenario(server: Served) -> None:
        _, writer = await server.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET.replace(b"GET /", b"GET /large"))
        await until(lambda: server.held == 1)
        assert await server.answers() < 1
        await until(lambda: server.held == 0)

    run(scenario)


def test_who_reads_slowly_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_S", 1.0)

    async def scenario(server: Served) -> None:
        # Without a buffer of several pieces the operating systems' own would hide the progress.
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4 << 20)
        writer.write(GET.replace(b"GET /", b"GET /large"))
        got, began = 0, time.monotonic()
        while got < len(LARGE):
            piece = await reader.read(1 << 20)
            assert piece
            got += len(piece)
            await asyncio.sleep(0.06)
        assert time.monotonic() - began > 1.5

    run(scenario)


@pytest.mark.slow
def test_thousands_of_idle_sockets_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(hard, 2 * IDLE_SOCKETS + SPARE_FILES)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    # Both ends of each are in this process.
    count = min(IDLE_SOCKETS, (max(soft, allowed) - SPARE_FILES) // 2)
    monkeypatch.setattr(connections, "HEAD_S", 600.0)

    async def scenario(server: Served) -> None:
        idle: list[socket.socket] = []
        try:
            for _ in range(0, count, AT_ONCE):
                idle += await asyncio.to_thread(
                    lambda: [
                        socket.create_connection(("127.0.0.1", server.port), 30)
                        for _ in range(AT_ONCE)
                    ]
                )
            times = sorted([await server.answers() for _ in range(20)])
            assert server.held >= count
            assert times[10] < 1
        finally:
            for one in idle:
                one.close()
        await until(lambda: server.held == 0)
        assert await server.answers() < 1

    try:
        run(scenario)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_ordinary_client_notices_nothing() -> None:
    async def scenario(server: Served) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            for _ in range(3):
                assert (await client.get("/")).text == "hello"
                assert (await client.post("/", content=b"x" * 300_000)).text == "hello"

    run(scenario)
