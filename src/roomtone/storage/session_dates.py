"""A range of starts as a condition.

Where rows are sorted by their start, a range is one stretch. Where they are not, *buckets* are
compared, two bytes a row, and the rows that share the first or the last bucket with the range
without being in it are left out one by one: a bucket is less than five hours.
"""

import numpy as np
import numpy.typing as npt

from roomtone.storage.session_bits import Fitting
from roomtone.storage.session_blocks import NOWHERE, Stretch
from roomtone.storage.session_order import LEAST, MOST, NONE, SortOrder
from roomtone.storage.session_pages import Condition
from roomtone.storage.session_search import Numbers, Rows

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
    return lambda held: held.within(low, high)


class StartedElsewhere:
    """From ``low`` to ``high``, inclusive, for ``order``; ``starts``: the order of starts."""

    def __init__(self, low: int, high: int, starts: SortOrder, order: SortOrder) -> None:
        self._low, self._high = low, high
        self._first, self._last = int(buckets(low)), int(buckets(high))
        self._starts, self._order = starts, order
        self._left_out: Rows | None = None
        self._places: dict[int, Numbers] = {}

    def __call__(self, held: Stretch) -> Fitting:
        """See Condition."""
        if self._left_out is None:
            # Not before: a page whose blocks were all counted before may need none.
            self._left_out = self._beyond()
            self._places = self._order.places(self._left_out)
        if held.position is None:
            places = np.flatnonzero(np.isin(held.rows, self._left_out))
        else:
            places = self._places.get(held.position, NOWHERE)
        # Unsigned differences wrap around: one comparison tells both bounds.
        fitting = held.column("bucket") - np.uint16(self._first) <= np.uint16(
            self._last - self._first
        )
        fitting[places] = False
        return np.packbits(fitting)

    def _beyond(self) -> Rows:
        """Those that share the first or the last bucket without being in the range."""
        first, last, starts = self._first, self._last, self._starts
        begin = LEAST if first == 0 else _BEGIN + (first << _WIDTH)
        end = MOST if last == _LAST else _BEGIN + ((last + 1) << _WIDTH) - 1
        before = starts.between(begin, self._low - 1) if self._low > begin else NONE.rows
        after = starts.between(self._high + 1, end) if self._high < end else NONE.rows
        return np.concatenate([before, after])
