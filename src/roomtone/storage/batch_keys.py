"""BatchKeys: which batches of a subject were packed, in a few bytes.

A packed batch has no row any more, yet it must not be taken in a second time. Numbered batches
(``s:0``, ``s:1`` …) are kept as ranges, all other keys as 8 bytes of their BLAKE2b hash: among ten
thousand of them, a new key is mistaken for a known one once in 10^15 times.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b

import msgspec
from msgspec import Struct

_NUMBERED = re.compile(r"s:(0|[1-9][0-9]{0,17})")
_HASH_BYTES = 8


class _Stored(Struct, array_like=True):
    ranges: list[tuple[int, int]]
    """First and last number of each unbroken run, ascending."""
    hashes: bytes


_decode = msgspec.msgpack.Decoder(_Stored).decode


def seq_of(key: str) -> int | None:
    """The n of a key ``s:n``, as it is written without leading zeros; None for any other key."""
    found = _NUMBERED.fullmatch(key)
    return int(found[1]) if found else None


def _hash(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=_HASH_BYTES).digest()


class BatchKeys:
    """A set of keys. ``stored`` is what :meth:`encoded` gave."""

    def __init__(self, stored: bytes | None = None) -> None:
        known = _Stored([], b"") if stored is None else _decode(stored)
        self._ranges = known.ranges
        self._hashes = {
            known.hashes[at : at + _HASH_BYTES] for at in range(0, len(known.hashes), _HASH_BYTES)
        }

    def __contains__(self, key: str) -> bool:
        seq = seq_of(key)
        if seq is None:
            return _hash(key) in self._hashes
        return any(first <= seq <= last for first, last in self._ranges)

    def __len__(self) -> int:
        return len(self._hashes) + sum(last - first + 1 for first, last in self._ranges)

    def add(self, keys: Iterable[str]) -> None:
        """Take in more keys."""
        fresh = []
        for key in keys:
            seq = seq_of(key)
            if seq is None:
                self._hashes.add(_hash(key))
            else:
                fresh.append((seq, seq))
        runs: list[tuple[int, int]] = []
        for first, last in sorted([*self._ranges, *fresh]):
            if runs and first <= runs[-1][1] + 1:
                runs[-1] = runs[-1][0], max(last, runs[-1][1])
            else:
                runs.append((first, last))
        self._ranges = runs

    @property
    def last_seq(self) -> int | None:
        """The largest number among them."""
        return self._ranges[-1][1] if self._ranges else None

    def encoded(self) -> bytes:
        """The set as bytes, the same for the same set."""
        return msgspec.msgpack.encode(_Stored(self._ranges, b"".join(sorted(self._hashes))))
