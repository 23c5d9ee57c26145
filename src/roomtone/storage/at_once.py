"""AtOnce: reads so short that they run on the event loop's own thread.

A read on another thread takes that thread's turns at Python's global lock, at each statement anew:
beside a busy loop, half a millisecond of reading took thirty. So reads of a kind that has been
short, and lately, run at once. Those of a kind that is not known have a thread.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import TypeVar

R = TypeVar("R")

SHORT_S = 0.002
UNKNOWN_S = 0.020
"""A kind is believed to take so long at first: some ten reads bring that down."""
NEWS = 0.2
"""What one read counts beside all before it."""
LATELY_S = 10.0
"""Within this: what has not been asked for a while may have much to catch up with, and its pages
may lie on the disk."""
TURN_S = 0.002
"""Of a turn of the loop; then threads have the rest, and whoever reads on and on lets others in."""


class _Kind:
    __slots__ = ("last_at", "typical_s")

    def __init__(self) -> None:
        self.typical_s = UNKNOWN_S
        self.last_at = 0.0


class AtOnce:
    """Of one event loop's reads."""

    def __init__(
        self,
        steady: Callable[[], float] = time.perf_counter,
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        """Clocks, in seconds: one that only runs, and one of what this thread has done."""
        self._steady = steady
        self._worked = worked
        self._kinds: dict[Hashable, _Kind] = {}
        self._left_s = TURN_S
        self._turning = False

    def may(self, kind: Hashable) -> bool:
        """Whether the next of this kind is to run at once."""
        known = self._kinds.get(kind)
        return (
            known is not None
            and known.typical_s < SHORT_S
            and self._left_s > 0
            and self._steady() - known.last_at < LATELY_S
        )

    def run(self, kind: Hashable, read: Callable[[], R]) -> R:
        """Run it here."""
        began, had_worked = self._steady(), self._worked()
        try:
            return read()
        finally:
            took = self._steady() - began
            # A moment's wait is for the lock; a long one is for the disk, and counts.
            self._note(kind, took if took > UNKNOWN_S else self._worked() - had_worked)
            self._spend(took)

    def on_a_thread(self, kind: Hashable, read: Callable[[], R]) -> R:
        """Run it on this thread, which is a reader's, and waits for its turns: what counts is what
        it does."""
        had_worked = self._worked()
        try:
            return read()
        finally:
            self._note(kind, self._worked() - had_worked)

    def _note(self, kind: Hashable, took: float) -> None:
        known = self._kinds.setdefault(kind, _Kind())
        known.typical_s += NEWS * (took - known.typical_s)
        known.last_at = self._steady()

    def _spend(self, took: float) -> None:
        self._left_s -= took
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Another turn of the loop."""
        self._left_s, self._turning = TURN_S, False
