"""Refused before it is parsed, on real sockets: the same answer, and the connection is as good."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from roomtone.web import connections
from roomtone.web.connections import CLOSE, answering_early
from roomtone.web.traffic import Traffic

BODY = b'{"peer_id":"a"}'
GET = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
KEEP_ALIVE_S = 1
SMALL_BUFFER = 8_192


def batch(*headers: bytes, body: bytes = BODY) -> bytes:
    length = b"content-length: %d" % len(body)
    return b"\r\n".join([b"POST /v1/collect HTTP/1.1", b"host: x", *headers, length, b"", body])


class Served:
    """A server without any place for batches."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.parsed = 0
        """Requests that came to be one."""
        self.traffic = Traffic(self._application, most_batches=0)
        self.port = 0
        self.server: uvicorn.Server | None = None

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await self.go.wait()
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        self.parsed += 1
        await self.traffic(scope, receive, send)

    @asynccontextmanager
    async def served(self) -> AsyncIterator["Served"]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = uvicorn.Server(
            uvicorn.Config(
                self._counted,
                http=answering_early(self.traffic.early),
                interface="asgi3",
                lifespan="off",
                log_config=None,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
            )
        )
        running = asyncio.create_task(self.server.serve(sockets=[listener]))
        while not self.server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        try:
            yield self
        finally:
            self.server.should_exit = self.server.force_exit = True
            await running

    async def connect(self) -> "Wire":
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port))


class Wire:
    """A client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self, patience_s: float = 5) -> tuple[int, dict[str, str], bytes]:
        """The next: status, headers, body."""
        async with asyncio.timeout(patience_s):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, body

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(data)
        return await self.answer()


def run(scenario: Callable[[Served], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Served().served() as server, asyncio.timeout(30):
            await scenario(server)

    asyncio.run(main())


def test_the_answer_is_the_one_that_a_parsed_request_gets() -> None:
    async def scenario(server: Served) -> None:
        wire = await server.connect()
        early = await wire.ask(batch(b"X-Request-Id: mine-1"))
        assert server.parsed == 0
        # Sent in two pieces, it is nobody's whole request.
        data = batch(b"x-request-id: mine-1")
        wire.writer.write(data[:-5])
        late = await wire.answer()
        assert server.parsed == 1
        wire.writer.write(data[-5:])
        for one in (early, late):
            assert one[1].pop("retry-after") in {"3", "4", "5", "6", "7"}
        assert early == late
        assert early[0] == 503
        assert early[1]["x-request-id"] == "mine-1"

    run(scenario)


def test_the_connection_goes_on_after_it() -> None:
    async def scenario(server: Served) -> None:
        server.go.set()
        wire = await server.connect()
        names = set()
        for _ in range(5):
            status, headers, _ = await wire.ask(batch())
            assert status == 503
            names.add(headers["x-request-id"])
            assert (await wire.ask(GET))[0] == 200
        assert len(names) == 5
        assert server.parsed == 5

    run(scenario)


def test_a_body_that_looks_like_a_request_is_none() -> None:
    """Else whoever writes a body behind a shared proxy could order answers for others."""

    async def scenario(server: Served) -> None:
        server.go.set()
        wire = await server.connect()
        inner = batch()
        data = batch(body=inner)
        wire.writer.write(data[: -len(inner)])
        assert (await wire.answer())[0] == 503
        await asyncio.sleep(0.1)
        assert (await wire.ask(inner + GET))[0] == 200

    run(scenario)


def test_nobody_is_answered_out_of_turn() -> None:
    async def scenario(server: Served) -> None:
        wire = await server.connect()
        wire.writer.write(GET)
        await asyncio.sleep(0.1)
        wire.writer.write(batch())
        await asyncio.sleep(0.1)
        server.go.set()
        assert [(await wire.answer())[0] for _ in range(2)] == [200, 503]

    run(scenario)


def test_time_outs_are_those_of_an_answered_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)

    async def scenario(server: Served) -> None:
        wire = await server.connect()
        await wire.ask(batch())
        await asyncio.sleep(0.6)
        await wire.ask(batch())
        began = time.monotonic()
        assert await asyncio.wait_for(wire.reader.read(), 10) == b""
        assert time.monotonic() - began > 0.8 * KEEP_ALIVE_S

    run(scenario)


def test_a_server_that_stops_ends_the_connection() -> None:
    async def scenario(server: Served) -> None:
        wire = await server.connect()
        await wire.ask(batch())
        assert server.server is not None
        server.server.server_state.default_headers = [CLOSE]
        _, headers, _ = await wire.ask(batch())
        assert headers["connection"] == "close"
        assert await asyncio.wait_for(wire.reader.read(), 5) == b""

    run(scenario)


def test_who_reads_no_answers_is_not_answered_without_end() -> None:
    async def scenario(server: Served) -> None:
        small = socket.create_connection(("127.0.0.1", server.port))
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        wire = Wire(*await asyncio.open_connection(sock=small))
        await wire.ask(batch())
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        assert server.server is not None
        (held,) = server.server.server_state.connections
        one = batch(body=b"x" * 5_000)
        for _ in range(20_000):
            wire.writer.write(one)
            await asyncio.sleep(0)
            if wire.writer.transport.get_write_buffer_size() > 1 << 20:
                break
        else:
            pytest.fail("it took everything")
        assert held.transport.get_write_buffer_size() < 1 << 20

    run(scenario)
