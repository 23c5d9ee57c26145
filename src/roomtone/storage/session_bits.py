"""Packed flags of rows, eight a byte, and what they are made from: numbers and names.

One operation on packed flags asks eight rows a byte, so a filter looks at as little memory as it
can, and what comes in between stays in the nearest cache. Numbers are *sliced*: the lowest bit of
each row's number lies packed, then the next bit, and so on. Comparing them with a bound takes one
operation a bit, which is quicker than comparing even numbers of one byte.

Flags that were handed out are shared: nobody changes them in their place.
"""

from functools import reduce

import numpy as np

from roomtone.storage.session_columns import Array
from roomtone.storage.session_search import Bytes, Flags, Numbers, Sets

Fitting = Bytes | bool
"""Packed flags; True and False: all rows, none."""
SPARSE = 64
"""Of so many rows one: fewer are kept as a list of places, not as flags."""


def places_of(flags: Fitting, length: int) -> Numbers:
    """The places of the rows that have a flag."""
    if isinstance(flags, bool):
        return np.arange(length if flags else 0)
    return np.flatnonzero(unpacked(flags, length))


def unpacked(flags: Bytes, length: int) -> Flags:
    """A bool for each row."""
    return np.unpackbits(flags, count=length).view(np.bool_)


def count(flags: Bytes) -> int:
    """How many rows have a flag."""
    words = len(flags) & ~7
    counts = np.bitwise_count(flags[:words].view(np.uint64))
    return int(counts.sum()) + int(np.bitwise_count(flags[words:]).sum())


def clear(flags: Bytes, places: Numbers) -> None:
    """Take the flags of the rows at these places away, in their place."""
    np.bitwise_and.at(flags, places >> 3, ~np.right_shift(128, places & 7).astype(np.uint8))


def stretch(start: int, end: int, length: int) -> Bytes:
    """The rows from ``start`` to before ``end``."""
    flags = np.zeros(length, np.bool_)
    flags[start:end] = True
    return np.packbits(flags)


class Slices:
    """A number for each row, sliced. Only what is above the least of them takes bits."""

    def __init__(self, numbers: Array) -> None:
        self._length = len(numbers)
        self._least = int(numbers.min()) if self._length else 0
        self._most = int(numbers.max()) if self._length else 0
        above = self._most - self._least
        kind = np.min_scalar_type(above)
        offsets = (numbers.astype(np.int64) - self._least).astype(kind)
        self._slices = [
            np.packbits((offsets & kind.type(1 << bit)).astype(np.bool_))
            for bit in range(above.bit_length())
        ]
        """From the lowest bit on."""

    def between(self, low: int | None, high: int | None) -> Fitting:
        """The rows whose number is ``low`` … ``high``, inclusive; None: no bound."""
        if low is not None and high is not None and low > high:
            return False
        least = low is None or self._at_least(low)
        more = high is not None and self._at_least(high + 1)
        if more is False or least is False:
            return least
        if more is True:
            return False
        if least is not True:
            # Who has more than ``high`` has at least ``low``.
            return np.bitwise_xor(least, more)
        flags = np.invert(more)
        if self._length % 8:
            flags[-1] &= 0xFF << (-self._length % 8) & 0xFF
        return flags

    def _at_least(self, bound: int) -> Fitting:
        if bound <= self._least:
            return True
        if bound > self._most:
            return False
        above = bound - self._least
        lowest = (above & -above).bit_length() - 1
        # With no bit of the bound below this one, who has it here has enough so far.
        flags = self._slices[lowest]
        for bit, held in enumerate(self._slices[lowest + 1 :], lowest + 1):
            # Where the bound has a bit, a number needs it; where it has none, one that has it is
            # above the bound whatever its lower bits are.
            combine = np.bitwise_and if above >> bit & 1 else np.bitwise_or
            flags = combine(flags, held)
        return flags


class Names:
    """Which rows hold which name: flags, or their places if they are few."""

    def __init__(self, numbers: Array, sets: Sets) -> None:
        """``numbers``: of each row's set."""
        self._length = len(numbers)
        self._held: dict[int, Array | bool] = {}
        """By name; True: all rows."""
        if not self._length:
            return  # Most apps are small, and have no row in a block.
        places, names = sets.members(numbers)
        places = places[np.argsort(names, kind="stable")]
        counts = np.bincount(names)
        ends = np.cumsum(counts)
        self._held = {
            name: self._kept(places[ends[name] - counts[name] : ends[name]])
            for name in np.flatnonzero(counts).tolist()
        }

    def any_of(self, names: list[int]) -> Fitting:
        """The rows that hold any of these names."""
        found = [self._held[name] for name in names if name in self._held]
        if not found or any(held is True for held in found):
            return bool(found)
        return reduce(np.bitwise_or, map(self._flags, found))

    def _kept(self, places: Array) -> Array | bool:
        if len(places) == self._length:
            return True
        if len(places) * SPARSE < self._length:
            return places.astype(np.uint32)
        return self._flags(places)

    def _flags(self, held: Array | bool) -> Bytes:
        """Of a name that not all rows hold."""
        if isinstance(held, np.ndarray) and held.dtype == np.uint8:
            return held
        flags = np.zeros(self._length, np.bool_)
        flags[held] = True
        return np.packbits(flags)
