"""SortOrder: rows kept sorted by (key, id) while rows come, change and go.

Nearly all rows stand in blocks (:mod:`session_blocks`). A row that comes or changes leaves its
place in a block, if it has one, and joins the *recent* rows, which are sorted by themselves; each
knows before which place of the blocks it belongs. When there are too many, the block with the
most of them before its places is written anew together with them: a change costs the same share of
that whenever it comes, and none waits for all rows to be sorted. Only if a good part of them
changed at once, as when the table is first read, all are sorted.

Only the ascending order is kept; :mod:`session_pages` turns it around. Not thread-safe.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from roomtone.storage.session_blocks import Block, Few
from roomtone.storage.session_columns import Columns
from roomtone.storage.session_search import Identifiers, Numbers, Rows, Sets, grown

BLOCK = 131_072
"""Rows of a block as it is cut; one that has grown to twice as many is cut again."""
RECENT = 1_024
"""So many rows are recent at least before a block is written; an app with fewer has none."""
_SHARE, _MOST_RECENT = 256, 32_768
WHOLE = 128
"""Where one row of so many comes or changes at once, all are sorted."""
_SHIFT = 19
"""A spot is a block's position, shifted by so much, and a place in the block."""
_NOWHERE = 0xFFFF_FFFF
"""The spot of a row that is in no block."""
LEAST, MOST = -(2**63), 2**63 - 1


class Recent(Struct, frozen=True):
    """The rows that are in no block, in their order."""

    rows: Rows
    keys: Numbers
    spots: Numbers
    """Before which place of which block each belongs."""

    def picked(self, places: Numbers) -> "Recent":
        """The ones at these ascending places among them."""
        return Recent(self.rows[places], self.keys[places], self.spots[places])

    def before(self, position: int) -> tuple[int, int]:
        """From and to before which of them belong into this block."""
        start, end = np.searchsorted(self.spots, (position << _SHIFT, (position + 1) << _SHIFT))
        return int(start), int(end)

    def bounds(self, blocks: int) -> list[int]:
        """The same of all blocks at once: where each one's begin, and the end."""
        firsts: list[int] = self.spots.searchsorted(np.arange(blocks + 1) << _SHIFT).tolist()
        return firsts

    def places(self, start: int, end: int) -> Numbers:
        """The places of some of them within their block."""
        places: Numbers = self.spots[start:end] & ((1 << _SHIFT) - 1)
        return places


NONE = Recent(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.int64))


