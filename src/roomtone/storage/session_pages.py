"""A page of those rows of an order that fit, and how many fit.

Rows are counted a block at a time, so a page at any depth is found by adding counts, and only the
blocks it lies in are looked at more closely. A recent row counts in the block it belongs into.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from roomtone.storage.session_bits import Fitting, count, places_of
from roomtone.storage.session_blocks import Few, Stretch
from roomtone.storage.session_order import NONE, Recent, SortOrder
from roomtone.storage.session_search import Flags, Numbers, Rows

Condition = Callable[[Stretch], Fitting]
"""Which rows of a stretch fit."""


class Sieve(Struct, frozen=True):
    """What rows have to fulfil."""

    conditions: Sequence[Condition]
    """Asked in this order, and no further where none is left."""
    found: Flags | None = None
    """By row: those that hold the text asked for. Asked last, since it leads anywhere in memory."""

    def places(self, stretch: Stretch) -> Numbers:
        """The places of the rows that fit."""
        if isinstance(stretch, Few):
            places = self._places_of_few(stretch)
        else:
            fitting = self._fitting(stretch)
            if fitting is True and self.found is not None:
                return np.flatnonzero(self.found[stretch.rows])
            places = places_of(fitting, len(stretch))
        return places if self.found is None else places[self.found[stretch.rows[places]]]

    def count(self, stretch: Stretch) -> int:
        """How many fit."""
        if self.found is not None:
            return len(self.places(stretch))
        fitting = self._fitting(stretch) if self.conditions else True
        if isinstance(fitting, bool):
            return stretch.count if fitting else 0
        return count(fitting)

    def _places_of_few(self, few: Few) -> Numbers:
        """Without regard to the text. To look a row up is dear, so each condition is asked only of
        those that are left."""
        places = np.arange(len(few))
        for condition in self.conditions:
            left = places_of(condition(few), len(few))
            places, few = places[left], few.only(left)
        return places

    def _fitting(self, stretch: Stretch) -> Fitting:
        """Without regard to the text."""
        fitting = stretch.alive
        for condition in self.conditions:
            passed = condition(stretch)
            if passed is False:
                return False
            if passed is not True:
                fitting = passed if fitting is True else np.bitwise_and(fitting, passed)
        return fitting


class Picked:
    """The rows that fit, in ascending order, numbered from 0."""

    def __init__(
        self,
        blocks: Sequence[Stretch],
        recent: Recent,
        sieve: Sieve,
        total: int | None,
        known: dict[int, int],
    ) -> None:
        """``recent``: of the recent rows those that fit; ``total``: how many fit, if it is known:
        then blocks are counted only as far as the page, from the nearer end; ``known``: how many of
        a block fit, by its state, as far as the same was asked before."""
        self._blocks = blocks
        self._recent = recent
        self._bounds = recent.bounds(len(blocks))
        self._sieve = sieve
        self._known = known
        self._counts: dict[int, int] = {}
        self._held: dict[int, Numbers] = {}
        everywhere = range(len(blocks))
        self.total = sum(map(self._count, everywhere)) if total is None else total

    def page(self, first: int, limit: int, descending: bool) -> Rows:
        """The rows from ``first`` on, at most ``limit``; ties by id in either direction."""
        last = min(first + limit, self.total)
        if first >= last:
            return np.empty(0, np.uint32)
        if not descending:
            return self._take(first, last)[0]
        return self._descending(self.total - last, self.total - first)

    def _descending(self, start: int, end: int) -> Rows:
        """These numbers, the largest key first. Each group of one key stands by id nevertheless: of
        a group that is cut by the page, the page has the rows from its other end."""
        around, around_keys = self._take(max(0, start - 1), min(end + 1, self.total))
        low = min(1, start)
        rows, keys = around[low:][: end - start].copy(), around_keys[low:][: end - start]
        cut_low = start > 0 and around_keys[0] == keys[0]
        cut_high = end < self.total and around_keys[-1] == keys[-1]
        if keys[0] == keys[-1]:
            if cut_low or cut_high:
                both = self._before(int(keys[0])) + self._before(int(keys[0]), through=True)
                rows = self._take(both - end, both - start)[0]
            return rows
        if cut_low:
            count = int(keys.searchsorted(keys[0], "right"))
            group = self._before(int(keys[0]))
            rows[:count] = self._take(group, group + count)[0]
        if cut_high:
            count = len(keys) - int(keys.searchsorted(keys[-1]))
            group = self._before(int(keys[-1]), through=True)
            rows[-count:] = self._take(group - count, group)[0]
        # The largest key first; unlike a minus, this has no overflow.
        return rows[np.argsort(~keys, kind="stable")]

    def _take(self, start: int, end: int) -> tuple[Rows, Numbers]:
        """The rows with these numbers, of which there are some, and their keys."""
        position, number = self._holding(start)
        rows, keys = [], []
        while number < end:
            places = self._places(position)
            within = places[max(0, start - number) : end - number]
            some, some_keys = self._at(position, within)
            rows.append(some)
            keys.append(some_keys)
            position, number = position + 1, number + len(places)
        return np.concatenate(rows), np.concatenate(keys)

    def _holding(self, number: int) -> tuple[int, int]:
        """The position of the block with this row, and the number of its first."""
        position, first = 0, 0
        if number * 2 < self.total:
            while first + self._count(position) <= number:
                first += self._count(position)
                position += 1
            return position, first
        position, first = len(self._blocks), self.total
        while first > number:
            position -= 1
            first -= self._count(position)
        return position, first

    def _before(self, key: int, *, through: bool = False) -> int:
        """How many have a smaller key; ``through``: or the same."""
        lasts = [int(block.keys[-1]) for block in self._blocks[:-1]]
        position = bisect_right(lasts, key) if through else bisect_left(lasts, key)
        within = self._within(position, key, "right" if through else "left")
        if position * 2 <= len(self._blocks):
            return sum(map(self._count, range(position))) + within
        after = sum(map(self._count, range(position, len(self._blocks))))
        return self.total - after + within

    def _count(self, position: int) -> int:
        """How many a block has."""
        if position not in self._counts:
            block = self._blocks[position]
            if block.state is None:
                self._counts[position] = len(self._places(position))
            else:
                if block.state not in self._known:
                    self._known[block.state] = self._sieve.count(block)
                recent = self._bounds[position + 1] - self._bounds[position]
                self._counts[position] = self._known[block.state] + recent
        return self._counts[position]

    def _places(self, position: int) -> Numbers:
        """The rows of a block, by their places in it; a recent one by its place among those,
        counted from the end: -1 is the last."""
        if position not in self._held:
            places, recent = self._sieve.places(self._blocks[position]), self._recent
            start, end = self._bounds[position : position + 2]
            if start < end:
                at = np.searchsorted(places, recent.places(start, end))
                places = np.insert(places, at, np.arange(start, end) - len(recent.rows))
            self._held[position] = places
        return self._held[position]

    def _at(self, position: int, places: Numbers) -> tuple[Rows, Numbers]:
        """The rows at some of these places, and their keys."""
        block, recent = self._blocks[position], self._recent
        own = places >= 0
        rows, keys = np.empty(len(places), np.uint32), np.empty(len(places), np.int64)
        rows[own], keys[own] = block.rows[places[own]], block.keys[places[own]]
        rows[~own], keys[~own] = recent.rows[places[~own]], recent.keys[places[~own]]
        return rows, keys

    def _within(self, position: int, key: int, side: Literal["left", "right"]) -> int:
        """How many rows of a block come before a key, or through it."""
        block, recent = self._blocks[position], self._recent
        start, end = self._bounds[position : position + 2]
        own = self._sieve.places(block).searchsorted(block.keys.searchsorted(key, side))
        return int(own + recent.keys[start:end].searchsorted(key, side))


def pick(order: SortOrder, sieve: Sieve, known: dict[int, int], total: int | None = None) -> Picked:
    """Those of all rows of a settled order that fit; ``known``, ``total``: see Picked."""
    recent = order.recent
    if len(recent.rows):
        recent = recent.picked(sieve.places(order.few(recent.rows, recent.keys)))
    return Picked(order.blocks, recent, sieve, total, known)


def pick_of(order: SortOrder, rows: Numbers, sieve: Sieve) -> Picked:
    """Those of a few rows that fit, wherever in the settled order they stand."""
    return Picked([order.of(rows)], NONE, sieve, None, {})
