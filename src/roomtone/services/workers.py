"""Membership: who of several processes leads, and whose work is taken over.

All of them do the work that is queued; the leader alone looks for what is due, and sees to it that
the dead are replaced. Two that lead for a moment do no harm: everything they start has a name, and
starts once.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from roomtone.ports.workers import Worker, Workers

BEAT_S = 1.0
DEAD_S = 6.0
"""Six beats: a machine that is busy misses one or two. Who is taken for dead by mistake comes back,
and what was done twice meanwhile has no effect twice."""

TakeOver = Callable[[str], Awaitable[None]]
"""Has the work of a worker that is dead done by others."""

log = structlog.get_logger()


class Leadership:
    """Whether this process leads, to be waited for."""

    def __init__(self, *, leads: bool = False) -> None:
        self.gained = asyncio.Event()
        self.lost = asyncio.Event()
        self.set(leads)

    def set(self, leads: bool) -> None:
        """From now on."""
        if leads:
            self.gained.set()
            self.lost.clear()
        else:
            self.gained.clear()
            self.lost.set()


class Membership:
    """One worker among others."""

    def __init__(self, workers: Workers, worker_id: str, take_over: TakeOver) -> None:
        self._workers = workers
        self._id = worker_id
        self._take_over = take_over
        self._heard: dict[str, tuple[int, float]] = {}
        """By worker: its beats, and when they last moved by this process' own steady clock."""
        self.leadership = Leadership()

    async def run(self) -> None:
        """Beat for ever."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self.beat(loop.time())
                await asyncio.sleep(BEAT_S)
        finally:
            # Who cannot say that it lives must not lead.
            self.leadership.set(False)

    async def beat(self, at: float) -> None:
        """Say that we live and look who else does. ``at``: seconds of a steady clock."""
        everybody = await self._workers.beat(self._id)
        dead = [one for one in everybody if not self._lives(one, at)]
        self._heard = {one.id: self._heard[one.id] for one in everybody if one.id in self._heard}
        first = next(one for one in everybody if one not in dead)
        leads = first.id == self._id
        if leads != self.leadership.gained.is_set():
            log.info("leads" if leads else "follows", worker=self._id, leader=first.id)
            self.leadership.set(leads)
        if leads:
            for one in dead:
                log.info("a worker is gone", worker=one.id, in_peace=one.beats < 0)
                await self._take_over(one.id)
                await self._workers.bury(one.id)

    async def leave(self) -> None:
        """Go in peace: others take over at once."""
        self.leadership.set(False)
        await self._workers.leave(self._id)

    def _lives(self, one: Worker, at: float) -> bool:
        if one.id == self._id:
            return True
        if one.beats < 0:
            return False
        beats, since = self._heard.get(one.id, (None, at))
        if beats != one.beats:
            self._heard[one.id] = (one.beats, at)
            return True
        return at - since < DEAD_S
