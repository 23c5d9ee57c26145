"""Live stories: what a session that is not sealed was like up to now.

Made from the journal of all of its peers, so they are kept for a while: at least three seconds, and
ten times as long as the making took, so that at most a tenth of the time goes into it however often
somebody asks.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from roomtone.findings.session import Story
from roomtone.model.times import holds
from roomtone.ports.clock import Clock

LEAST_MS = 3_000
MOST_MS = 60_000
TIMES = 10
MAX_KEPT = 256
"""Sessions; a story is a few KB."""

Make = Callable[[str], Awaitable[Story]]


class LiveStories:
    """Remembers them; those who ask at once share one making."""

    def __init__(self, make: Make, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._kept: OrderedDict[str, tuple[int, Story]] = OrderedDict()
        self._making: dict[str, asyncio.Task[Story]] = {}

    async def story(self, session_id: str) -> Story:
        """The story of a session, made anew if the last one is too old."""
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

    async def _made(self, session_id: str) -> Story:
        begun = self._clock.now()
        story = await self._make(session_id)
        now = self._clock.now()
        good_until = now + min(MOST_MS, max(LEAST_MS, TIMES * (now - begun)))
        self._kept[session_id] = (good_until, story)
        self._kept.move_to_end(session_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return story
