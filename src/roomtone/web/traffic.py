"""Traffic: every request under a name, and no more of them at once than can be answered.

A request's id comes from its sender or proxy (``x-request-id``) or is made here; it stands in every
line of the log that the request causes, and in its answer. When too many wait already, one is
refused before its body is read, and a batch that has come whole before it is parsed
(:mod:`roomtone.web.early`): an early 503 costs some microseconds, a late one a time-out. It has no
CORS headers, so that RealtimeKit's client keeps what it has (:mod:`roomtone.web.collector`).

Batches of telemetry come in any number, and their senders have time: they have a smaller share of
the places, and a line of their own (:mod:`roomtone.web.gate`), so that reads stay quick. A frame of
a socket stands in that line as well; its socket is not read on meanwhile, so whoever sends more
than can be taken is slowed by their own connection, and need not be refused.
"""

import asyncio
import re
import time
from collections.abc import Callable
from itertools import count, cycle
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from roomtone.model.errors import Failed
from roomtone.model.limits import (
    MAX_BODY_BYTES,
    MAX_WAITING_BATCHES,
    MAX_WAITING_BYTES,
    MAX_WAITING_REQUESTS,
)
from roomtone.web.early import whole_batch
from roomtone.web.errors import encoded, told_path
from roomtone.web.gate import Gate
from roomtone.web.recent import Kept, Recent

ID_HEADER = b"x-request-id"
RETRY_AFTER_S = (3, 4, 5, 6, 7)
"""In turn: who is refused at one moment is not to come back at one moment."""
MAX_DISCARDED_BYTES = 64 * 1024
"""A body that is read and thrown away after a refusal; making the connection anew costs more than
this, and less than a larger one."""
TOLD_EVERY_S = 10.0
"""How often the log tells of refusals."""
BATCHES = ("/v1/collect", "/api/v1/message", "/in/")
"""What the paths begin with that take telemetry in."""
TRY_AGAIN = 1013
"""The close code of a server that has too much to do (IANA's registry for RFC 6455)."""
ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Who looks after the server is answered also when it is busy."""

_PROCESS = token_hex(4).encode()
_NUMBERS = count()
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_BUSY = encoded(503, "Roomtone has more requests than it can answer; try again in a moment.")

_HEADERS = [
    (
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_BUSY)),
        (b"retry-after", b"%d" % pause),
    )
    for pause in RETRY_AFTER_S
]
_REFUSALS = cycle(_HEADERS)
_REFUSED = cycle(
    b"HTTP/1.1 503 Service Unavailable\r\n%b" % b"".join(b"%b: %b\r\n" % one for one in headers)
    for headers in _HEADERS
)
"""The same, as they stand on the wire."""

log = structlog.get_logger()


class Traffic:
    """An ASGI application around another. ``told``: a line in the log for each request;
    ``turned_away``: is told the path of whatever is refused here.

    A request waits from its whole body to the beginning of its answer: who dawdles with either
    takes nobody's place. What has come of a body is held as long.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        told: bool = False,
        most: int = MAX_WAITING_REQUESTS,
        most_batches: int = MAX_WAITING_BATCHES,
        most_bytes: int = MAX_WAITING_BYTES,
        recent: Recent | None = None,
        turned_away: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._turned_away = turned_away
        self._told = told
        self._recent = recent
        self._most = most
        self._most_batches = most_batches
        self._refused = 0
        self._told_at = -TOLD_EVERY_S
        self.gate = Gate()
        self.most_bytes = most_bytes
        self.waiting = 0
        self.batches = 0
        """Those that wait and bring telemetry."""
        self._expected = 0
        self.held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = _id_of(headers)
        if scope["type"] == "websocket":
            bind_contextvars(request_id=request_id.decode())
            await self._talk(scope, receive, send)
            return
        brings_body = _brings_body(headers)
        is_batch = brings_body and scope["path"].startswith(BATCHES)
        if self._full_of_batches() if is_batch else self._full_for(scope["path"]):
            self.refused(scope["path"])
            await _refuse(send, request_id, headers)
            return
        if self._recent is not None and not brings_body and not self._told:
            kept = self._recent.find(scope, headers)
            if kept is not None:
                await _repeat(send, kept, request_id)
                return
        bind_contextvars(request_id=request_id.decode())
        request = _Request(self, receive, send, request_id, is_batch=is_batch)
        if not brings_body:
            request.wait()
        began = time.perf_counter()
        try:
            await self._app(scope, request.receive, request.send)
        finally:
            request.end()
            if self._told:
                # Never the query: a beacon's token is in it.
                ms = round((time.perf_counter() - began) * 1000, 2)
                path, status = told_path(scope["path"]), request.status
                log.debug("request", method=scope["method"], path=path, status=status, ms=ms)

    def early(self, data: bytes) -> bytes | None:
        """The whole answer to the request that these bytes are, if it is a batch and there is no
        place for one; else None. It goes on with the same connection."""
        if not self._full_of_batches():
            if data.startswith(b"POST "):
                self._expect_one()
            return None
        batch = whole_batch(data)
        if batch is None:
            return None
        path, headers = batch
        self.refused(path)
        return b"%bx-request-id: %b\r\n\r\n%b" % (next(_REFUSED), _id_of(headers), _BUSY)

    def _expect_one(self) -> None:
        """What is let in takes its place only when the loop comes to its task."""
        if not self._expected:
            asyncio.get_running_loop().call_soon(self._arrived)
        self._expected += 1

    def _arrived(self) -> None:
        self._expected = 0

    def _full_of_batches(self) -> bool:
        expected = self._expected
        return (
            self.batches + expected >= self._most_batches or self.waiting + expected >= self._most
        )

    def _full_for(self, path: str) -> bool:
        return self.waiting >= self._most and path not in ALWAYS

    async def _talk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A socket, from its beginning to its end."""
        if not scope["path"].startswith(BATCHES):
            await self._app(scope, receive, send)
            return
        frames = _Frames(self, scope["path"], receive, send)
        try:
            await self._app(scope, frames.receive, send)
        finally:
            frames.dealt_with()

    def refused(self, path: str) -> None:
        """Count a refusal, and let the log tell of them now and then."""
        if self._turned_away is not None:
            self._turned_away(path)
        self._refused += 1
        now = time.monotonic()
        if now - self._told_at >= TOLD_EVERY_S:
            log.warning(
                "more requests than can be answered; they were told to come back",
                refused=self._refused,
                waiting=self.waiting,
                batches=self.batches,
            )
            self._told_at, self._refused = now, 0


class _Request:
    """What one request takes up."""

    __slots__ = ("_bytes", "_id", "_is_batch", "_receive", "_send", "_traffic", "_waits", "status")

    def __init__(
        self, traffic: Traffic, receive: Receive, send: Send, request_id: bytes, *, is_batch: bool
    ) -> None:
        self._traffic = traffic
        self._is_batch = is_batch
        self._receive = receive
        self._send = send
        self._id = request_id
        self._bytes = 0
        self._waits = False
        self.status = 0

    def wait(self) -> None:
        """Its body is there."""
        if not self._waits:
            self._waits = True
            self._traffic.waiting += 1
            self._traffic.batches += self._is_batch

    def end(self) -> None:
        """It is answered, or over."""
        if self._waits:
            self._waits = False
            self._traffic.waiting -= 1
            self._traffic.batches -= self._is_batch
        self._traffic.held_bytes -= self._bytes
        self._bytes = 0

    async def receive(self) -> Message:
        """The next piece of its body. Raises Failed when all bodies together are too much."""
        message = await self._receive()
        if message["type"] != "http.request" or self.status:
            return message
        traffic = self._traffic
        # A larger one is a file, which lies on the disk until it is whole.
        held = min(len(message.get("body", b"")), MAX_BODY_BYTES - self._bytes)
        self._bytes += held
        traffic.held_bytes += held
        if traffic.held_bytes > traffic.most_bytes:
            raise Failed(
                "the bodies of requests under way take too much memory",
                "This is overload, or somebody who means it: see docs/operations.md.",
            )
        if not message.get("more_body", False):
            self.wait()
            if self._is_batch:
                await traffic.gate.passed(self._bytes)
        return message

    async def send(self, message: Message) -> None:
        """A piece of its answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.end()
            message["headers"] = [*message.get("headers", ()), (ID_HEADER, self._id)]
        await self._send(message)


