"""How much somebody may say: so much at once, and so much a second."""


class Allowance:
    """A bucket that fills by ``per_s`` a second up to ``at_once``."""

    __slots__ = ("_at", "_left", "_most", "_per_ms")

    def __init__(self, per_s: float, at_once: int, now: int) -> None:
        self._per_ms = per_s / 1000
        self._most = float(at_once)
        self._left = float(at_once)
        self._at = now

    def take(self, now: int) -> bool:
        """One more at ``now`` (epoch ms); False when there is none left."""
        # A clock that was set back fills nothing.
        self._left = min(self._most, self._left + max(0, now - self._at) * self._per_ms)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
