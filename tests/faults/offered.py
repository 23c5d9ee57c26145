"""Offered: numbered batches at a rate that does not care how they are answered.

A process of its own, so that what it costs to offer them is in nobody's measurements:

    python offered.py < orders.json > outcome.json

Orders: ``port``, ``tokens`` (of participants, as many as there are senders), ``seconds``, ``rate``
(batches a second; 0: every sender sends as soon as it is answered) and ``per_peer`` (batches of a
peer; then the sender is another peer). A sender has one connection and one batch under way. What is
refused it sends again when its turn comes, whatever it was told: this is the load, not a client
that behaves. Batch n of a peer has the number n, a marker n, and some statistics.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvloop

HOST = "127.0.0.1"
STREAMS = 6
CONNECTED_AT_ONCE = 20
LAST_ANSWERS_S = 60
"""How long the last ones may take."""


def statistics() -> str:
    """A getStats() result of a call of three, as JSON."""
    t = time.time_ns() // 1_000_000
    report = [
        {
            "type": "inbound-rtp",
            "id": f"IT{n}",
            "timestamp": t,
            "ssrc": 1_000 + n,
            "kind": "video" if n % 2 else "audio",
            "packetsReceived": 5_000 + n,
            "packetsLost": n,
            "jitter": 0.003,
            "bytesReceived": 400_000,
            "headerBytesReceived": 60_000,
            "jitterBufferDelay": 12.5,
            "jitterBufferEmittedCount": 96_000,
            "totalSamplesReceived": 480_000,
            "concealedSamples": 200,
            "lastPacketReceivedTimestamp": t,
        }
        for n in range(STREAMS)
    ]
    entry = {"event": "stats", "timestamp": t, "metaData": {"pc": "pc", "report": report}}
    return json.dumps(entry, separators=(",", ":"))


@dataclass
class Told:
    """What became of all of them."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: dict[str, list[int]] = field(default_factory=dict)
    """Numbers by peer, in the order of their answers."""
    delays_ms: dict[int, list[float]] = field(default_factory=dict)
    """From request to answer, by status."""
    no_pause_told: int = 0
    """Refusals without a Retry-After."""
    broken: int = 0
    """Connections that ended under a request."""
    late: int = 0
    """Turns at which no sender was free: every one still waited for an answer."""
    wrong: list[str] = field(default_factory=list)
    idle: deque["Sender"] = field(default_factory=deque)
    """Who has no batch under way, in the order in which they sent."""


