"""Crowds: who was in a session when, remembered between counts.

A session's numbers follow from the stays of all of its peers. Remembering those lets a count read
nothing but what changed, so that a session of thousands costs as much a join as one of ten. Nothing
is true because it stands here: what does not fit the rows is made anew from them.

The peak is a running sum over all joins and leaves, by time. A change moves what comes after it;
people come and go *now*, near the end, so little does. To correct what is long past costs a pass
over all that came after it, 0.14 µs for each join or leave.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct

from roomtone.model.sessions import Peer, Session

_LEAVE, _PASS, _JOIN = range(3)
"""Who leaves as another comes did not meet them; who came and left in one millisecond was there,
yet met nobody who came then."""
_Mark = tuple[int, int, bytes, int]
"""(t, what, subject, minus the change): a pass is +1 and then -1 at once."""


class Spans:
    """Stays by subject, and the most that overlap; one that ends as another begins does not overlap
    it."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []
        self._there: list[int] = []
        """How many are there after each mark; as far as it is known."""
        self._most: list[int] = []
        """The most so far, as of the same marks."""

    def add(self, subject: bytes, joined: int, left: int | None) -> None:
        """One that is not in it."""
        for mark in _marks(subject, joined, left):
            self._known_to(bisect_left(self._marks, mark))
            insort(self._marks, mark)

    def remove(self, subject: bytes, joined: int, left: int | None) -> None:
        """One that is in it."""
        for mark in _marks(subject, joined, left):
            place = bisect_left(self._marks, mark)
            self._known_to(place)
            del self._marks[place]

    def _known_to(self, place: int) -> None:
        del self._there[place:], self._most[place:]

    def peak(self) -> int:
        """The most at any time."""
        known = len(self._there)
        if known < len(self._marks):
            there = self._there[-1] if known else 0
            most = self._most[-1] if known else 0
            changes = [-mark[3] for mark in self._marks[known:]]
            self._there += list(accumulate(changes, initial=there))[1:]
            self._most += list(accumulate(self._there[known:], max, initial=most))[1:]
        return self._most[-1] if self._most else 0

    def first(self) -> int:
        """The first join of any; epoch ms."""
        return self._marks[0][0]

    def last(self) -> int:
        """The last join or leave of any."""
        return self._marks[-1][0]


def _marks(subject: bytes, joined: int, left: int | None) -> list[_Mark]:
    if left is None:
        return [(joined, _JOIN, subject, -1)]
    if left <= joined:
        return [(joined, _PASS, subject, -1), (joined, _PASS, subject, 1)]
    return [(joined, _JOIN, subject, -1), (left, _LEAVE, subject, 1)]


class Stayed(Struct, frozen=True):
    """A peer's row, as far as it is counted."""

    user_id: str
    joined: int
    left: int | None
    counts: bool


class Crowd:
    """The peers of one session."""

    def __init__(self, peers: Iterable[Peer]) -> None:
        self.row: Session | None = None
        """The session as it was left: if it is another now, somebody else changed it."""
        self.live = 0
        self.closed_ms = 0
        self.live_since_sum = 0
        self._stayed: dict[bytes, Stayed] = {}
        self._spans = Spans()
        self._people: Counter[str] = Counter()
        self.put(peers)

    def __len__(self) -> int:
        return len(self._stayed)

    def put(self, peers: Iterable[Peer]) -> None:
        """Peers as their rows are now."""
        for peer in peers:
            now = Stayed(peer.user_id, peer.joined_at, peer.left_at, peer.counts)
            before = self._stayed.get(peer.subject)
            if now != before:
                if before is not None:
                    self._count(peer.subject, before, -1)
                self._count(peer.subject, now, 1)
                self._stayed[peer.subject] = now

    def _count(self, subject: bytes, one: Stayed, sign: int) -> None:
        if not one.counts:
            return
        change = self._spans.add if sign > 0 else self._spans.remove
        change(subject, one.joined, one.left)
        self._people[one.user_id] += sign
        if not self._people[one.user_id]:
            del self._people[one.user_id]
        if one.left is None:
            self.live += sign
            self.live_since_sum += sign * one.joined
        else:
            self.closed_ms += sign * (one.left - one.joined)

    @property
    def people(self) -> int:
        """Distinct ones."""
        return len(self._people)

    @property
    def peak(self) -> int:
        """The most that were there at once."""
        return self._spans.peak()

    @property
    def started_at(self) -> int:
        """The first join. Of a session that is all attempts, those tell when it was."""
        if self._people:
            return self._spans.first()
        return min(one.joined for one in self._stayed.values())

    @property
    def empty_since(self) -> int | None:
        """The last leave; None while anybody is there."""
        if self.live:
            return None
        if self._people:
            return self._spans.last()
        tried = (one.left for one in self._stayed.values() if one.left is not None)
        return max(tried, default=None)
