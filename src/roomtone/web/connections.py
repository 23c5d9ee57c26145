"""Connections: uvicorn's own HTTP protocol, with an end to everything that a client may drag out.

uvicorn waits for ever for the head of a request and for a client to read, and its parser keeps a
head of any length. A thousand sockets that each send a byte now and then would cost nothing to open
and everything to hold. And it parses what there is no place for (:mod:`roomtone.web.early`).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from roomtone.model.limits import MAX_HEAD_BYTES

HEAD_S = 20.0
"""From a connection, or the first byte of a request, to the end of its head."""
READ_S = 120.0
"""How long a client may read next to nothing while an answer waits. The operating system takes more
only once a good part of what it holds is read, so a slow line looks idle for a while."""
READ_BYTES = 16_384
"""What it must have read by then."""

CLOSE = (b"connection", b"close")
"""Among the headers of every answer when the server is about to stop."""
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    early: Callable[[bytes], bytes | None] | None = None
    """Is shown what comes between two requests, and may answer it (:meth:`Traffic.early`)."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._between = True
        """The parser has seen the end of all that came."""
        self._in_head = False
        self._upgraded = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head, for a while."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget_head()
        self._forget_reader()
        super().connection_lost(exc)

    # --- what comes in --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a head that does not end is cut off."""
        if self._between and self.early is not None and self._is_at_rest():
            answer = self.early(data)
            if answer is not None:
                self._answer(answer)
                return
        before = self._in_head
        super().data_received(data)
        if self._upgraded:
            return
        if self._in_head:
            if before:
                # The piece that a head begins in is not counted: it may end an earlier body.
                self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(TOO_LARGE)
                self.transport.close()
        elif self.cycle is not None and not self.cycle.response_complete:
            return
        if self._head_timer is None and self.timeout_keep_alive_task is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._between = False
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._forget_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole."""
        super().on_message_complete()
        self._between = True

    def _is_at_rest(self) -> bool:
        """Nobody waits for an answer, and there will be a next request."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and CLOSE not in self.server_state.default_headers
        )

    def _answer(self, answer: bytes) -> None:
        """One request came and is answered, as far as time-outs can tell."""
        self._forget_head()
        self._unset_keepalive_if_required()
        self.transport.write(answer)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from now on, which knows no heads."""
        self._upgraded = True
        self._forget_head()
        self._forget_reader()
        super().handle_websocket_upgrade()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self.transport.abort()

    # --- what goes out --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """More waits than the transport likes to hold."""
        super().pause_writing()
        if self._read_timer is None:
            self._expect_reader()

    def resume_writing(self) -> None:
        """The client reads."""
        self._forget_reader()
        super().resume_writing()

    def _expect_reader(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._read_timer = self.loop.call_later(READ_S, self._look_at_reader, unread)

    def _look_at_reader(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - READ_BYTES:
            self.transport.abort()
        else:
            self._expect_reader()

    def _forget_reader(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Idle for too long; a close would wait for ever for who has not even read the answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()


def answering_early(early: Callable[[bytes], bytes | None]) -> type[BoundedHttp]:
    """Connections that show to ``early`` what comes before they parse it."""

    class Http(BoundedHttp):
        """One connection of this server."""

    Http.early = staticmethod(early)
    return Http