class SortOrder:
    """The order of rows by one int64 key. Rows are numbered as ids are, from 0, ascending."""

    def __init__(self, ids: Identifiers, columns: Columns, sets: Mapping[str, Sets]) -> None:
        self._ids = ids
        self._columns = columns
        self._sets = sets
        self._coming = np.empty(0, np.int64)
        """The keys of the rows from ``_settled`` on."""
        self._come = 0
        self._settled = 0
        self._changed: dict[int, int] = {}
        self._removed: set[int] = set()
        self._spots = np.empty(0, np.uint32)
        """Of each settled row."""
        self.recent = NONE
        self.blocks: list[Block] = []
        self.bounds: list[tuple[int, str]] = []
        """The last key and id of each block but the last one."""
        self._cut(np.empty(0, np.uint32), np.empty(0, np.int64))

    # --- following

    @property
    def unsettled(self) -> int:
        """How many changes wait for ``settle``."""
        return len(self._changed) + len(self._removed) + self._come

    def extend(self, keys: Sequence[int]) -> None:
        """New rows."""
        first, self._come = self._come, self._come + len(keys)
        self._coming = grown(self._coming, self._come)
        self._coming[first : self._come] = keys

    def change(self, row: int, key: int) -> None:
        """A row has changed, and has this key now."""
        if row >= self._settled:
            self._coming[row - self._settled] = key
        else:
            self._changed[row] = key

    def remove(self, row: int) -> None:
        """A row is gone for good."""
        self._changed.pop(row, None)
        self._removed.add(row)

    def keep(self, rows: Numbers) -> None:
        """Number these ascending rows of a settled order anew from 0; all others have been removed.
        Ids and columns have been numbered anew already."""
        new = np.zeros(self._settled, np.uint32)
        new[rows] = np.arange(len(rows))
        held, keys = self._standing()
        self._settled = len(rows)
        self._spots = np.full(len(rows), _NOWHERE, np.uint32)
        self._cut(new[held], keys)

    def settle(self) -> None:
        """Bring the order up to date. Costs nothing when nothing changed."""
        if not self.unsettled:
            return
        removed = np.array(list(self._removed), np.int64)
        changed = np.array(list(self._changed), np.int64)
        came = np.arange(self._settled, self._settled + self._come)
        keys = np.array(list(self._changed.values()), np.int64)
        keys = np.concatenate([keys, self._coming[: self._come]])
        stay = ~np.isin(came, removed) if self._removed else np.ones(self._come, np.bool_)
        keys = keys[np.concatenate([np.ones(len(changed), np.bool_), stay])]
        leave = np.concatenate([changed, removed[removed < self._settled]])
        self._settled += self._come
        self._spots = grown(self._spots, self._settled)
        self._spots[came] = _NOWHERE
        self._coming, self._come = np.empty(0, np.int64), 0
        self._changed.clear()
        self._removed.clear()
        self._leave(leave)
        self._enter(np.concatenate([changed, came[stay]]).astype(np.uint32), keys)

    def _leave(self, rows: Numbers) -> None:
        """Take rows out of their places."""
        if len(self.recent.rows):
            stay = np.flatnonzero(~np.isin(self.recent.rows, rows.astype(np.uint32)))
            self.recent = self.recent.picked(stay)
        for position, places in _by_block(self._standing_at(rows)):
            self.blocks[position].leave(places)
        self._spots[rows] = _NOWHERE

    def _enter(self, rows: Rows, keys: Numbers) -> None:
        """Put rows in that are nowhere."""
        limit = min(_MOST_RECENT, max(RECENT, self._settled // _SHARE))
        if len(rows) + len(self.recent.rows) > limit and len(rows) > self._settled // WHOLE:
            held, held_keys = self._standing()
            rows, keys = np.concatenate([held, rows]), np.concatenate([held_keys, keys])
            self._cut(*self._sorted(rows, keys))
            return
        recent = self.recent
        rows, keys = self._sorted(rows, keys)
        pairs = list(zip(keys.tolist(), self._ids.texts(rows), strict=True))
        spots = [self._spot(*pair) for pair in pairs]
        at = [self._place(recent.rows, recent.keys, *pair) for pair in pairs]
        self.recent = Recent(
            np.insert(recent.rows, at, rows),
            np.insert(recent.keys, at, keys),
            np.insert(recent.spots, at, spots),
        )
        while len(self.recent.rows) > limit:
            self._rewrite(int(np.bincount(self.recent.spots >> _SHIFT).argmax()))

    def _spot(self, key: int, text: str) -> int:
        """Where a row with this key and id belongs."""
        position = bisect_left(self.bounds, (key, text))
        block = self.blocks[position]
        return position << _SHIFT | self._place(block.rows, block.keys, key, text)

    def _place(self, rows: Rows, keys: Numbers, key: int, text: str) -> int:
        """How many of these sorted rows come before this key and id."""
        start, end = int(keys.searchsorted(key)), int(keys.searchsorted(key, "right"))
        if start == end:
            return start
        return bisect_left(rows, text, start, end, key=lambda row: self._ids.text(int(row)))

    def _rewrite(self, position: int) -> None:
        """Write a block anew: without the rows that left, with the recent ones that belong."""
        recent = self.recent
        start, end = recent.before(position)
        rows, keys, before = self.blocks[position].standing()
        at = before[recent.places(start, end)]
        rows = np.insert(rows, at, recent.rows[start:end])
        keys = np.insert(keys, at, recent.keys[start:end])
        pieces = self._pieces(rows, keys)
        self.blocks[position : position + 1] = pieces
        recent.spots[end:] += (len(pieces) - 1) << _SHIFT
        self.recent = recent.picked(np.delete(np.arange(len(recent.rows)), np.s_[start:end]))
        self._number(position, len(self.blocks) if len(pieces) != 1 else position + 1)

    def _cut(self, rows: Rows, keys: Numbers) -> None:
        """These sorted rows are all there are."""
        self.blocks = self._pieces(rows, keys) or [self._block(rows, keys)]
        self.recent = NONE
        self._number(0, len(self.blocks))

    def _pieces(self, rows: Rows, keys: Numbers) -> list[Block]:
        """Blocks of these rows."""
        count = 1 if 0 < len(rows) <= 2 * BLOCK else -(-len(rows) // BLOCK)
        ends = [len(rows) * at // count for at in range(count + 1)] if count else []
        return [
            self._block(rows[start:end].copy(), keys[start:end].copy())
            for start, end in pairwise(ends)
        ]

    def _block(self, rows: Rows, keys: Numbers) -> Block:
        return Block(rows, keys, self._columns, self._sets)

    def _number(self, start: int, end: int) -> None:
        """Note where the rows of these blocks stand, and where blocks end."""
        for position in range(start, end):
            block = self.blocks[position]
            block.position = position
            # A row that left may stand elsewhere.
            places = np.flatnonzero(block.stood())
            self._spots[block.rows[places]] = places + (position << _SHIFT)
        self.bounds = [
            (int(block.keys[-1]), self._ids.text(int(block.rows[-1]))) for block in self.blocks[:-1]
        ]

    def _standing(self) -> tuple[Rows, Numbers]:
        """All rows in their order, and their keys."""
        standing = [block.standing() for block in self.blocks]
        befores = np.cumsum([0] + [len(rows) for rows, _, _ in standing])
        rows = np.concatenate([rows for rows, _, _ in standing])
        keys = np.concatenate([keys for _, keys, _ in standing])
        if not len(self.recent.rows):
            return rows, keys
        at = [
            befores[position] + standing[position][2][self.recent.places(*found)]
            for position in range(len(self.blocks))
            if (found := self.recent.before(position))
        ]
        places = np.concatenate(at)
        return (
            np.insert(rows, places, self.recent.rows),
            np.insert(keys, places, self.recent.keys),
        )

    def _sorted(self, rows: Rows, keys: Numbers) -> tuple[Rows, Numbers]:
        """Rows and their keys, by (key, id)."""
        by_key = np.argsort(keys, kind="stable")
        rows, keys = rows[by_key], keys[by_key]
        same = np.flatnonzero(keys[1:] == keys[:-1])
        if len(same):
            tied = np.zeros(len(rows), np.bool_)
            tied[same] = tied[same + 1] = True
            rows[tied] = self._ids.sort_within(rows[tied], keys[tied])
        return rows, keys

    # --- asking: all of it of a settled order

    def few(self, rows: Rows, keys: Numbers) -> Few:
        """These sorted rows, as a stretch."""
        return Few(rows, keys, self._columns, self._sets)

    def of(self, rows: Numbers) -> Few:
        """Some rows that have not been removed, each once, in their order."""
        spots = self._standing_at(rows)
        found = [(self.blocks[at], places) for at, places in _by_block(spots)]
        stood = np.concatenate([NONE.rows, *(held.rows[places] for held, places in found)])
        keys = np.concatenate([NONE.keys, *(held.keys[places] for held, places in found)])
        if len(spots) < len(rows):
            recent = self.recent.picked(np.flatnonzero(np.isin(self.recent.rows, rows)))
            # A recent row comes before the one whose place it is told by.
            at = np.searchsorted(spots, recent.spots)
            stood, keys = np.insert(stood, at, recent.rows), np.insert(keys, at, recent.keys)
        return self.few(stood, keys)

    def places(self, rows: Rows) -> dict[int, Numbers]:
        """Where these rows stand, by the position of the block; without those that are recent."""
        return dict(_by_block(self._standing_at(rows)))

    def _standing_at(self, rows: Numbers | Rows) -> Numbers:
        """The spots of those rows that are in blocks, ascending."""
        spots = np.sort(self._spots[rows])
        return spots[: np.searchsorted(spots, _NOWHERE)].astype(np.int64)

    def between(self, low: int, high: int) -> Rows:
        """The rows whose keys are ``low`` … ``high``, inclusive; in no order."""
        keys = self.recent.keys
        found = [self.recent.rows[keys.searchsorted(low) : keys.searchsorted(high, "right")]]
        for block in self.blocks:
            first, last = block.span
            if low <= last and first <= high:
                start = block.keys.searchsorted(low)
                end = block.keys.searchsorted(high, "right")
                found.append(block.rows[start:end][block.stood()[start:end]])
        return np.concatenate(found)


def _by_block(spots: Numbers) -> list[tuple[int, Numbers]]:
    """Ascending spots as places by the position of their block."""
    if not len(spots):
        return []
    positions = spots >> _SHIFT
    firsts = np.flatnonzero(np.diff(positions, prepend=-1))
    places = np.split(spots & ((1 << _SHIFT) - 1), firsts[1:])
    return list(zip(positions[firsts].tolist(), places, strict=True))
