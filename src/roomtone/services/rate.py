"""Rate limits: a sliding window of two counted halves per key, in memory."""

from collections import OrderedDict

WINDOW_MS = 300_000
"""Five minutes, the window of the vendor's own limit (contract 1.11)."""
MAX_KEYS = 50_000


class RateLimit:
    """At most ``limit`` requests per key in five minutes; 0 means no limit."""

    retry_after_s = 30

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: OrderedDict[str, list[int]] = OrderedDict()

    def allow(self, key: str, now: int) -> bool:
        """Count one request; False if it is over the limit."""
        if self._limit == 0:
            return True
        number = now // WINDOW_MS
        window = self._windows.get(key)
        # A window ahead of ours was begun before the clock was set back.
        if window is None or window[0] != number:
            before = window[1] if window is not None and window[0] == number - 1 else 0
            window = [number, 0, before]
            self._windows[key] = window
            self._windows.move_to_end(key)
            if len(self._windows) > MAX_KEYS:
                self._windows.popitem(last=False)
        left_of_before = window[2] * (WINDOW_MS - now % WINDOW_MS) // WINDOW_MS
        if window[1] + left_of_before >= self._limit:
            return False
        window[1] += 1
        return True
