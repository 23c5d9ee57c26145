"""Frames of sockets stand in the line of batches: they starve nobody, and their senders wait."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from roomtone.web.gate import AT_ONCE
from roomtone.web.traffic import TRY_AGAIN, Traffic

FRAME = "x" * 100
SOCKETS, FRAMES = 200, 5


class Wire:
    """One socket: frames that lie ready, and how many of them were taken."""

    def __init__(self, frames: int) -> None:
        self.left = deque({"type": "websocket.receive", "text": FRAME} for _ in range(frames))
        self.sent: list[Message] = []
        self.codes: list[int] = []

    async def receive(self) -> Message:
        if self.left:
            return self.left.popleft()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


class World:
    """Sockets through Traffic, to an application that counts what it is given and when."""

    def __init__(self, **limits: Any) -> None:
        self.turned_away: list[str] = []
        self.traffic = Traffic(self.application, turned_away=self.turned_away.append, **limits)
        self.wires: list[Wire] = []
        self.turn = 0
        self.frames_in: list[int] = []
        """The turn of the event loop in which each frame was dealt with."""
        self.held: Callable[[], Any] | None = None
        """What dealing with a frame waits for."""

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = self.wires[scope["number"]]
        while (message := await receive())["type"] == "websocket.receive":
            self.frames_in.append(self.turn)
            if self.held is not None:
                await self.held()
        wire.codes.append(message["code"])

    async def talk(self, wire: Wire, path: str = "/in/one") -> None:
        scope = {"type": "websocket", "path": path, "headers": [], "number": len(self.wires)}
        self.wires.append(wire)
        await self.traffic(scope, wire.receive, wire.send)

    def run(self, *talks: Any) -> None:
        async def main() -> None:
            def count() -> None:
                self.turn += 1
                self.counting = asyncio.get_running_loop().call_soon(count)

            count()
            async with asyncio.timeout(20):
                await asyncio.gather(*talks)
            self.counting.cancel()

        asyncio.run(main())
        assert self.traffic.held_bytes == 0
        assert len(self.traffic.gate) == 0


def test_a_few_frames_begin_in_a_turn_however_many_are_ready() -> None:
    world = World()
    world.run(*(world.talk(Wire(FRAMES)) for _ in range(SOCKETS)))
    assert len(world.frames_in) == SOCKETS * FRAMES
    busiest = max(map(world.frames_in.count, set(world.frames_in)))
    assert busiest <= AT_ONCE


def test_a_socket_is_not_read_on_while_its_frame_waits() -> None:
    world = World()
    wires = [Wire(FRAMES) for _ in range(SOCKETS)]

    async def look() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        # Each has been read once; who has had a turn, once more.
        taken = sum(FRAMES - len(wire.left) for wire in wires)
        assert SOCKETS <= taken <= SOCKETS + len(world.frames_in)
        assert len(world.traffic.gate) > SOCKETS - 5 * AT_ONCE
        assert world.traffic.held_bytes <= SOCKETS * len(FRAME)

    world.run(*map(world.talk, wires), look())


def test_sockets_that_hold_too_much_together_are_ended_and_told_so() -> None:
    world = World(most_bytes=10 * len(FRAME))
    over = asyncio.Event()
    world.held = over.wait

    async def story() -> None:
        await asyncio.sleep(0.05)
        over.set()

    wires = [Wire(1) for _ in range(15)]
    world.run(*map(world.talk, wires), story())
    assert sorted(wire.codes[0] for wire in wires) == [1000] * 10 + [TRY_AGAIN] * 5
    closed = [wire for wire in wires if wire.codes == [TRY_AGAIN]]
    assert [wire.sent[0]["code"] for wire in closed] == [TRY_AGAIN] * 5
    assert world.turned_away == ["/in/one"] * 5


def test_sockets_that_bring_no_telemetry_stand_in_no_line() -> None:
    world = World()
    world.run(*(world.talk(Wire(1), "/call/socket") for _ in range(4 * AT_ONCE)))
    assert len(set(world.frames_in)) == 1
