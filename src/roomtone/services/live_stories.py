"""Live stories: what a session that is not sealed was like up to now.

Made from the journal of all of its peers, so they are kept for a while: at least three seconds, and
ten times as long as the making took, so that at most a tenth of the time goes into it however often
somebody asks.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from msgspec import Struct

from roomtone.findings.session import Story
from roomtone.model.times import holds
from roomtone.ports.clock import Clock
from roomtone.services.folding import Backdrop

LEAST_MS = 3_000
MOST_MS = 300_000
"""Half a minute's work: of sessions that take longer, some more than a tenth of the time."""
TIMES = 10
MAX_KEPT = 256
"""Sessions; a story is a few KB, and what goes with it about 1 KB for each peer."""


class Live(Struct, frozen=True):
    """What a session was like up to some moment, and what is needed for one peer's report."""

    story: Story
    backdrop: Backdrop


Make = Callable[[str], Awaitable[Live]]


class LiveStories:
    """Remembers them; those who ask at once share one making."""

    def __init__(self, make: Make, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._kept: OrderedDict[str, tuple[int, Live]] = OrderedDict()
        self._making: dict[str, asyncio.Task[Live]] = {}

    async def live(self, session_id: str) -> Live:
        """The story of a session with its backdrop, made anew if the last one is too old."""
        kept = self._kept.get(session_id)
        if kept is not None and holds(self._clock.now(), kept[0], MOST_MS):
            return kept[1]
        task = self._making.get(session_id)
        if task is None:
            task = asyncio.create_task(self._made(session_id))
            self._making[session_id] = task
            task.add_done_callback(lambda _: self._making.pop(session_id, None))
        # Whoever asked first may hang up; the others still wait for it.
        return await asyncio.shield(task)

    async def _made(self, session_id: str) -> Live:
        begun = self._clock.now()
        live = await self._make(session_id)
        now = self._clock.now()
        good_until = now + min(MOST_MS, max(LEAST_MS, TIMES * (now - begun)))
        self._kept[session_id] = (good_until, live)
        self._kept.move_to_end(session_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return live
