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

    def rows_between(self, low: int | None, high: int | None) -> Numbers:
        """The rows whose keys lie there, in their order."""
        start, end = self.between(low, high)
        return self._rows[start:end]

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
        are in all. The order must be settled, and the mask lets no removed row through."""
        held = self._rows[span[0] : span[1]]
        total = None
        if mask is not None and len(held) == self._length:
            total = int(np.count_nonzero(mask))
            if _rare(len(held), total, first, limit):
                return self.select(np.flatnonzero(mask), first, limit, descending), total
        picked = _Picked(held, mask, total)
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

    def select(self, rows: Numbers, first: int, limit: int, descending: bool) -> Numbers:
        """Of some rows of the order, given in any order: those from ``first`` on, at most
        ``limit``. Costs by their number, wherever in the order they stand."""
        last = min(first + limit, len(rows))
        if first >= last:
            return np.empty(0, np.int64)
        keys = self._keys[rows]
        if descending:
            # The largest first; unlike a minus, this has no overflow.
            keys = ~keys
        low, high = np.partition(keys, [first, last - 1])[[first, last - 1]]
        first -= int(np.count_nonzero(keys < low))
        near = (keys >= low) & (keys <= high)
        rows, _ = self._sorted(rows[near], keys[near])
        return rows[first : first + limit]


def _rare(length: int, total: int, first: int, limit: int) -> bool:
    """Whether ``total`` of ``length`` rows are found sooner by taking out all of them than by
    walking along the order to the page, from its nearer end."""
    walked = max(0, min(first + limit, total - first)) * length / max(1, total)
    # In nanoseconds: a step leads to any place in memory; a row taken out is compared a few times.
    return 8 * walked > length / 3 + 20 * total


class _Picked:
    """The places of an order that a filter lets through; ``flags`` None: all. Blocks of the order
    are looked at from the nearer end, as far as need be."""

    def __init__(self, held: Numbers, flags: Flags | None, total: int | None) -> None:
        """``held``: the rows of the order; ``flags``: by row; ``total``: how many there are."""
        self._held = held
        self._flags = flags
        self._counts: dict[int, int] = {}
        if flags is None:
            total = len(held)
        elif total is None:
            total = sum(map(self._count, self._blocks()))
        self.total = total

    def _blocks(self) -> range:
        return range(-(-len(self._held) // _BLOCK))

    def _count(self, block: int) -> int:
        """How many a block has."""
        if block not in self._counts:
            start = block * _BLOCK
            self._counts[block] = int(np.count_nonzero(self._through(start, start + _BLOCK)))
        return self._counts[block]

    def _through(self, start: int, end: int) -> Flags:
        held = self._held[start:end]
        return np.ones(len(held), np.bool_) if self._flags is None else self._flags[held]

    def within(self, start: int, end: int) -> Numbers:
        """The picked places from ``start`` to before ``end``."""
        return np.flatnonzero(self._through(start, end)) + start

    def numbered(self, first: int, last: int) -> Numbers:
        """The places of the picked ones number ``first`` to before ``last``, from 0."""
        if self._flags is None:
            return np.arange(first, last)
        from_end = self.total - last < first
        skip, want = self.total - last if from_end else first, last - first
        found: list[Numbers] = []
        for block in reversed(self._blocks()) if from_end else self._blocks():
            count = self._count(block)
            if skip >= count:
                skip -= count
                continue
            places = self.within(block * _BLOCK, (block + 1) * _BLOCK)
            start = max(0, count - skip - want) if from_end else skip
            found.append(places[start : count - skip if from_end else skip + want])
            want, skip = want - len(found[-1]), 0
            if not want:
                break
        return np.concatenate(found[::-1] if from_end else found)

    def mirrored(self, places: Numbers, starts: Numbers, ends: Numbers) -> Numbers:
        """Turn picked places around within their groups of one key, given each one's group."""
        if self._flags is None:
            return starts + ends - 1 - places
        around = self.within(int(starts[0]), int(ends[-1]))
        first, last = np.searchsorted(around, starts), np.searchsorted(around, ends)
        turned: Numbers = around[first + last - 1 - np.searchsorted(around, places)]
        return turned
