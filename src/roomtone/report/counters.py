"""Counters: what running totals do besides growing. Rules of quality.md 1.1 (3, 4, 5)."""

Total = float | None


def fell(before: Total, now: Total) -> bool:
    """Whether a counter that can only grow went down: its stream began anew."""
    return before is not None and now is not None and now < before


class Losses:
    """``packetsLost`` is signed and falls when late packets arrive: a debt is carried forward.

    10 → 8 → 12 is 0 and then 2, not 4.
    """

    __slots__ = ("_carry", "_last")

    def __init__(self) -> None:
        self._last: float | None = 0.0
        self._carry = 0.0

    def copy(self) -> "Losses":
        """As it is now."""
        twin = Losses()
        twin._last, twin._carry = self._last, self._carry
        return twin

    def lost(self, total: float | None) -> float | None:
        """Packets lost since the last call; None when not known."""
        if total is None:
            return None
        last = self._last
        self._last = total
        if last is None:
            return None
        lost = total - last + self._carry
        if lost < 0:
            self._carry = lost
            return 0.0
        self._carry = 0.0
        return lost

    def restart(self, total: float | None) -> None:
        """A new epoch begins at ``total``; None: at whatever comes next."""
        self._last = total
        self._carry = 0.0
