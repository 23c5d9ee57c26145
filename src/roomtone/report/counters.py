"""Counters: what running totals do besides growing. Rules of quality.md 1.1 (3, 4, 5)."""

from math import isnan, nan


class Losses:
    """``packetsLost`` is signed and falls when late packets arrive: a debt is carried forward.

    10 → 8 → 12 is 0 and then 2, not 4. A total that did not move is 0, debt or not: whoever folds
    may look for that first.
    """

    __slots__ = ("_carry", "total")

    def __init__(self) -> None:
        self.total: float = 0.0
        """At the last call; NaN, which equals nothing, while it is not known."""
        self._carry = 0.0

    def copy(self) -> "Losses":
        """As it is now."""
        twin = Losses()
        twin.total, twin._carry = self.total, self._carry
        return twin

    def lost(self, total: float | None) -> float | None:
        """Packets lost since the last call; None when not known."""
        if total is None:
            return None
        last = self.total
        self.total = total
        if isnan(last):
            return None
        lost = total - last + self._carry
        if lost < 0:
            self._carry = lost
            return 0.0
        self._carry = 0.0
        return lost

    def restart(self, total: float | None) -> None:
        """A new epoch begins at ``total``; None: at whatever comes next."""
        self.total = nan if total is None else total
        self._carry = 0.0
