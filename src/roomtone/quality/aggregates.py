"""Aggregates of readings that merge exactly: what the ``*_cumulative`` objects are made of.

Each keeps integers only, so adding one by one, in pieces, in any order, or merging the pieces gives
the same state and the same numbers to the last bit. A value enters as a whole number of nano-units
(1e-9 of the published unit), which keeps the mean within 1e-9 of that of the published values;
thresholds are compared with the value itself. A value that is None or not finite was not measured
and is skipped. Nothing measured renders as ``{}`` (contract 6.2).

Percentiles are of Hyndman and Fan's type 7, linear between closest ranks (numpy's default,
PostgreSQL's ``percentile_cont``). They go from low to high for every metric, so for a MOS p90 is
the *good* end; :meth:`Spread.percentile` gives p10 where the bad end is asked for.

Size: a spread holds one count for each distinct value, and readings publish rounded values (401 for
a MOS); at worst it holds as many as there are readings, which model/limits.py bounds.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from math import isfinite
from typing import ClassVar, Self

from msgspec import Struct, field

NANO = 1_000_000_000
PERCENTILES = (50, 75, 90)


class Tally(Struct):
    """How many values, their sum, and counts: what :class:`Events` and :class:`Spread` share."""

    n: int = 0
    sum_nano: int = 0
    counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self:
        """The state of all the values at once."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    def add(self, value: float | None) -> None:
        """Count one value, in the published unit."""
        if value is None or not isfinite(value):
            return
        nano = round(value * NANO)
        self.n += 1
        self.sum_nano += nano
        self._count(value, nano)

    def merged(self, other: Self) -> Self:
        """Both together; neither is changed."""
        counts = dict(self.counts)
        for key, count in other.counts.items():
            counts[key] = counts.get(key, 0) + count
        return type(self)(self.n + other.n, self.sum_nano + other.sum_nano, counts)

    @property
    def avg(self) -> float | None:
        """The mean; None when empty."""
        return self.sum_nano / (self.n * NANO) if self.n else None

    def _count(self, value: float, nano: int) -> None:
        """By value; :class:`Events` counts by threshold instead."""
        self.counts[nano] = self.counts.get(nano, 0) + 1


class Events(Tally):
    """Mean, and share of values at or over each threshold; a subclass says which.

    ``counts``: threshold → number of values at or over it (absent: 0).
    """

    THRESHOLDS: ClassVar[tuple[int, ...]] = ()
    """Ascending, in the published unit."""
    UNIT: ClassVar[str] = ""

    def render(self) -> dict[str, float]:
        """``{"avg": …, "<N><unit>_or_greater_event_fraction": …}``; ``{}`` when empty."""
        avg = self.avg
        if avg is None:
            return {}
        shares = {
            f"{threshold}{self.UNIT}_or_greater_event_fraction": self.counts.get(threshold, 0)
            / self.n
            for threshold in self.THRESHOLDS
        }
        return {"avg": avg, **shares}

    def _count(self, value: float, nano: int) -> None:
        for threshold in self.THRESHOLDS:
            if value < threshold:
                break
            self.counts[threshold] = self.counts.get(threshold, 0) + 1


class PacketLoss(Events):
    """``packet_loss``: interval loss in percent."""

    THRESHOLDS: ClassVar[tuple[int, ...]] = (5, 10, 25, 50)


class Delay(Events):
    """``rtt`` and ``jitter_buffer_delay``: milliseconds."""

    THRESHOLDS: ClassVar[tuple[int, ...]] = (100, 250, 500)
    UNIT: ClassVar[str] = "ms"


class Spread(Tally):
    """``quality_mos``, ``frame_per_second``, ``frame_width``: mean and percentiles.

    ``counts``: value in nano-units → how often.
    """

    def render(self) -> dict[str, float]:
        """``{"avg": …, "p50": …, "p75": …, "p90": …}``; ``{}`` when empty."""
        avg = self.avg
        if avg is None:
            return {}
        found = zip(PERCENTILES, self._percentiles(PERCENTILES), strict=True)
        return {"avg": avg, **{f"p{percent}": value for percent, value in found}}

    def percentile(self, percent: int) -> float | None:
        """The type 7 percentile, ``percent`` from 0 to 100; None when empty."""
        return self._percentiles((percent,))[0] if self.n else None

    def _percentiles(self, percents: tuple[int, ...]) -> list[float]:
        values = sorted(self.counts)
        # reached[i]: how many readings are at or under values[i], so rank r is the first over r.
        reached = list(accumulate(self.counts[value] for value in values))
        last = self.n - 1
        found = []
        for percent in percents:
            rank, rest = divmod(last * percent, 100)
            low = values[bisect_right(reached, rank)]
            high = values[bisect_right(reached, min(rank + 1, last))]
            # Integers up to this one division.
            found.append((low * (100 - rest) + high * rest) / (100 * NANO))
        return found
