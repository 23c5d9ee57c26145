"""Columns of numbers as small integers, exactly.

A browser's numbers are doubles, but few of them are arbitrary: a counter is a whole number, a time
has three or six decimals, a level is a 32767th, and a duration is a sum of hundredths whose last
bits have drifted. So a column of doubles v is written as

    v = the double nearest to n / d, moved by u places among the doubles

with one divisor d for the column, and whole n and u for each value; u is mostly 0 throughout and
then left out. What fits no divisor, such as audio energy, keeps its 64-bit pattern as n. Either way
the very same double comes back, negative zero and not-a-number included.

Of the whole numbers, differences are kept: from zero, from the value before, from the step before
(a counter that grows steadily), or, for clocks, from the value before as seen from the snapshot's
own time. The encoder tries all and keeps the shortest; the column's spec tells which one it was.
Arithmetic is modulo 2^64 on both sides, so overflow is harmless.

The integers of all columns make one stream of zigzag varints, cut and joined by NumPy.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

DIVISORS = (1.0, 10.0, 100.0, 1e3, 1e6, 1e9, 32767.0)
"""Stored by their place, so only ever append. 32767: Chrome's audio levels are 16-bit samples."""
_PATTERN = len(DIVISORS)
"""In the place of a divisor: n is the bit pattern."""
_TIMED = 5
"""Divisors before this one are powers of ten up to a microsecond's: a clock may have them."""
_WHOLE = 2.0**53
_MOST_MOVED = 1 << 20
"""Past this the bit pattern is no longer than n and u."""

_PLAIN, _STEPS, _BENDS, _CLOCK = range(4)


class IntWriter:
    """Collects integers into one stream."""

    def __init__(self) -> None:
        self._parts: list[Ints] = []

    def add(self, ints: Ints | list[int]) -> None:
        """Append."""
        self._parts.append(np.asarray(ints, np.int64))

    def encoded(self) -> bytes:
        """Zigzag varints: seven bits a byte, lowest first, the last byte below 128."""
        values = _zigzag(np.concatenate([np.empty(0, np.int64), *self._parts]))
        lengths = np.ones(len(values), np.int64)
        for k in range(1, 10):
            lengths += values >= np.uint64(1 << 7 * k)
        ends = np.cumsum(lengths)
        stream = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
        starts = ends - lengths
        for k in range(int(lengths.max(initial=0))):
            here = lengths > k
            more = (lengths[here] > k + 1).astype(np.uint8) << 7
            seven = (values[here] >> np.uint64(7 * k)).astype(np.uint8) & 127
            stream[starts[here] + k] = seven | more
        return stream.tobytes()


class IntReader:
    """Gives the integers of a stream back in order."""

    def __init__(self, encoded: bytes) -> None:
        stream = np.frombuffer(encoded, np.uint8)
        ends = np.flatnonzero(stream < 128) + 1
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
        lengths = ends - starts
        values = np.zeros(len(ends), np.uint64)
        for k in range(int(lengths.max(initial=0))):
            here = lengths > k
            seven = (stream[starts[here] + k] & 127).astype(np.uint64)
            values[here] |= seven << np.uint64(7 * k)
        self._ints = (values >> np.uint64(1)).view(np.int64) ^ -(values & np.uint64(1)).view(
            np.int64
        )
        self._at = 0

    def take(self, count: int) -> Ints:
        """The next ``count``."""
        taken = self._ints[self._at : self._at + count]
        self._at += count
        return taken


def write_floats(values: npt.NDArray[np.float64], times: Ints, out: IntWriter) -> list[int]:
    """Write a column; returns its spec, which :func:`read_floats` needs. ``times``: epoch ms."""
    patterns = values.view(np.int64)
    best_cost, best = np.inf, (_PATTERN, patterns, np.zeros_like(patterns))
    for place, divisor in enumerate(DIVISORS):
        with np.errstate(all="ignore"):
            scaled = np.rint(values * divisor)
            if not (np.abs(scaled) < _WHOLE).all():
                continue
            whole = scaled.astype(np.int64)
            moved = patterns - (whole / divisor).view(np.int64)
        if ((moved > _MOST_MOVED) | (moved < -_MOST_MOVED)).any():
            continue
        cost = _shortest(whole, None)[0] + _shortest(moved, None)[0]
        if cost < best_cost:
            best_cost, best = cost, (place, whole, moved)
        if not moved.any():
            break  # exact: a larger divisor would only make larger numbers
    if best_cost > _shortest(patterns, None)[0]:
        best = (_PATTERN, patterns, np.zeros_like(patterns))
    place, whole, moved = best
    clock = times * int(DIVISORS[place]) if place < _TIMED else None
    _, how, ints = _shortest(whole, clock)
    out.add(ints)
    if not moved.any():
        return [place, how]
    _, moved_how, ints = _shortest(moved, None)
    out.add(ints)
    return [place, how, moved_how]


def read_floats(spec: list[int], times: Ints, source: IntReader) -> list[float]:
    """The column of a spec, one value for each of ``times``."""
    place, how = spec[0], spec[1]
    clock = times * int(DIVISORS[place]) if place < _TIMED else None
    whole = _restored(how, source.take(len(times)), clock)
    if place == _PATTERN:
        patterns = whole
    else:
        patterns = (whole / DIVISORS[place]).view(np.int64)
        if len(spec) > 2:
            patterns = patterns + _restored(spec[2], source.take(len(times)), None)
    floats: list[float] = patterns.view(np.float64).tolist()
    return floats


def write_ints(ints: Ints, out: IntWriter) -> int:
    """Write a column of whole numbers; returns the way, which :func:`read_ints` needs."""
    _, how, told = _shortest(ints, None)
    out.add(told)
    return how


def read_ints(how: int, count: int, source: IntReader) -> Ints:
    """Read a column of :func:`write_ints`."""
    return _restored(how, source.take(count), None)


def write_times(times: Ints, out: IntWriter) -> None:
    """Write the snapshots' own times."""
    out.add(_bends(times))


def read_times(count: int, source: IntReader) -> Ints:
    """Read them."""
    return _restored(_BENDS, source.take(count), None)


def _zigzag(ints: Ints) -> npt.NDArray[np.uint64]:
    return ((ints << 1) ^ (ints >> 63)).view(np.uint64)


def _steps(ints: Ints) -> Ints:
    return np.diff(ints, prepend=np.int64(0))


def _bends(ints: Ints) -> Ints:
    steps = _steps(ints)
    steps[1:] = _steps(steps[1:])
    return steps


def _shortest(ints: Ints, clock: Ints | None) -> tuple[float, int, Ints]:
    """The (cost in bits, way, integers) of the cheapest way to tell a column of integers."""
    ways = [ints, _steps(ints), _bends(ints)]
    if clock is not None:
        ways.append(_steps(ints - clock))
    costs: Any = np.log2(_zigzag(np.stack(ways)) + 1.0).sum(axis=1)
    how = int(costs.argmin())
    return float(costs[how]), how, ways[how]


def _restored(how: int, told: Ints, clock: Ints | None) -> Ints:
    """The column of integers that :func:`_shortest` told in this way."""
    if how == _PLAIN:
        return told
    if how == _BENDS:
        steps = told.copy()
        steps[1:] = np.cumsum(told[1:])
        return np.cumsum(steps)
    whole = np.cumsum(told)
    return whole + clock if how == _CLOCK and clock is not None else whole