class _Frames:
    """What one socket takes up: the frame that is being dealt with, or waits for that."""

    __slots__ = ("_bytes", "_path", "_receive", "_send", "_traffic")

    def __init__(self, traffic: Traffic, path: str, receive: Receive, send: Send) -> None:
        self._traffic = traffic
        self._path = path
        self._receive = receive
        self._send = send
        self._bytes = 0

    def dealt_with(self) -> None:
        """Nothing is held of it any more."""
        self._traffic.held_bytes -= self._bytes
        self._bytes = 0

    async def receive(self) -> Message:
        """The next frame, when it is its turn. Where all that is held together is too much, the
        socket ends: its sender keeps the rest and comes back."""
        self.dealt_with()
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        traffic = self._traffic
        self._bytes = len(message.get("text") or message.get("bytes") or b"")
        traffic.held_bytes += self._bytes
        if traffic.held_bytes > traffic.most_bytes:
            self.dealt_with()
            traffic.refused(self._path)
            reason = "Roomtone has more than it can take; come back in a moment."
            await self._send({"type": "websocket.close", "code": TRY_AGAIN, "reason": reason})
            return {"type": "websocket.disconnect", "code": TRY_AGAIN, "reason": reason}
        await traffic.gate.passed(self._bytes)
        return message


def _id_of(headers: dict[bytes, bytes]) -> bytes:
    """The request's id: its sender's, or one of ours."""
    given = headers.get(ID_HEADER)
    if given is not None and _ID.fullmatch(given):
        return given
    # No secret: one process does not make the same twice, and two do not make the same.
    return b"%s%08x" % (_PROCESS, next(_NUMBERS))


def _brings_body(headers: dict[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


async def _repeat(send: Send, kept: Kept, request_id: bytes) -> None:
    """Give an answer again, to a request that is known by heart."""
    headers = [*kept.headers, (ID_HEADER, request_id)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})


async def _refuse(send: Send, request_id: bytes, asked: dict[bytes, bytes]) -> None:
    headers = [*next(_REFUSALS), (ID_HEADER, request_id)]
    if not _is_soon_over(asked):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _BUSY})


def _is_soon_over(headers: dict[bytes, bytes]) -> bool:
    """Whether the body, which nobody wants, is small and on its way."""
    if b"transfer-encoding" in headers or b"expect" in headers:
        return False
    length = headers.get(b"content-length", b"0")
    return length.isdigit() and int(length) <= MAX_DISCARDED_BYTES