class Sender(asyncio.Protocol):
    """One connection, one batch at a time."""

    def __init__(self, port: int, token: str, per_peer: int, told: Told, entry: str) -> None:
        self._port = port
        self._told = told
        self._per_peer = per_peer
        self._entry = entry
        self._head = (
            f"POST /v1/collect HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/json\r\ncontent-length: "
        )
        self._transport: asyncio.WriteTransport | None = None
        self._answer = b""
        self._sent_at = 0.0
        self.free = asyncio.Event()
        self.free.set()
        self._another_peer()

    def _another_peer(self) -> None:
        self.peer_id, self._number = str(uuid4()), 1
        self._numbers = self._told.accepted[self.peer_id] = []

    async def connect(self) -> None:
        """Open the connection, which pages have before they have much to say."""
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)

    async def send(self) -> None:
        """The batch whose turn it is."""
        self.free.clear()
        if self._transport is None:
            try:
                await self.connect()
            except OSError:
                self._told.broken += 1
                self._rest()
                return
        n = self._number
        t = time.time_ns() // 1_000_000
        body = (
            f'{{"peer_id":"{self.peer_id}","seq":{n},"entries":['
            f'{{"event":"marker","timestamp":{t},"metaData":{{"n":{n}}}}},{self._entry}]}}'
        )
        self._sent_at = time.perf_counter()
        assert self._transport is not None
        self._transport.write(f"{self._head}{len(body)}\r\n\r\n{body}".encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are registered with no class of asyncio's.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._answer = self._answer + data if self._answer else data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        headers = head.lower()
        if len(body) < int(headers.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        answer, self._answer = self._answer, b""
        self._heard(int(answer[9:12]), headers, answer)

    def _heard(self, status: int, headers: bytes, answer: bytes) -> None:
        told = self._told
        told.statuses[status] += 1
        delay = (time.perf_counter() - self._sent_at) * 1_000
        told.delays_ms.setdefault(status, []).append(delay)
        if status == 202:
            self._numbers.append(self._number)
            self._number += 1
            if self._number > self._per_peer:
                self._another_peer()
        elif status in (429, 503):
            told.no_pause_told += b"\r\nretry-after: " not in headers
        elif len(told.wrong) < 10:
            told.wrong.append(answer[:500].decode(errors="replace"))
        if b"\r\nconnection: close" in headers and self._transport is not None:
            self._transport.close()
            self._transport = None
        self._rest()

    def _rest(self) -> None:
        self.free.set()
        self._told.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:  # it did not say that it would
            self._transport = None
            self._answer = b""
            if not self.free.is_set():
                self._told.broken += 1
                self._rest()


async def flood(senders: list[Sender], seconds: float) -> None:
    """Each as fast as it is answered."""
    until = time.perf_counter() + seconds

    async def go_on(sender: Sender) -> None:
        while time.perf_counter() < until:
            await sender.send()
            await sender.free.wait()

    await asyncio.gather(*map(go_on, senders))


async def pace(senders: list[Sender], seconds: float, rate: float, told: Told) -> int:
    """So many a second, in turn; how many were offered."""
    told.idle.extend(senders)
    sending: set[asyncio.Task[None]] = set()
    began = time.perf_counter()
    offered = 0
    while (now := time.perf_counter() - began) < seconds:
        due = int(now * rate) - offered
        offered += due
        for _ in range(min(due, len(told.idle))):
            due -= 1
            task = asyncio.create_task(told.idle.popleft().send())
            sending.add(task)
            task.add_done_callback(sending.discard)
        told.late += due
        await asyncio.sleep(0.002)
    return offered


async def main(orders: dict[str, Any]) -> dict[str, Any]:
    """Offer what is ordered, and tell."""
    told = Told()
    entry = statistics()
    senders = [
        Sender(orders["port"], token, orders["per_peer"], told, entry) for token in orders["tokens"]
    ]
    for first in range(0, len(senders), CONNECTED_AT_ONCE):
        await asyncio.gather(
            *(sender.connect() for sender in senders[first : first + CONNECTED_AT_ONCE])
        )
    began = time.perf_counter()
    offered = 0
    if orders["rate"]:
        offered = await pace(senders, orders["seconds"], orders["rate"], told)
    else:
        await flood(senders, orders["seconds"])
    seconds = time.perf_counter() - began
    async with asyncio.timeout(LAST_ANSWERS_S):
        # One that was about to send has not begun yet.
        await asyncio.sleep(0.1)
        await asyncio.gather(*(sender.free.wait() for sender in senders))
    delays = {status: sorted(times) for status, times in told.delays_ms.items()}
    return {
        "offered": offered or sum(told.statuses.values()),
        "seconds": seconds,
        "cpu_s": time.process_time(),
        "statuses": dict(told.statuses),
        "accepted": {peer: numbers for peer, numbers in told.accepted.items() if numbers},
        "p50_ms": {status: times[len(times) // 2] for status, times in delays.items()},
        "p99_ms": {status: times[len(times) * 99 // 100] for status, times in delays.items()},
        "no_pause_told": told.no_pause_told,
        "broken": told.broken,
        "late": told.late,
        "wrong": told.wrong,
    }


if __name__ == "__main__":
    json.dump(uvloop.run(main(json.load(sys.stdin))), sys.stdout)
