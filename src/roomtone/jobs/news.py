"""News: whether another look at the rows could find anything that the one before did not.

A loop that asks the rows five times a second costs the most where nothing ever happens. Whether
anything was committed since is a question of microseconds, so a loop looks when something was, for
a while afterwards (what has settled for so long is due), and now and then in any case (a second try
is due by the clock alone).
"""

import time
from collections.abc import Callable, Hashable

from roomtone.model.errors import Failed
from roomtone.ports.records import Records


class News:
    """Asked at every tick of one loop."""

    def __init__(
        self,
        records: Records,
        *,
        linger_s: float,
        at_least_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``linger_s``: how long after a commit rows become due by it; ``at_least_s``: the longest
        time without a look; ``now``: seconds, of a clock that is never set."""
        self._records = records
        self._linger_s = linger_s
        self._at_least_s = at_least_s
        self._now = now
        self._version: Hashable = None
        self._stirred_at = now()
        self._looked_at = float("-inf")

    def worth_a_look(self) -> bool:
        """Whether to look; the first time, and while the database does not say, always."""
        now = self._now()
        try:
            version = self._records.version()
        except Failed:  # what is wrong is told by the look itself
            return True
        if version != self._version:
            self._version = version
            self._stirred_at = now
        elif now - self._stirred_at > self._linger_s and now - self._looked_at < self._at_least_s:
            return False
        self._looked_at = now
        return True
