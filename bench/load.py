"""The load: a small HTTP/1.1 client that costs little, so that the server is what is measured.

Requests are bytes made beforehand. Connections are kept alive and hold one request at a time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import uvloop
from msgspec import Struct

from bench.figures import percentile
from bench.servers import HOST

WAIT_S = 120.0
TRIES = 3

Make = Callable[[], bytes | None]
"""The next request of a connection, or None when it has no more to say."""


class Load(Struct, frozen=True):
    """What came back."""

    answers: int
    seconds: float
    latencies_ms: list[float]
    """Ascending."""
    wrong: dict[bytes, int]
    """Status lines other than the expected one, counted."""
    bytes_in: int
    last: bytes
    """The latest answer, head and body."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def p(self, share: float) -> float:
        """ms that ``share`` of the answers took at most."""
        return percentile(self.latencies_ms, share)


class _Tally:
    """What all connections of a run add up."""

    def __init__(self, status: bytes) -> None:
        self.status = status
        self.latencies: list[float] = []
        self.wrong: dict[bytes, int] = {}
        self.bytes_in = 0
        self.last = b""


class _Connection(asyncio.Protocol):
    """Sends what it is given, one request after the other."""

    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._answer = b""
        self._need = 0
        self._sent = 0.0
        self._done: asyncio.Future[None] | None = None
        self.closed = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.closed = False

    def start(self, make: Make) -> asyncio.Future[None]:
        """Send what ``make`` gives until it gives None; done when all is answered."""
        self._make = make
        self._done = asyncio.get_running_loop().create_future()
        self._next()
        return self._done

    def _next(self) -> None:
        request = self._make()
        if request is None:
            if self._done is not None and not self._done.done():
                self._done.set_result(None)
            return
        self._answer, self._need = b"", 0
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer = self._answer + data if self._answer else data
        if not self._need:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._answer.find(b"content-length: ", 0, end)
            length = 0 if at < 0 else int(self._answer[at + 16 : self._answer.index(b"\r", at)])
            self._need = end + 4 + length
        if len(self._answer) < self._need:
            return
        tally = self._tally
        tally.latencies.append((time.perf_counter() - self._sent) * 1e3)
        tally.bytes_in += self._need
        tally.last = self._answer
        if not self._answer.startswith(tally.status):
            line = self._answer.partition(b"\r\n")[0]
            tally.wrong[line] = tally.wrong.get(line, 0) + 1
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"the server hung up: {error}"))


def run(port: int, makes: Sequence[Make], status: int = 200) -> Load:
    """One connection for each of ``makes``, all at once, until all have nothing more to say."""
    return run_on((port,), makes, status)


def run_on(ports: Sequence[int], makes: Sequence[Make], status: int = 200) -> Load:
    """As ``run``, with the connections shared out among several servers in turn."""
    return uvloop.run(_run(ports, makes, b"HTTP/1.1 %d" % status, 0.0))


def run_paced(
    port: int, makes: Sequence[Make], every_s: float, status: int = 202, wait_s: float = WAIT_S
) -> Load:
    """As ``run``, but each connection sends every ``every_s``, evenly spread among all."""
    return uvloop.run(_run((port,), makes, b"HTTP/1.1 %d" % status, every_s, wait_s))


async def _run(
    ports: Sequence[int],
    makes: Sequence[Make],
    status: bytes,
    every_s: float,
    wait_s: float = WAIT_S,
) -> Load:
    loop = asyncio.get_running_loop()
    tally = _Tally(status)
    connections = [_Connection(tally) for _ in makes]
    for number, made in enumerate(connections):
        await loop.create_connection(partial(_itself, made), HOST, ports[number % len(ports)])
    start = time.perf_counter()
    talks: list[Awaitable[None]] = []
    for number, (connection, make) in enumerate(zip(connections, makes, strict=True)):
        if every_s:
            talks.append(_pace(connection, ports[0], make, number * every_s / len(makes), every_s))
        else:
            talks.append(connection.start(make))
    await asyncio.wait_for(asyncio.gather(*talks), wait_s)
    seconds = time.perf_counter() - start
    return Load(
        answers=len(tally.latencies),
        seconds=seconds,
        latencies_ms=sorted(tally.latencies),
        wrong=tally.wrong,
        bytes_in=tally.bytes_in,
        last=tally.last,
    )


def _itself(connection: _Connection) -> _Connection:
    return connection


async def _pace(
    connection: _Connection, port: int, make: Make, first_s: float, every_s: float
) -> None:
    """As a browser does it: a connection that the server closed meanwhile is opened again."""
    loop = asyncio.get_running_loop()
    due = loop.time() + first_s
    while (request := make()) is not None:
        await asyncio.sleep(max(0.0, due - loop.time()))
        due += every_s
        for _ in range(TRIES):
            if connection.closed:
                await loop.create_connection(lambda: connection, HOST, port)
            try:
                await connection.start(each([request]))
                break
            except ConnectionError:
                continue
        else:
            raise ConnectionError(f"no answer in {TRIES} tries")


def until(deadline_s: float, make: Callable[[], bytes]) -> Make:
    """What ``make`` gives until so many seconds after the first request."""
    begun: list[float] = []

    def next_one() -> bytes | None:
        now = time.perf_counter()
        if not begun:
            begun.append(now)
        return make() if now - begun[0] < deadline_s else None

    return next_one


def each(requests: Iterable[bytes]) -> Make:
    """These requests, once."""
    left = iter(requests)
    return lambda: next(left, None)
