"""Texts of the session list, held so that a substring is found among a million of them in
milliseconds: identifiers as columns of bytes, titles as one run of UTF-8; and sets of names.

All number their texts 0, 1, 2 … in the order of arrival and never change one. Case is folded with
``str.casefold`` on both sides. Not thread-safe.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]
Test = tuple[int, np.uint8, np.uint8]
"""(column, mask, value): a byte of an id, the bits of it that count, and what they have to be."""

_DASHES = (8, 13, 18, 23)
_DIGITS = [at for at in range(36) if at not in _DASHES]
_DASH = 16
_NO_UUID = " " * 36

_NIBBLE = np.full(256, 255, np.uint8)
_NIBBLE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
_NIBBLE[ord("-")] = _DASH

_BLOCK = 65_536
"""So many ids are searched at a time, by all of their bytes, while those are in the cache."""
_FEW = 8
"""One of so many ids: fewer are looked at one by one."""
_SEPARATOR = 0xFF
"""Stands between titles; no UTF-8 text holds it, so no match runs from one title into the next."""

REMEMBERED = 65_536
"""How many different texts are recognised when they come again. A text beyond that gets a new
number each time: a few bytes more a session, the same answers, and no dictionary of millions."""


def grown(array: npt.NDArray[Any], need: int) -> npt.NDArray[Any]:
    """The array with room for ``need`` entries along its last axis: itself, or a larger copy."""
    room = array.shape[-1]
    if need <= room:
        return array
    larger = np.empty((*array.shape[:-1], max(need, room + room // 2, 16)), array.dtype)
    larger[..., :room] = array
    return larger


class Identifiers:
    """Ids by number. A canonical UUID (lower case, dashes) takes 16 bytes, any other id its text.

    The bytes lie in 16 columns, so that a search compares a column of a million bytes at a time.
    """

    def __init__(self) -> None:
        self._columns = np.empty((16, 0), np.uint8)
        self._others: dict[int, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, texts: Sequence[str]) -> None:
        """Number some more ids."""
        first, self._count = self._count, self._count + len(texts)
        joined = "".join(t if len(t) == 36 and t.isascii() else _NO_UUID for t in texts)
        nibbles = _NIBBLE[np.frombuffer(joined.encode(), np.uint8).reshape(-1, 36)]
        digits = nibbles[:, _DIGITS]
        canonical = (digits < 16).all(axis=1) & (nibbles[:, _DASHES] == _DASH).all(axis=1)
        self._columns = grown(self._columns, self._count)
        self._columns[:, first : self._count] = (digits[:, 0::2] << 4 | digits[:, 1::2] & 15).T
        for at in np.flatnonzero(~canonical).tolist():
            self._others[first + at] = texts[at]

    def text(self, number: int) -> str:
        """The id with this number."""
        if number in self._others:
            return self._others[number]
        h = self._columns[:, number].tobytes().hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def texts(self, numbers: Numbers | Rows) -> list[str]:
        """The ids with these numbers."""
        packed = self._columns[:, numbers].T.tobytes().hex()
        hexes = (packed[at : at + 32] for at in range(0, len(packed), 32))
        texts = [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in hexes]
        if not self._others:
            return texts
        pairs = zip(numbers.tolist(), texts, strict=True)
        return [self._others.get(number, text) for number, text in pairs]

    def keep(self, numbers: Numbers) -> None:
        """Forget all but these ascending numbers, and number them anew from 0."""
        self._columns = self._columns[:, numbers].copy()
        new = {old: at for at, old in enumerate(numbers.tolist())} if self._others else {}
        self._others = {new[old]: text for old, text in self._others.items() if old in new}
        self._count = len(numbers)

    def sort_within(self, numbers: Rows, groups: Numbers) -> Rows:
        """The numbers by (group, id as text), where ``groups`` gives each one's group."""
        if not self._others:
            # Big-endian words of canonical ids compare as their texts do.
            words = np.ascontiguousarray(self._columns[:, numbers].T).view(">u8").astype(np.uint64)
            return numbers[np.lexsort((words[:, 1], words[:, 0], groups))]
        ranked = sorted(zip(groups.tolist(), self.texts(numbers), numbers.tolist(), strict=True))
        return np.array([number for _, _, number in ranked], np.uint32)

    def find(self, text: str) -> Numbers:
        """The numbers of exactly this id, ascending."""
        start = self._placed(text, 0) if len(text) == 36 else None
        if start is not None:
            held = self._columns[:, : self._count]
            same = _holding(held, _tests(start, text.replace("-", "")))
            return same[[at not in self._others for at in same.tolist()]] if self._others else same
        return np.array([at for at, other in self._others.items() if other == text], np.int64)

    def matching(self, needle: str) -> Flags:
        """By number: the ids that the case-folded needle is a part of."""
        found = np.zeros(self._count, np.bool_)
        self.match(needle, 0, found)
        return found

    def match(self, needle: str, start: int, found: Flags) -> None:
        """From number ``start`` on, flag the ids that the case-folded needle is a part of. Those
        that are ``found`` already keep their flag, and need not be looked at."""
        others = {
            at - start: bool(found[at - start]) or needle in text.casefold()
            for at, text in self._others.items()
            if at >= start
        }
        digits = needle.replace("-", "")
        placed = (self._placed(needle, at) for at in range(37 - len(needle)))
        firsts = [first for first in placed if first is not None]
        if firsts and not digits:
            found[:] = True
        elif firsts:
            tests = [_tests(first, digits) for first in firsts]
            if (len(found) - int(np.count_nonzero(found))) * _FEW < len(found):
                left = np.flatnonzero(~found)
                # Of the whole array, which lies in one piece; of a part of it numpy copies first.
                found[left] = _match(self._columns.take(left + start, axis=1), tests)
            else:
                found |= _match(self._columns[:, start : self._count], tests)
        found[list(others)] = list(others.values())

    @staticmethod
    def _placed(needle: str, start: int) -> int | None:
        """Which hexadecimal digit of a UUID the needle begins at if it stands at ``start``; None if
        no UUID can hold it there."""
        for at, letter in enumerate(needle, start):
            if (letter == "-") != (at in _DASHES) or letter not in "0123456789abcdef-":
                return None
        return start - sum(at < start for at in _DASHES)


