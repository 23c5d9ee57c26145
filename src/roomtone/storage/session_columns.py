"""Columns of the session list: one array a column, one entry a row, and the rows that pass filters.

At ten million rows a comparison costs what the memory it reads costs, so a column is as narrow as
its largest number allows: most meetings, titles and sets of names fit in one or two bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from roomtone.storage.session_search import Flags, Numbers, grown

Array = npt.NDArray[Any]
_MANY_EQUALS = 6
"""A look-up in a table costs about as much as so many comparisons of a narrow column."""
_FEW = 8
"""From an eighth of the rows on it is cheaper to ask on by row number."""


class Columns:
    """Arrays by name, all of one length."""

    def __init__(self, fixed: Mapping[str, type[np.generic]], counts: Sequence[str]) -> None:
        """``fixed``: columns of these types; ``counts``: columns of numbers from 0 on, which begin
        with a byte and are widened when a number needs it."""
        self._arrays: dict[str, Array] = {name: np.empty(0, kind) for name, kind in fixed.items()}
        self._arrays |= {name: np.empty(0, np.uint8) for name in counts}
        self._most = dict.fromkeys(counts, 255)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name][: self._count]

    def extend(self, count: int, values: Mapping[str, Any]) -> None:
        """So many new rows; a value stands for all of them, a sequence has one for each."""
        first, self._count = self._count, self._count + count
        for name, added in values.items():
            if name in self._most:
                self._fit(name, max(added))
            self._arrays[name] = grown(self._arrays[name], self._count)
            self._arrays[name][first : self._count] = added

    def put(self, name: str, row: int, value: int) -> None:
        """Change one entry."""
        if name in self._most:
            self._fit(name, value)
        self._arrays[name][row] = value

    def keep(self, rows: Numbers) -> None:
        """Forget all but these ascending rows."""
        self._arrays = {name: array[rows] for name, array in self._arrays.items()}
        self._count = len(rows)

    def _fit(self, name: str, value: int) -> None:
        if value > self._most[name]:
            kind = np.min_scalar_type(value)
            self._arrays[name] = self._arrays[name].astype(kind)
            self._most[name] = int(np.iinfo(kind).max)


class Sieve:
    """The rows that have passed so far: all, or those with a flag, or, once they are few, a list of
    their numbers, ascending."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.flags: Flags | None = None
        self.rows: Numbers | None = None

    def keep(self, column: Array, passes: Callable[[Array], Flags]) -> None:
        """Of the rows left, those whose entry passes."""
        if self.rows is not None:
            self.rows = self.rows[passes(column[self.rows])]
        else:
            self._keep(passes(column))

    def keep_rows(self, rows: Numbers) -> None:
        """Of the rows left, those among these, which may stand in any order."""
        flags = np.zeros(self._count, np.bool_)
        flags[rows] = True
        self.keep(flags, lambda held: held)

    def keep_numbers(self, column: Array, numbers: Numbers) -> None:
        """Of the rows left, those whose entry is one of the numbers."""
        if len(numbers) > _MANY_EQUALS:
            self._thin()
        self.keep(column, lambda held: one_of(held, numbers))

    def drop(self, flags: Flags) -> None:
        """Take these rows out."""
        self.keep(flags, np.logical_not)

    def _thin(self) -> None:
        """Go on by number if few are left."""
        if self.rows is not None or self.flags is None:
            return
        if int(np.count_nonzero(self.flags)) * _FEW < self._count:
            self.rows = np.flatnonzero(self.flags)

    def _keep(self, passed: Flags) -> None:
        if self.flags is None:
            self.flags = passed
        else:
            np.logical_and(self.flags, passed, out=self.flags)


def one_of(column: Array, numbers: Numbers) -> Flags:
    """Which entries are one of the numbers."""
    if len(numbers) > _MANY_EQUALS:
        largest = 0xFFFF if column.itemsize <= 2 else int(column.max(initial=0))
        table = np.zeros(max(largest, int(numbers.max())) + 1, np.bool_)
        table[numbers] = True
        return table.take(column)
    found = np.zeros(len(column), np.bool_)
    for number in numbers.tolist():
        found |= column == number
    return found
