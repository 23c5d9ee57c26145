"""Gate: batches are begun a few at a time, so that whoever asks something never stands behind them.

One event loop serves everybody, and goes around once everything that is ready had its turn. A
thousand batches that are ready at once make one turn of half a second, and an answer takes four or
five turns: it is accepted, read, looked up by another thread, and told. So batches wait in a line
of their own, and each turn begins only a few. Nobody is slower for it where there is time enough:
the line moves with every turn, and turns are short then.

Only what costs this process its time is held back. Who waits for the disk has begun.
"""

import asyncio
from collections import deque

AT_ONCE = 4
"""Batches begun in one turn: about a millisecond of work."""
AT_ONCE_BYTES = 256 * 1024
"""Their bodies together; one that is larger is begun alone."""


class Gate:
    """Of one event loop."""

    def __init__(self) -> None:
        self._line: deque[tuple[asyncio.Future[None], int]] = deque()
        self._left = AT_ONCE
        self._left_bytes = AT_ONCE_BYTES
        self._turning = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._line)

    async def passed(self, size: int) -> None:
        """Wait for a turn. ``size``: of the body, in bytes."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            loop.call_soon(self._turn, loop)
        if not self._line and self._begin(size):
            return
        mine = loop.create_future()
        self._line.append((mine, size))
        await mine

    def _begin(self, size: int) -> bool:
        """Whether this turn has room for one more; the first has it, whatever its size."""
        if self._left < AT_ONCE and (self._left == 0 or self._left_bytes < size):
            return False
        self._left -= 1
        self._left_bytes -= size
        return True

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another turn of the loop: let in whose turn it is."""
        self._left, self._left_bytes = AT_ONCE, AT_ONCE_BYTES
        if not self._line:
            self._turning = False
            return
        while self._line:
            first, size = self._line[0]
            if not first.done() and not self._begin(size):
                break
            self._line.popleft()
            if not first.done():  # else nobody waits any more
                first.set_result(None)
        loop.call_soon(self._turn, loop)
