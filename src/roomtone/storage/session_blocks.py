"""Stretches of an order, with what filters ask about in the same order.

A filter of ten million rows costs what the memory it reads costs, and most when rows are looked up
one here, one there. So each order is cut into blocks of rows that stand one after the other, with
copies of the columns: a filter compares them from end to end, a block of them at a time, which
fits in the processor's cache.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Protocol

import numpy as np
from msgspec import Struct

from roomtone.storage.session_columns import Array, Columns, one_of
from roomtone.storage.session_search import Bytes, Flags, Numbers, Rows, Sets

COPIED = ("people", "mos", "bucket")
NOWHERE = np.empty(0, np.int64)
SPARSE = 32
"""Of so many rows one: fewer are kept as a list of places, not as flags."""


class Wanted(Struct, frozen=True):
    """Names that are asked for, any of them."""

    names: list[int]
    """Their numbers."""
    sets: Numbers
    """The numbers of the sets that hold any."""


Asked = Mapping[str, Wanted]
"""At least one set, by its column."""


class Stretch(Protocol):
    """Some rows in their order."""

    rows: Rows
    keys: Numbers
    """What they are sorted by, ascending; ties by id."""
    count: int
    """How many still stand here."""
    position: int | None
    """Among the blocks of its order; None: it is none."""

    def __len__(self) -> int: ...

    @property
    def alive(self) -> Flags | None:
        """The rows that still stand here; None: all."""

    def column(self, name: str) -> Array:
        """A column's entries of these rows."""

    def holding(self, asked: Asked) -> Flags:
        """The rows each of whose sets that is asked about has a name that is wanted."""


class Few:
    """A stretch of rows gathered on the spot: what it is asked is looked up by row."""

    alive: Flags | None = None
    position: int | None = None

    def __init__(self, rows: Rows, keys: Numbers, columns: Columns) -> None:
        self.rows = rows
        self.keys = keys
        self.count = len(rows)
        self._columns = columns

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Array:
        """See Stretch."""
        entries: Array = self._columns[name][self.rows]
        return entries

    def holding(self, asked: Asked) -> Flags:
        """See Stretch."""
        held = [one_of(self.column(name), wanted.sets) for name, wanted in asked.items()]
        return reduce(np.bitwise_and, held)


class Block:
    """A stretch that has copies of what filters ask about. It never changes, but for rows that
    leave: they stay in their places, and are marked."""

    def __init__(
        self, rows: Rows, keys: Numbers, columns: Columns, sets: Mapping[str, Sets]
    ) -> None:
        self.rows = rows
        self.keys = keys
        self._columns = {name: columns[name][rows] for name in COPIED}
        self._names = {name: Names(columns[name][rows], held) for name, held in sets.items()}
        self._alive: Flags | None = None
        self.count = len(rows)
        self.position: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def alive(self) -> Flags | None:
        """See Stretch."""
        return self._alive

    def column(self, name: str) -> Array:
        """See Stretch."""
        return self._columns[name]

    def holding(self, asked: Asked) -> Flags:
        """See Stretch."""
        held = [self._names[name].any_of(wanted.names) for name, wanted in asked.items()]
        packed = reduce(np.bitwise_and, held)
        return np.unpackbits(packed, count=len(self.rows)).view(np.bool_)

    def leave(self, places: Numbers) -> None:
        """The rows at these places, each once, stand here no more."""
        if self._alive is None:
            self._alive = np.ones(len(self.rows), np.bool_)
        self._alive[places] = False
        self.count -= len(places)

    def standing(self) -> tuple[Rows, Numbers, Numbers]:
        """The rows that still stand here, their keys, and how many come before each place, the
        end's included."""
        alive = np.ones(len(self.rows), np.bool_) if self._alive is None else self._alive
        before = np.concatenate([[0], np.cumsum(alive)])
        return self.rows[alive], self.keys[alive], before


class Names:
    """Which rows of a block hold which name: flags, packed, or their places if they are few."""

    def __init__(self, numbers: Array, sets: Sets) -> None:
        """``numbers``: of each row's set."""
        self._length = len(numbers)
        self._held: dict[int, Array] = {}
        if not self._length:
            return  # Most apps are small, and have no row in a block.
        places, names = sets.members(numbers)
        places = places[np.argsort(names, kind="stable")]
        counts = np.bincount(names)
        ends = np.cumsum(counts)
        self._held = {
            name: self._packed(places[ends[name] - counts[name] : ends[name]])
            for name in np.flatnonzero(counts).tolist()
        }

    def any_of(self, names: list[int]) -> Bytes:
        """The rows that hold any of these names, as packed flags."""
        found = [self._held[name] for name in names if name in self._held]
        packed = [held if held.dtype == np.uint8 else self._flags(held) for held in found]
        return reduce(np.bitwise_or, packed) if packed else self._flags(NOWHERE)

    def _packed(self, places: Array) -> Array:
        if len(places) * SPARSE < self._length:
            return places.astype(np.uint32)
        return self._flags(places)

    def _flags(self, places: Array) -> Bytes:
        flags = np.zeros(self._length, np.bool_)
        flags[places] = True
        return np.packbits(flags)
