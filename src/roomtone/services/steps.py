"""Steps: noticing that somebody set the machine's clock.

Times that are written down are the machine's. Its clock may be set back or forth at any moment, and
a machine that slept wakes up with one that is far ahead; what is measured across such a step is
wrong by as much. Whoever measures compares the clock with one that only ever runs.
"""

from roomtone.ports.clock import Clock

LEAST_MS = 2_000
"""Less is a clock being corrected as it should be, little by little."""


class Steps:
    """Compares two clocks, look by look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._between: float | None = None

    def look(self, steady_s: float) -> int:
        """By how many milliseconds the clock was set since the last look, 0: not at all.

        ``steady_s``: seconds of a clock that nobody sets, as ``loop.time()``.
        """
        between = self._clock.now() - steady_s * 1000
        before, self._between = self._between, between
        step = 0 if before is None else round(between - before)
        return step if abs(step) >= LEAST_MS else 0
