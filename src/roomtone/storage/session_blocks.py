"""Stretches of an order, with what filters ask about in the same order.

A filter of ten million rows costs what the memory it reads costs, and most when rows are looked up
one here, one there. So each order is cut into blocks of rows that stand one after the other, with
copies of the columns (:mod:`session_bits`): a filter asks them from end to end, a block of them at
a time, which fits in the processor's cache. Where all rows of a block fit, or none, as its least
and its most tell, nothing of it is read.
"""

from collections.abc import Mapping
from itertools import count
from typing import Protocol

import numpy as np

from roomtone.storage import session_bits
from roomtone.storage.session_bits import Fitting, Names, Slices
from roomtone.storage.session_columns import Array, Columns, one_of
from roomtone.storage.session_search import Bytes, Flags, Numbers, Rows, Sets

SLICED, COPIED = ("people", "mos"), ("bucket",)
"""Columns that are compared with a bound; with two so far apart that a plain copy is quicker."""
NOWHERE = np.empty(0, np.int64)
_STATES = count()


class Stretch(Protocol):
    """Some rows in their order."""

    rows: Rows
    keys: Numbers
    """What they are sorted by, ascending; ties by id."""
    count: int
    """How many still stand here."""
    position: int | None
    """Among the blocks of its order; None: it is none."""
    state: int | None
    """Another one whenever what stands here has changed, and no other block's; None: it is none."""

    def __len__(self) -> int: ...

    @property
    def alive(self) -> Fitting:
        """The rows that still stand here."""

    def within(self, low: int, high: int) -> Fitting:
        """The rows whose keys are ``low`` … ``high``, inclusive."""

    def column(self, name: str) -> Array:
        """The entries of these rows in a column that is copied."""

    def between(self, name: str, low: int | None, high: int | None) -> Fitting:
        """The rows whose entry of a sliced column is ``low`` … ``high``, inclusive; None: no
        bound."""

    def holding(self, name: str, names: list[int]) -> Fitting:
        """The rows whose set of a column has any of these names."""


class Few:
    """A stretch of rows gathered on the spot: what it is asked is looked up by row."""

    alive: Fitting = True
    position: int | None = None
    state: int | None = None

    def __init__(
        self, rows: Rows, keys: Numbers, columns: Columns, sets: Mapping[str, Sets]
    ) -> None:
        self.rows = rows
        self.keys = keys
        self.count = len(rows)
        self._columns = columns
        self._sets = sets

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, places: Numbers) -> "Few":
        """Those at these ascending places."""
        return Few(self.rows[places], self.keys[places], self._columns, self._sets)

    def within(self, low: int, high: int) -> Fitting:
        """See Stretch."""
        return _within(self.keys, low, high)

    def column(self, name: str) -> Array:
        """See Stretch."""
        entries: Array = self._columns[name][self.rows]
        return entries

    def between(self, name: str, low: int | None, high: int | None) -> Fitting:
        """See Stretch."""
        entries = self.column(name)
        flags = np.ones(len(entries), np.bool_)
        if low is not None:
            flags &= entries >= low
        if high is not None:
            flags &= entries <= high
        return np.packbits(flags)

    def holding(self, name: str, names: list[int]) -> Fitting:
        """See Stretch."""
        sets = self._sets[name].holding(names)
        return np.packbits(one_of(self.column(name), sets))


class Block:
    """A stretch that has copies of what filters ask about. It never changes, but for rows that
    leave: they stay in their places, and are marked."""

    def __init__(
        self, rows: Rows, keys: Numbers, columns: Columns, sets: Mapping[str, Sets]
    ) -> None:
        self.rows = rows
        self.keys = keys
        self.span = (int(keys[0]), int(keys[-1])) if len(keys) else (0, 0)
        """The first key and the last."""
        self._slices = {name: Slices(columns[name][rows]) for name in SLICED}
        self._columns = {name: columns[name][rows] for name in COPIED}
        self._names = {name: Names(columns[name][rows], held) for name, held in sets.items()}
        self._alive: Bytes | None = None
        self.count = len(rows)
        self.position: int | None = None
        self.state: int | None = next(_STATES)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def alive(self) -> Fitting:
        """See Stretch."""
        return True if self._alive is None else self._alive

    def within(self, low: int, high: int) -> Fitting:
        """See Stretch."""
        first, last = self.span
        if low <= first and last <= high:
            return True
        return low <= last and first <= high and _within(self.keys, low, high)

    def column(self, name: str) -> Array:
        """See Stretch."""
        return self._columns[name]

    def between(self, name: str, low: int | None, high: int | None) -> Fitting:
        """See Stretch."""
        return self._slices[name].between(low, high)

    def holding(self, name: str, names: list[int]) -> Fitting:
        """See Stretch."""
        return self._names[name].any_of(names)

    def leave(self, places: Numbers) -> None:
        """The rows at these places, each once, stand here no more."""
        if self._alive is None:
            self._alive = session_bits.stretch(0, len(self.rows), len(self.rows))
        session_bits.clear(self._alive, places)
        self.count -= len(places)
        self.state = next(_STATES)

    def stood(self) -> Flags:
        """Which rows still stand here."""
        if self._alive is None:
            return np.ones(len(self.rows), np.bool_)
        return session_bits.unpacked(self._alive, len(self.rows))

    def standing(self) -> tuple[Rows, Numbers, Numbers]:
        """The rows that still stand here, their keys, and how many come before each place, the
        end's included."""
        stood = self.stood()
        before = np.concatenate([[0], np.cumsum(stood)])
        return self.rows[stood], self.keys[stood], before


def _within(keys: Numbers, low: int, high: int) -> Fitting:
    start, end = int(keys.searchsorted(low)), int(keys.searchsorted(high, "right"))
    if start >= end or end - start == len(keys):
        return start < end
    return session_bits.stretch(start, end, len(keys))
