"""A wire between a page and a server that can be cut, as a network does it."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

RESET = struct.pack("ii", 1, 0)


class CutWire:
    """A TCP relay on a port of its own."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.cuts = 0
        self._to = to_port
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._join, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, beyond = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends |= {writer, beyond}
        await asyncio.gather(self._pass(reader, beyond), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()
        self._ends.discard(writer)

    def cut(self) -> bool:
        """Reset every connection, both ends at once, with whatever is under way in it."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    async def _cut(self) -> bool:
        ends, self._ends = self._ends, set()
        for end in ends:
            sock = end.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()
        self.cuts += bool(ends)
        return bool(ends)

    @contextmanager
    def laid(self) -> Iterator["CutWire"]:
        """While it is there."""
        self._thread.start()
        self._ready.wait(10)
        yield self
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
