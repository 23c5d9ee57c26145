"""Pace: how long what is being written has taken so far, and when that is too long to line up for.

A disk that takes seconds for a sync, or a synchronous standby that is gone, stops nobody: all that
comes waits in memory, until its sender gives up and sends it again. So while one transaction has
been under way for ``LATE_S``, what comes is refused at once, and its sender keeps it.
"""

import time
from types import TracebackType

from roomtone.model.errors import Failed

LATE_S = 5.0
"""Several times what a busy disk takes. Who lines up behind it waits as long again, and pages and
proxies give a request half a minute or a whole one."""


class Pace:
    """Of one writer: ``with pace:`` around each of its transactions, or ``begin`` and ``end``."""

    def __init__(self, hint: str) -> None:
        """``hint``: what the operator is to look at."""
        self._hint = hint
        self._began: float | None = None

    def begin(self) -> None:
        """One is under way."""
        self._began = time.monotonic()

    def end(self) -> None:
        """It is over, however it ended."""
        self._began = None

    def __enter__(self) -> None:
        self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def check(self) -> None:
        """Raises Failed while one takes too long."""
        began = self._began
        if began is not None and (takes_s := time.monotonic() - began) > LATE_S:
            raise Failed(f"A write has been under way for {takes_s:.0f} s.", self._hint)