def _tests(first: int, digits: str) -> list[Test]:
    """A test for each byte that these digits touch from digit ``first`` on, whole bytes before
    halves."""
    padded = "." * (first % 2) + digits
    padded += "." * (len(padded) % 2)
    pairs = [(first // 2 + at // 2, padded[at : at + 2]) for at in range(0, len(padded), 2)]
    return [
        (
            column,
            np.uint8(int("".join("0" if c == "." else "f" for c in pair), 16)),
            np.uint8(int(pair.replace(".", "0"), 16)),
        )
        for column, pair in sorted(pairs, key=lambda item: "." in item[1])
    ]


def _passing(columns: Bytes, tests: list[Test]) -> Flags:
    """The ids that pass all of a few tests."""
    passed = [
        (columns[column] if mask == 0xFF else columns[column] & mask) == value
        for column, mask, value in tests
    ]
    found: Flags = passed[0]
    return found if len(passed) == 1 else np.logical_and(found, passed[1], out=found)


def _holding(columns: Bytes, tests: list[Test]) -> Numbers:
    """The ids that pass all tests: two whole columns are compared, the rest only for the few that
    are left."""
    left = np.flatnonzero(_passing(columns, tests[:2]))
    for column, mask, value in tests[2:]:
        left = left[columns[column, left] & mask == value]
    return left


def _match(columns: Bytes, places: list[list[Test]]) -> Flags:
    """The ids that pass all tests of any place."""
    found = np.zeros(columns.shape[1], np.bool_)
    for start in range(0, len(found), _BLOCK):
        some, block = columns[:, start : start + _BLOCK], found[start : start + _BLOCK]
        for tests in places:
            if len(tests) <= 2:
                np.logical_or(block, _passing(some, tests), out=block)
            else:
                block[_holding(some, tests)] = True
    return found


class Meetings(Identifiers):
    """The ids of meetings; the same id gets the same number while it is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, int] = {}

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """A number for each text."""
        numbers = [self._known.get(text, -1) for text in texts]
        new: list[str] = []
        for at, number in enumerate(numbers):
            if number < 0:
                numbers[at] = self._numbered(texts[at], new)
        if new:
            self.extend(new)
        return numbers

    def holds(self, number: int, text: str) -> bool:
        """Whether this number stands for this id."""
        return self._known.get(text) == number or self.text(number) == text

    def _numbered(self, text: str, new: list[str]) -> int:
        number = self._known.get(text)
        if number is None:
            number = len(self) + len(new)
            new.append(text)
            if len(self._known) < REMEMBERED:
                self._known[text] = number
        return number


class Titles:
    """Titles by number, case-folded, end to end in one array of bytes."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)
        self._used = 0
        self._starts = np.empty(0, np.int64)
        self._count = 0
        self._known: dict[str, int] = {}
        self._frequency = np.zeros(256, np.int64)

    def __len__(self) -> int:
        return self._count

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """A number for each title; the same one for the same title while it is remembered."""
        numbers: list[int] = []
        new: list[bytes] = []
        known = self._known
        for text in texts:
            number = known.get(text)
            if number is None:
                number = self._count + len(new)
                new.append(text.casefold().encode("utf-8", "surrogatepass"))
                if len(known) < REMEMBERED:
                    known[text] = number
            numbers.append(number)
        if new:
            self._extend(new)
        return numbers

    def holds(self, number: int, text: str) -> bool:
        """Whether this number stands for this title, but for case."""
        if self._known.get(text) == number:
            return True
        start = int(self._starts[number])
        end = int(self._starts[number + 1]) if number + 1 < self._count else self._used
        folded = text.casefold().encode("utf-8", "surrogatepass")
        return self._bytes[start : end - 1].tobytes() == folded

    def _extend(self, texts: list[bytes]) -> None:
        first, self._count = self._count, self._count + len(texts)
        added = np.frombuffer(b"".join(text + b"\xff" for text in texts), np.uint8)
        lengths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
        self._starts = grown(self._starts, self._count)
        self._starts[first : self._count] = self._used + np.cumsum(lengths) - lengths
        self._bytes = grown(self._bytes, self._used + len(added))
        self._bytes[self._used : self._used + len(added)] = added
        self._used += len(added)
        self._frequency += np.bincount(added, minlength=256)

    def matching(self, needle: str) -> Flags:
        """For each title, whether the case-folded, non-empty needle is a part of it."""
        wanted = needle.encode("utf-8", "surrogatepass")
        found = np.zeros(self._count, np.bool_)
        last = self._used - len(wanted) + 1
        if last <= 0:
            return found
        # The two rarest bytes are compared everywhere, the others only where both of them fit.
        rarest = sorted(range(len(wanted)), key=lambda at: int(self._frequency[wanted[at]]))
        flags = self._bytes[rarest[0] : last + rarest[0]] == wanted[rarest[0]]
        if len(rarest) > 1:
            flags &= self._bytes[rarest[1] : last + rarest[1]] == wanted[rarest[1]]
        starts = self._starts[: self._count]
        if len(wanted) <= 2:
            # Short needles are everywhere: one pass over all titles beats a look-up for each hit.
            whole = np.zeros(self._used, np.bool_)
            whole[:last] = flags
            return np.logical_or.reduceat(whole, starts)
        hits = np.flatnonzero(flags)
        for at in rarest[2:]:
            hits = hits[self._bytes[hits + at] == wanted[at]]
        found[np.searchsorted(starts, hits, side="right") - 1] = True
        return found


class Sets:
    """Sets of names by number, such as the findings of a session; each as one text, a name a line.
    There are far fewer different sets than sessions."""

    def __init__(self) -> None:
        self._known: dict[str | None, int] = {}
        self._names: dict[str, int] = {}
        self._count = 0
        self._firsts = np.empty(0, np.int64)
        """Where the members of each set begin."""
        self._sizes = np.empty(0, np.int64)
        self._members = np.empty(0, np.int32)
        self._used = 0

    def numbers(self, texts: Sequence[str | None]) -> list[int]:
        """A number for each set; the same one for the same set while it is remembered. None:
        empty."""
        known = self._known
        return [known[text] if text in known else self._numbered(text) for text in texts]

    def _numbered(self, text: str | None) -> int:
        number, self._count = self._count, self._count + 1
        names = set(text.split("\n")) if text else ()
        members = [self._names.setdefault(name, len(self._names)) for name in names]
        self._firsts, self._sizes = (
            grown(self._firsts, self._count),
            grown(self._sizes, self._count),
        )
        self._firsts[number], self._sizes[number] = self._used, len(members)
        self._members = grown(self._members, self._used + len(members))
        self._members[self._used : self._used + len(members)] = members
        self._used += len(members)
        if len(self._known) < REMEMBERED:
            self._known[text] = number
        return number

    def names(self, wanted: frozenset[str]) -> list[int]:
        """The numbers of those of these names that any set holds."""
        return [self._names[name] for name in wanted if name in self._names]

    def holding(self, names: list[int]) -> Numbers:
        """The numbers of the sets that hold any of these names, by their numbers."""
        found = np.isin(self._members[: self._used], names)
        sets = np.repeat(np.arange(self._count), self._sizes[: self._count])
        return np.unique(sets[found])

    def members(self, numbers: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        """Of sets by number: for each name of each, the set's place among them, and the name."""
        sizes = self._sizes[numbers]
        places = np.repeat(np.arange(len(numbers), dtype=np.int32), sizes)
        # Where each set's members begin, less where its names begin among those asked for.
        shifts = self._firsts[numbers] - np.cumsum(sizes) + sizes
        names = self._members[shifts[places] + np.arange(len(places))]
        return places, names.astype(np.min_scalar_type(max(1, len(self._names))))
