"""A UDP relay between people's browsers that spoils chosen directions of chosen people's network.

Each link of two people has two sockets, one facing either end; a browser is told the socket that
faces it as the other's candidate. What comes in at one goes out at the other, first over the
sender's uplink and then over the receiver's downlink. A socket takes the port number of the browser
that it stands for, so that the connection looks as direct as it is through a router that keeps
ports. The relay runs in a thread of its own.
"""

import asyncio
import random
import threading
from typing import Any, Literal

import uvloop

Way = Literal["up", "down"]
HOST = "127.0.0.1"
QUEUE_S = 0.3
"""What a rate-limited line holds back before it drops: home routers' queues are of this order."""
OVERHEAD_BYTES = 28
"""IPv4 and UDP headers."""


class Line:
    """One direction of one person's network. Set its members at any time."""

    def __init__(self, seed: str) -> None:
        self.loss = 0.0
        """Share of packets that vanish, at random."""
        self.delay_ms = 0.0
        self.jitter_ms = 0.0
        """Each packet waits up to this much more, and may overtake others, as netem does it."""
        self.rate_kbps = 0.0
        """0: as fast as it comes."""
        self.dead = False
        self._free_at = 0.0
        self._random = random.Random(seed)  # the same call is spoiled in the same way again

    def leaves(self, came: float, size: int) -> float | None:
        """When a packet of ``size`` bytes is through (seconds, as ``came``); None: it is lost."""
        if self.dead or self._random.random() < self.loss:
            return None
        gone = came
        if self.rate_kbps:
            start = max(came, self._free_at)
            if start - came > QUEUE_S:
                return None
            gone = start + (size + OVERHEAD_BYTES) * 8 / (self.rate_kbps * 1000)
            self._free_at = gone
        return gone + (self.delay_ms + self._random.random() * self.jitter_ms) / 1000


class _Socket(asyncio.DatagramProtocol):
    """Faces one end of a link."""

    def __init__(self, relay: "Relay", owner: str) -> None:
        self._relay = relay
        self.owner = owner
        self.other: _Socket | None = None
        self._address: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, port: int) -> int:
        """Its port: this one if it can be had, and the same at every call."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            try:
                await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, port))
            except OSError:
                await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._address = addr  # where the owner's browser is reached: it always speaks first
        if self.other is None:
            return
        loop = asyncio.get_running_loop()
        at = self._relay.line(self.owner, "up").leaves(loop.time(), len(data))
        if at is None:
            return
        at = self._relay.line(self.other.owner, "down").leaves(at, len(data))
        if at is not None:
            loop.call_at(at, self.other.send, data)

    def send(self, data: bytes) -> None:
        if self._transport is not None and self._address is not None:
            self._transport.sendto(data, self._address)


class Relay:
    """All links of a call."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, Way], Line] = {}
        self._facing: dict[tuple[str, str], _Socket] = {}
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def line(self, person: str, way: Way) -> Line:
        """Of that person, that way."""
        return self._lines.setdefault((person, way), Line(f"{person} {way}"))

    def link(self, one: str, other: str) -> None:
        """A new link, in the place of an older one of the two."""
        ends = _Socket(self, one), _Socket(self, other)
        ends[0].other, ends[1].other = ends[1], ends[0]
        self._facing[one, other], self._facing[other, one] = ends

    def door(self, of: str, port: int, to: str) -> int:
        """The port at which ``to`` reaches ``of``, whose browser has that port."""
        end = self._facing[to, of]
        return asyncio.run_coroutine_threadsafe(end.open(port), self._loop).result(5)

    def close(self) -> None:
        """End the thread; sockets go with it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
