"""MemoryJournal: the journal port in memory, complete, for trying things out and for tests.

It keeps every promise of the port but survival. One event loop uses it; nothing is ever awaited in
the middle of a change.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from msgspec.structs import replace

from roomtone.model.facts import AnyFact
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Chunk, Entry
from roomtone.storage.batch_keys import seq_of
from roomtone.storage.packing import pack, unpack
from roomtone.storage.repacking import Piece, chunks, span


class MemoryJournal:
    """See :mod:`roomtone.ports.journal`."""

    apart = True

    def __init__(self) -> None:
        self._last = 0
        self._subjects: dict[bytes, Subject] = {}
        self._keys: dict[bytes, set[str]] = {}
        self._pieces: dict[bytes, list[Piece]] = {}
        self._entries: list[Entry] = []
        """Ascending by position."""
        self._received: dict[int, tuple[int, Subject]] = {}
        """When the batches that were never packed came in, by position."""

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """See the port."""
        return [self._append(batch) for batch in batches]

    def _append(self, batch: Batch) -> bool:
        subject = batch.subject.key
        keys = self._keys.setdefault(subject, set())
        if batch.key in keys:
            return False
        keys.add(batch.key)
        self._subjects.setdefault(subject, batch.subject)
        self._last += 1
        if batch.received_at is not None:
            self._received[self._last] = batch.received_at, batch.subject
        t_min, t_max = span(batch.facts, batch.received_at or 0)
        piece = Piece(t_min, t_max, batch.presence, self._last, partial(list, batch.facts))
        self._pieces.setdefault(subject, []).append(piece)
        told = self._subjects[subject]
        self._entries.append(Entry(self._last, told, batch.presence, batch.deferred))
        return True

    async def answers(self) -> None:
        """See the port."""

    async def tail(self, after: int, limit: int) -> list[Entry]:
        """See the port; packed batches show as one entry."""
        start = bisect_right(self._entries, after, key=_position)
        return self._entries[start : start + limit]

    async def read(self, subject: bytes) -> list[Chunk]:
        """See the port."""
        pieces = sorted(self._pieces.get(subject, ()), key=lambda piece: piece.t_min)
        return [Chunk(piece.t_min, piece.t_max, piece.presence, piece.facts) for piece in pieces]

    async def last_seq(self, subject: bytes) -> int | None:
        """See the port."""
        numbers = (seq_of(key) for key in self._keys.get(subject, ()))
        return max((number for number in numbers if number is not None), default=None)

    async def pack(self, subject: bytes, through: int) -> None:
        """See the port."""
        pieces = self._pieces.get(subject, [])
        late = [piece for piece in pieces if (piece.position or 0) > through]
        old = [piece for piece in pieces if (piece.position or 0) <= through]
        if not old:
            return
        self._drop(old)
        for chunk in chunks(old):
            packed = partial(unpack, pack(chunk.facts))
            piece = Piece(chunk.t_min, chunk.t_max, chunk.presence, chunk.position, packed)
            late.append(piece)
            if piece.position is not None:
                entry = Entry(piece.position, self._subjects[subject], piece.presence)
                insort(self._entries, entry, key=_position)
        self._pieces[subject] = late

    async def close(self) -> None:
        """See the port: there is nothing of its own."""

    async def oldest(self, before: int, limit: int) -> list[Subject]:
        """See the port."""
        found: dict[Subject, None] = {}
        for received_at, subject in islice(self._received.values(), limit):
            if received_at >= before:
                break
            found[subject] = None
        return list(found)

    async def redact(self, subject: bytes, change: Callable[[AnyFact], AnyFact | None]) -> int:
        """See the port."""
        count = 0
        redacted: list[Piece] = []
        for piece in self._pieces.get(subject, []):
            facts = piece.facts()
            changed = [change(fact) for fact in facts]
            count += sum(1 for old, new in zip(facts, changed, strict=True) if new != old)
            left = [fact for fact in changed if fact is not None]
            redacted.append(replace(piece, facts=partial(list, left)))
        if redacted:
            self._pieces[subject] = redacted
        return count

    async def forget(self, subject: bytes) -> int:
        """See the port. Its keys are forgotten with it."""
        self._drop(self._pieces.pop(subject, []))
        self._subjects.pop(subject, None)
        return len(self._keys.pop(subject, ()))

    def _drop(self, pieces: Sequence[Piece]) -> None:
        gone = {piece.position for piece in pieces}
        self._received = {at: told for at, told in self._received.items() if at not in gone}
        self._entries = [entry for entry in self._entries if entry.position not in gone]


def _position(entry: Entry) -> int:
    return entry.position
