"""What was found before, for whoever asks for the next page of the same filter.

How many rows of a block fit holds until a row leaves the block, so each count is kept by the
block's state: the next page asks only the blocks that have changed, and the ones it lies in. Which
rows hold a text holds for good, but for rows that come or are named anew.
"""

from collections.abc import Iterable

import numpy as np
from msgspec.structs import replace

from roomtone.ports.records import SessionFilter
from roomtone.storage.session_bits import unpacked
from roomtone.storage.session_blocks import Block
from roomtone.storage.session_search import Bytes, Flags

FILTERS = 64
"""So many filters of an app are remembered, a few kilobytes each of a large one."""
_TEXTS = 4
"""And so many texts that were searched for, a bit a session each."""


class Memory:
    """The filters and texts of one app that were asked for last."""

    def __init__(self, filters: int) -> None:
        """``filters``: how many at most; 0: neither these nor any text."""
        self._filters = filters
        self._texts = min(filters, _TEXTS)
        self._counts: dict[SessionFilter, dict[int, int]] = {}
        self._found: dict[str, tuple[Bytes, int]] = {}

    def counts(self, asked: SessionFilter, blocks: Iterable[Block]) -> dict[int, int]:
        """How many rows of these blocks fit, by the block's state, as far as it is known; what is
        added is remembered."""
        either_way = replace(asked, descending=False)
        known = self._counts.pop(either_way, {})
        states = {block.state for block in blocks}
        known = {state: count for state, count in known.items() if state in states}
        self._counts[either_way] = known
        while len(self._counts) > self._filters:
            del self._counts[next(iter(self._counts))]
        return known

    def found(self, text: str) -> Flags:
        """The rows that hold a text, as far as they were looked at: none that came later."""
        flags, length = self._found.get(text, (np.empty(0, np.uint8), 0))
        return unpacked(flags, length)

    def keep(self, text: str, found: Flags) -> None:
        """All rows have been looked at for a text, and these flags found."""
        if not self._texts:
            return
        self._found.pop(text, None)
        self._found[text] = np.packbits(found), len(found)
        while len(self._found) > self._texts:
            del self._found[next(iter(self._found))]

    def forget_texts(self) -> None:
        """A row has been named anew, or has another number."""
        self._found.clear()
