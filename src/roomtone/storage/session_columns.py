"""Columns of the session list: one array a column, one entry a row.

At ten million rows a comparison costs what the memory it reads costs, so a column is as narrow as
its largest number allows: most meetings, titles and sets of names fit in one or two bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from roomtone.storage.session_search import Flags, Numbers, grown

Array = npt.NDArray[Any]
_BLOCK = 65_536
"""So many entries are looked at a time: what is made of them stays in the processor's cache."""
_MANY_EQUALS = 6
"""A look-up in a table costs about as much as so many comparisons of a narrow column."""


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


def one_of(column: Array, numbers: Numbers) -> Flags:
    """Which entries are one of the numbers."""
    found = np.zeros(len(column), np.bool_)
    flag_one_of(column, numbers, found)
    return found


def flag_one_of(column: Array, numbers: Numbers, found: Flags) -> None:
    """Flag the entries that are one of the numbers; those with a flag keep it."""
    # One more, which is none of them: whatever is larger is looked up there.
    table = np.zeros(int(numbers.max(initial=-1)) + 2, np.bool_)
    table[numbers] = True
    for start in range(0, len(column), _BLOCK):
        held, flags = column[start : start + _BLOCK], found[start : start + _BLOCK]
        if len(numbers) <= _MANY_EQUALS:
            for number in numbers.tolist():
                np.logical_or(flags, held == number, out=flags)
        elif flags.any():
            left = np.flatnonzero(~flags)
            flags[left] = table.take(held[left], mode="clip")
        else:
            table.take(held, out=flags, mode="clip")
