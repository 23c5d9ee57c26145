"""Gatherings: who in a session may be one connection with whom, remembered between settlings.

What is true of a peer follows from those that share its person, its peer id or a track with it, and
from the servers' clocks, which the whole session proves. Remembering these lets a settling read the
few rows that a change touches, so that a call of thousands costs as much a join as a call of ten.
Nothing is true because it stands here: what does not fit the rows is made anew from them.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sized
from typing import Generic, TypeVar

from roomtone.model.limits import MAX_GATHERED
from roomtone.model.presence import Witness
from roomtone.report.linking import Seen, clocks_of, corrections
from roomtone.services.crowds import Crowd

T = TypeVar("T", bound=Sized)


class Gathering:
    """One session's peers by what links them, and its servers' clocks."""

    def __init__(self, peers: Iterable[Seen]) -> None:
        self.clocks: dict[str, Witness] = {}
        self._marks: dict[bytes, set[object]] = {}
        self._bearers: dict[object, set[bytes]] = defaultdict(set)
        self.add(peers)

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, peers: Iterable[Seen]) -> bool:
        """Take in peers, or what is new of them; whether the rest of the session stays as it is,
        which it does not when a clock turns out to be another."""
        peers = list(peers)
        before = corrections(self.clocks)
        self.clocks = clocks_of(peers, self.clocks)
        for peer in peers:
            marks = self._marks.setdefault(peer.subject, set())
            # Marks are never taken away: what they linked once has to be ruled on together again.
            marks |= {("user", peer.user_id), ("peer", peer.peer_id), *peer.presence.links}
            for mark in marks:
                self._bearers[mark].add(peer.subject)
        return corrections(self.clocks) == before

    def around(self, subjects: Iterable[bytes]) -> set[bytes]:
        """These, and all that a chain of common marks leads to."""
        found: set[bytes] = set()
        left = [subject for subject in subjects if subject in self._marks]
        seen: set[object] = set()
        while left:
            subject = left.pop()
            if subject in found:
                continue
            found.add(subject)
            for mark in self._marks[subject] - seen:
                seen.add(mark)
                left += self._bearers[mark] - found
        return found


class Held(Generic[T]):
    """What is remembered of the sessions that moved last. What is taken out and not kept again (its
    transaction failed) is forgotten."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, T] = OrderedDict()
        self._taken: dict[str, T] = {}
        self._size = 0
        """Peers of all that is held: nothing is changed while it is."""

    def begin(self, *, believed: bool) -> None:
        """Before a transaction; whether what is remembered may still be true."""
        if not believed:
            self._held.clear()
            self._size = 0
        self._taken.clear()

    def take(self, session_id: str) -> T | None:
        """What is remembered of a session."""
        found = self._held.pop(session_id, None)
        self._size -= 0 if found is None else len(found)
        return found

    def keep(self, session_id: str, one: T) -> None:
        """Remember it, if the transaction succeeds."""
        self._taken[session_id] = one

    def committed(self) -> None:
        """The transaction succeeded."""
        self._held.update(self._taken)
        self._size += sum(map(len, self._taken.values()))
        self._taken.clear()
        while self._size > MAX_GATHERED and self._held:
            self._size -= len(self._held.popitem(last=False)[1])


class Gatherings:
    """Of the sessions that moved last: who was there, and, where servers tell of it, what links
    them."""

    def __init__(self) -> None:
        self.crowds: Held[Crowd] = Held()
        self.links: Held[Gathering] = Held()
        self._cursor: int | None = None

    def begin(self, cursor: int) -> None:
        """Before a transaction; ``cursor``: where the roster stands in it. If another process went
        further meanwhile, nothing here is believed."""
        believed = cursor == self._cursor
        self.crowds.begin(believed=believed)
        self.links.begin(believed=believed)

    def committed(self, cursor: int) -> None:
        """The transaction succeeded and left the roster there."""
        self._cursor = cursor
        self.crowds.committed()
        self.links.committed()
