"""A range of starts as a condition.

Where rows are sorted by their start, a range is one stretch. Where they are not, *buckets* are
compared, two bytes a row, and the rows that share the first or the last bucket with the range
without being in it are left out one by one: a bucket is less than five hours.
"""

import numpy as np
import numpy.typing as npt

from roomtone.storage.session_blocks import Stretch
from roomtone.storage.session_order import LEAST, MOST, SortOrder
from roomtone.storage.session_pages import Condition
from roomtone.storage.session_search import Flags, Numbers

_BEGIN = 1 << 40
"""ms: in November 2004. What started earlier is in the first bucket, after 2039 in the last."""
_WIDTH = 24
"""Bits: 4 h 40 min."""
_LAST = 0xFFFF


def buckets(starts: npt.ArrayLike) -> Numbers:
    """The bucket of each start in ms."""
    # What is out of range is put into it first, so that nothing overflows.
    held = np.clip(np.asarray(starts, np.int64), _BEGIN, _BEGIN + (_LAST << _WIDTH))
    return (held - _BEGIN) >> _WIDTH


def started(low: int, high: int) -> Condition:
    """From ``low`` to ``high``, inclusive, for the order of starts."""

    def fitting(held: Stretch) -> Flags | bool:
        keys = held.keys
        start, end = int(keys.searchsorted(low)), int(keys.searchsorted(high, "right"))
        if start >= end or end - start == len(keys):
            return start < end
        flags = np.zeros(len(keys), np.bool_)
        flags[start:end] = True
        return flags

    return fitting


def started_elsewhere(low: int, high: int, starts: SortOrder, order: SortOrder) -> Condition:
    """From ``low`` to ``high``, inclusive, for ``order``; ``starts``: the order of starts."""
    first, last = int(buckets(low)), int(buckets(high))
    begin = LEAST if first == 0 else _BEGIN + (first << _WIDTH)
    end = MOST if last == _LAST else _BEGIN + ((last + 1) << _WIDTH) - 1
    before = starts.between(begin, low - 1) if low > begin else None
    after = starts.between(high + 1, end) if high < end else None
    beyond = [rows for rows in (before, after) if rows is not None]
    left_out = np.concatenate([np.empty(0, np.uint32), *beyond])
    places = order.places(left_out)

    def fitting(held: Stretch) -> Flags:
        # Unsigned differences wrap around: one comparison tells both bounds.
        flags = held.column("bucket") - np.uint16(first) <= np.uint16(last - first)
        if held.position is None:
            flags &= ~np.isin(held.rows, left_out)
        elif held.position in places:
            flags[places[held.position]] = False
        return flags

    return fitting
