"""A thousand rtcstats sockets, a frame a second each: is every frame kept, and how soon is it safe?

Frames carry the time at which they were sent. A reader of the same database file, who sees only
what is committed, looks for new rows all the while: what a row says of its newest frame, and when
the row was first seen, is the delay until a power cut would have spared it. Delays mean something
only on a machine that has nothing else to do; how long the server waited for others is told too.
"""

import asyncio
import base64
import json
import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import jwt
import uvloop

from bench.figures import Figure, percentile
from bench.people import Backend
from bench.recorded import CLEAN, connections, moved, now_ms
from bench.servers import HOST, Server, init, roomtone
from roomtone.storage.encoding import decode_presence

GOAL_MS = 250.0
SOCKETS, QUICK_SOCKETS = 1_000, 200
SECONDS, QUICK_SECONDS = 30, 10
A_CALL = 4
LOOK_S = 0.02
SETTLE_S, PATIENCE_S = 3.0, 60.0
"""When everything is sent, what is on its way may take so long."""
OPEN_AT_ONCE = 20
REST_S = 2.0
"""After the openings: what they left to do is not part of a frame."""
DATABASE = "roomtone.db"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Every socket says who it is, opens a connection, and then tells of its statistics."""
    count, seconds = (QUICK_SOCKETS, QUICK_SECONDS) if quick else (SOCKETS, SECONDS)
    data = folder / "sockets"
    credentials = init(data)
    with roomtone(data) as server:
        with Backend(server, credentials) as backend:
            inlet = backend.ask("POST", "/inlets", {"kind": "rtcstats"})
        watch = _Watch(data / DATABASE)
        watch.start()
        crowd = _Crowd(server, inlet, count, seconds)
        sent = uvloop.run(crowd.talk())
        kept = _settled(data / DATABASE, sent)
        delays = sorted(watch.stop())
        memory = server.memory_mb()
    what = f"{count:,} rtcstats sockets at 1 frame/s"
    return [
        Figure(part="sockets", what=f"{what}: kept", value=100 * kept / sent, unit="%", goal=100.0),
        Figure(
            part="sockets", what="  delay until durable, p99", value=percentile(delays, 0.99),
            unit="ms", goal=GOAL_MS, more_is_better=False,
        ),
        Figure(
            part="sockets", what="  delay until durable, median", value=percentile(delays, 0.5),
            unit="ms",
        ),
        Figure(
            part="sockets", what="  sockets that the server ended", value=crowd.ended, unit="",
            goal=0.0, more_is_better=False,
        ),
        Figure(part="sockets", what="  server's core in use", value=100 * crowd.busy, unit="%"),
        Figure(
            part="sockets", what="  core for a frame, all in", value=1e6 * crowd.a_frame_s,
            unit="µs",
        ),
        Figure(
            part="sockets", what="  core for an opening", value=1e3 * crowd.an_opening_s, unit="ms",
        ),
        Figure(
            part="sockets", what="  server's wait for a core that others had",
            value=100 * crowd.waited, unit="%",
        ),
        Figure(part="sockets", what="  server's memory", value=memory, unit="MB"),
    ]  # fmt: skip


class _Watch(threading.Thread):
    """Sees rows as they are committed."""

    def __init__(self, database: Path) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._over = threading.Event()
        self._delays: list[float] = []

    def run(self) -> None:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as conn:
            last = 0
            while True:
                over = self._over.is_set()
                rows = conn.execute(
                    "SELECT position, presence FROM journal WHERE position > ?", (last,)
                ).fetchall()
                now = now_ms()
                for position, presence in rows:
                    last = position
                    said = decode_presence(presence)
                    if said.last_media_t is not None and not said.joins and not said.leaves:
                        self._delays.append(now - said.last_media_t)
                if over:
                    return
                time.sleep(LOOK_S)

    def stop(self) -> list[float]:
        """ms of each write that held statistics."""
        self._over.set()
        self.join()
        return self._delays


def _settled(database: Path, sent: int) -> int:
    """How many of the frames were kept, once they all are or patience is at its end."""
    until = time.monotonic() + PATIENCE_S
    time.sleep(SETTLE_S)
    while (kept := _snapshots(database)) < sent and time.monotonic() < until:
        time.sleep(SETTLE_S)
    return kept


def _snapshots(database: Path) -> int:
    from roomtone.model.facts import Snapshot
    from roomtone.storage.encoding import decode_facts

    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        rows = conn.execute("SELECT facts FROM journal UNION ALL SELECT facts FROM journal_chunks")
        return sum(isinstance(fact, Snapshot) for (facts,) in rows for fact in decode_facts(facts))


class _Crowd:
    """Every socket opens a connection, waits for the others, and then tells of its statistics."""

    def __init__(self, server: Server, inlet: dict[str, Any], count: int, seconds: int) -> None:
        self._server = server
        self._inlet = inlet
        self._count = count
        self._seconds = seconds
        self._opening = asyncio.Semaphore(OPEN_AT_ONCE)
        self._all_open = asyncio.Event()
        self._ready = asyncio.Event()
        self._open = 0
        self.ended = 0
        """Sockets that ended before their time."""
        self.busy = 0.0
        """Share of the server's core while they talk."""
        self.waited = 0.0
        """Share of that time that the server could run and something else of this machine did."""
        self.a_frame_s = 0.0
        self.an_opening_s = 0.0

    async def talk(self) -> int:
        """How many frames were sent."""
        server, before = self._server, self._server.cpu_s()
        async with asyncio.TaskGroup() as group:
            talks = [group.create_task(self._talk(number)) for number in range(self._count)]
            await self._all_open.wait()
            await asyncio.sleep(REST_S)
            began, opened, waited = time.perf_counter(), server.cpu_s(), _waited_s(server)
            self._ready.set()
            await asyncio.sleep(self._seconds)
            took, used = time.perf_counter() - began, server.cpu_s() - opened
            self.waited = (_waited_s(server) - waited) / took
        self.an_opening_s = (opened - before) / self._count
        self.busy = used / took
        self.a_frame_s = used / (self._count * took)
        return sum(talk.result() for talk in talks)

    async def _talk(self, number: int) -> int:
        async with self._opening:
            reader, writer = await asyncio.open_connection(HOST, self._server.port)
            writer.write(_hello(self._inlet, number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            writer.write(_frame(["create", None, {"hardwareConcurrency": 2}, now_ms()]))
            writer.write(_frame(["create", "PC_0", {}, 1]))
            await writer.drain()
            self._open += 1
            if self._open == self._count:
                self._all_open.set()
        draining = asyncio.create_task(_drain(reader, writer))
        await self._ready.wait()
        await asyncio.sleep(number / self._count)
        due = time.perf_counter()
        for second in range(self._seconds):
            writer.write(_framed(b'["g","PC_0",%s,%d]' % (_delta(second), now_ms())))
            due += 1.0
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        self.ended += draining.done()
        draining.cancel()
        writer.write(b"\x88\x82\0\0\0\0\x03\xe9")
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        return self._seconds


def _hello(inlet: dict[str, Any], number: int) -> bytes:
    """The request that opens a socket."""
    claim = {
        "user": f"u{number}",
        "session": f"00000000-0000-4000-8000-{number:012d}",
        "conference": f"call {number // A_CALL}",
    }
    token = jwt.encode({"rtcStats": claim}, inlet["secret"], algorithm="HS256")
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /in/{inlet['id']}?rtcstats-token={token} HTTP/1.1\r\nhost: {HOST}\r\n"
        "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
        f"sec-websocket-protocol: rtcstats#5.0\r\nsec-websocket-key: {key}\r\n\r\n"
    ).encode()


async def _drain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer pings, as any client does, until the server ends the connection."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readexactly(2)
            body = await reader.readexactly(head[1] & 0x7F)
            if head[0] & 0x0F == 8:
                return
            if head[0] & 0x0F == 9:
                writer.write(bytes((0x8A, 0x80 | len(body))) + b"\0\0\0\0" + body)


def _waited_s(server: Server) -> float:
    """How long threads of the server were ready to run while others had the core (Linux)."""
    told = Path(f"/proc/{server.process.pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[1]) for one in told) / 1e9


_SAMPLES = connections(CLEAN)[0].samples
_BODIES: dict[int, bytes] = {}


def _delta(second: int) -> bytes:
    """What changed in that second of the recorded call, as the library writes it but for the
    numbers that it puts in place of names; made once for all sockets."""
    found = _BODIES.get(second)
    if found is None:
        found = _BODIES[second] = json.dumps(_changes(second), separators=(",", ":")).encode()
    return found


def _changes(second: int) -> dict[str, Any]:
    began = now_ms() - second * 1_000
    before = {} if second == 0 else _report(second - 1, began)
    whole = _report(second, began)
    newest = max(stat["timestamp"] for stat in whole.values())
    changes: dict[str, Any] = {"t": newest}
    for stat_id, stat in whole.items():
        known = before.get(stat_id, {})
        fresh = {
            k: v for k, v in stat.items() if k not in ("id", "timestamp") and known.get(k) != v
        }
        if stat["timestamp"] != newest:
            fresh["t"] = stat["timestamp"]
        if fresh:
            changes[stat_id] = fresh
    return changes


def _report(second: int, began: int) -> dict[str, dict[str, Any]]:
    sample = _SAMPLES[second % len(_SAMPLES)]
    by = began + second * 1_000 - sample.t
    return {stat["id"]: stat for stat in moved(sample.report, by)}


def _frame(row: list[Any]) -> bytes:
    return _framed(json.dumps(row, separators=(",", ":")).encode())


def _framed(body: bytes) -> bytes:
    """A masked text frame; the mask is zero, which costs neither end anything."""
    size = len(body)
    if size < 126:
        head = bytes((0x81, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x81, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + body
