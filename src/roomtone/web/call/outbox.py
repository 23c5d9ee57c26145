"""What waits to be sent to one page: bounded, so a slow reader costs itself and nobody else."""

import asyncio
from collections import deque

from roomtone.model.limits import MAX_CALL_WAITING_BYTES


class Outbox:
    """Messages in order, then how it ends. One reader."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self.ended: tuple[int, str] | None = None
        """The WebSocket close code and its reason, once there is one."""

    def put(self, text: str) -> bool:
        """Have a message sent; False if the reader is too far behind, or the end is set."""
        size = len(text)
        if self.ended is not None or self._size + size > MAX_CALL_WAITING_BYTES:
            return False
        self._waiting.append(text)
        self._size += size
        self._more.set()
        return True

    def end(self, code: int, reason: str) -> None:
        """Nothing more after what waits; the first end holds."""
        if self.ended is None:
            self.ended = (code, reason)
            self._more.set()

    def drop(self) -> None:
        """Send nothing of what waits any more."""
        self._waiting.clear()
        self._size = 0

    async def next(self) -> str | None:
        """The next message; None when it has ended and nothing waits."""
        while not self._waiting:
            if self.ended is not None:
                return None
            self._more.clear()
            await self._more.wait()
        text = self._waiting.popleft()
        self._size -= len(text)
        return text
