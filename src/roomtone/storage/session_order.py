"""SortOrder: rows kept sorted by (key, id) while rows come, change and go.

Changes are collected, and settled in one pass when the order is next asked for: the places of the
changed rows are found by bisection, then the stretch between the first and the last is written
anew. A hundred changes among a million rows cost about a millisecond; nothing is sorted again
unless a good part of the rows changed.

Only the ascending order is kept. The descending one is its mirror, but for rows with the same key,
which stand by id in both: :meth:`SortOrder.page` mirrors each such group back. Not thread-safe.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from roomtone.storage.session_search import Flags, Identifiers, Numbers, grown

_BLOCK = 32_768
_LEAST, _MOST = -(2**63), 2**63 - 1


class SortOrder:
    """The order of rows by one int64 key. Rows are numbered as ids are, from 0, ascending."""

    def __init__(self, ids: Identifiers) -> None:
        self._ids = ids
        self._keys = np.empty(0, np.int64)
        self._count = 0
        """Rows that have a key."""
        self._rows = np.empty(0, np.int64)
        self._length = 0
        """Rows in the order: the settled ones, but for those that were removed. The removed ones
        stand behind the others with the largest key, as NumPy's bisection wants all rows sorted."""
        self._settled = 0
        """Rows from here on have come since."""
        self._changed: dict[int, int] = {}
        self._removed: set[int] = set()

    @property
    def keys(self) -> Numbers:
        """The key of each row, as of the last ``settle``."""
        return self._keys[: self._count]

    @property
    def unsettled(self) -> int:
        """How many changes wait for ``settle``."""
        return len(self._changed) + len(self._removed) + self._count - self._settled

    def extend(self, keys: Sequence[int]) -> None:
        """New rows."""
        first, self._count = self._count, self._count + len(keys)
        self._keys = grown(self._keys, self._count)
        self._keys[first : self._count] = keys

    def change(self, row: int, key: int) -> None:
        """A row has this key now."""
        if row >= self._settled:
            self._keys[row] = key
        elif row in self._changed or self._keys[row] != key:
            # The old key stays in the array until the row is taken from its old place.
            self._changed[row] = key

    def remove(self, row: int) -> None:
        """A row is gone for good."""
        self._changed.pop(row, None)
        self._removed.add(row)

    def keep(self, rows: Numbers) -> None:
        """Number these ascending rows anew from 0; all others have been removed."""
        self.settle()
        new = np.zeros(self._count, np.int64)
        new[rows] = np.arange(len(rows))
        self._rows = new[self._rows[: self._length]]
        self._keys = self._keys[rows]
        self._count = self._settled = len(rows)

    def settle(self) -> None:
        """Bring the order up to date. Costs nothing when nothing changed."""
        if not self.unsettled:
            return
        came = np.arange(self._settled, self._count)
        removed = np.array(list(self._removed), np.int64)
        came = came[~np.isin(came, removed)]
        changed = np.array(list(self._changed), np.int64)
        leave = np.concatenate([changed, removed[removed < self._settled]])
        behind = np.concatenate([self._rows[self._length : self._settled], removed])
        enter = np.concatenate([changed, came])
        keys = np.concatenate([np.array(list(self._changed.values()), np.int64), self._keys[came]])
        if len(leave) + len(enter) > 64 + self._length // 128:
            stays = np.ones(self._settled, np.bool_)
            stays[leave] = False
            held = self._rows[: self._length]
            held = held[stays[held]]
            keys = np.concatenate([self._keys[held], keys])
            rows, _ = self._sorted(np.concatenate([held, enter]), keys)
            self._length = len(rows)
            self._rows = rows
        elif len(leave) + len(enter):
            out = np.sort(self._places(leave, self._keys[leave]))
            enter, keys = self._sorted(enter, keys)
            self._rewrite(out.tolist(), self._places(enter, keys).tolist(), enter)
        self._keys[changed] = list(self._changed.values())
        self._keys[removed] = _MOST
        self._rows = grown(self._rows, self._count)
        self._rows[self._length : self._count] = behind
        self._settled = self._count
        self._changed.clear()
        self._removed.clear()

    def _sorted(self, rows: Numbers, keys: Numbers) -> tuple[Numbers, Numbers]:
        """Rows and their keys, by (key, id)."""
        by_key = np.argsort(keys)
        rows, keys = rows[by_key], keys[by_key]
        same = np.flatnonzero(keys[1:] == keys[:-1])
        if len(same):
            tied = np.zeros(len(rows), np.bool_)
            tied[same] = tied[same + 1] = True
            rows[tied] = self._ids.sort_within(rows[tied], keys[tied])
        return rows, keys

    def _places(self, rows: Numbers, keys: Numbers) -> Numbers:
        """How many rows of the order come before each of these (key, id)."""
        held = self._rows[: self._length]
        places, ends = self._group(keys)
        text = self._ids.text
        tied = np.flatnonzero(places < ends)
        # A row that leaves mostly is the first of its group, being the only one.
        for at in tied[held[places[tied]] != rows[tied]].tolist():
            group = held[places[at] : ends[at]]
            places[at] += bisect_left(group, text(int(rows[at])), key=lambda row: text(int(row)))
        return places

    def _rewrite(self, leave: list[int], enter: list[int], fresh: Numbers) -> None:
        """Take out the rows at places ``leave``, put ``fresh`` before the places ``enter``; both
        ascend and count in the order as it is."""
        low = min([*leave[:1], *enter[:1]])
        high = max([*(at + 1 for at in leave[-1:]), *enter[-1:]])
        held, at, pieces = self._rows, low, []
        steps = [(place, number) for number, place in enumerate(enter)]
        for place, number in sorted([*steps, *((place, len(fresh)) for place in leave)]):
            pieces += [held[at:place], fresh[number : number + 1]]
            at = place + (number == len(fresh))
        middle = np.concatenate([*pieces, held[at:high]])
        length = self._length + len(enter) - len(leave)
        self._rows = grown(held, length)
        if length != self._length:
            self._rows[low + len(middle) : length] = self._rows[high : self._length].copy()
        self._rows[low : low + len(middle)] = middle
        self._length = length

    def _group(self, keys: Numbers) -> tuple[Numbers, Numbers]:
        """Where the rows with each of these keys stand: from, and to before."""
        held = self._rows[: self._settled]
        settled = self._keys[: self._settled]
        starts = np.searchsorted(settled, keys, side="left", sorter=held)
        ends = np.searchsorted(settled, keys, side="right", sorter=held)
        return starts.clip(max=self._length), ends.clip(max=self._length)

    def between(self, low: int | None, high: int | None) -> tuple[int, int]:
        """Where in the order the keys ``low`` … ``high`` stand (inclusive; None: no bound), as a
        half-open range of places."""
        start, end = 0, self._length
        if low is not None and low > _LEAST:
            start = int(self._group(np.array([low]))[0][0]) if low <= _MOST else end
        if high is not None and high < _MOST:
            end = int(self._group(np.array([high]))[1][0]) if high >= _LEAST else 0
        return start, max(start, end)

    def page(
        self, span: tuple[int, int], mask: Flags | None, first: int, limit: int, descending: bool
    ) -> tuple[Numbers, int]:
        """Of the rows within ``span`` (whole groups of keys, as ``between`` gives them) that the
        mask, by row, lets through: those from ``first`` on, at most ``limit``, and how many there
        are in all. The order must be settled."""
        held = self._rows[span[0] : span[1]]
        picked = _Picked(len(held), None if mask is None else mask[held])
        last = min(first + limit, picked.total)
        if first >= last:
            return np.empty(0, np.int64), picked.total
        if not descending:
            return held[picked.numbered(first, last)], picked.total
        places = picked.numbered(picked.total - last, picked.total - first)
        keys = self._keys[held[places]]
        starts, ends = (places - span[0] for places in self._group(keys))
        if len(keys) < int((ends - starts).sum()):
            places = picked.mirrored(places, starts, ends)
        return held[places[::-1]], picked.total


class _Picked:
    """The places of an order that a filter lets through; ``flags`` None: all."""

    def __init__(self, length: int, flags: Flags | None) -> None:
        self._flags = flags
        self.total = length
        if flags is not None:
            blocks = (flags[at : at + _BLOCK] for at in range(0, length, _BLOCK))
            counts = (int(np.count_nonzero(block)) for block in blocks)
            self._through = list(accumulate(counts, initial=0))
            self.total = self._through[-1]

    def within(self, start: int, end: int) -> Numbers:
        """The picked places from ``start`` to before ``end``."""
        if self._flags is None:
            return np.arange(start, end)
        return np.flatnonzero(self._flags[start:end]) + start

    def numbered(self, first: int, last: int) -> Numbers:
        """The places of the picked ones number ``first`` to before ``last``, from 0."""
        if self._flags is None:
            return np.arange(first, last)
        block = bisect_left(self._through, first + 1) - 1
        end = bisect_left(self._through, last)
        skipped = self._through[block]
        return self.within(block * _BLOCK, end * _BLOCK)[first - skipped : last - skipped]

    def mirrored(self, places: Numbers, starts: Numbers, ends: Numbers) -> Numbers:
        """Turn picked places around within their groups of one key, given each one's group."""
        if self._flags is None:
            return starts + ends - 1 - places
        around = self.within(int(starts[0]), int(ends[-1]))
        first, last = np.searchsorted(around, starts), np.searchsorted(around, ends)
        turned: Numbers = around[first + last - 1 - np.searchsorted(around, places)]
        return turned
