"""Journal: the append-only facts, in order per peer.

Every adapter keeps these promises; ``tests/contracts/test_journal.py`` holds each to them.

1. ``append`` returns only when every batch survives a crash of process and power.
2. A batch whose (subject, key) is already there changes nothing, for ever, also after ``pack``.
3. ``tail`` shows every appended batch exactly once, in one order, to whoever asks from a position.
4. ``read`` gives all facts of a subject, whatever was packed meanwhile.
5. ``pack`` changes how facts are stored, never which.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject


class Batch(Struct, frozen=True):
    """What is appended: facts of one subject that arrived together."""

    subject: Subject
    key: str
    """Names the batch within its subject: ``s:<seq>``, or ``h:<hex of a content hash>``."""
    received_at: int | None
    """Server's epoch ms; None for an import."""
    facts: tuple[AnyFact, ...]
    presence: Presence
    deferred: bool = False
    """The records were away: what else follows from it is still to be done, by the roster."""


class Entry(Struct, frozen=True):
    """What the roster reads of an appended batch."""

    position: int
    subject: Subject
    presence: Presence
    deferred: bool = False
    """As of its batch."""


class Chunk(Struct, frozen=True):
    """Some facts of one subject, still encoded: ``facts()`` decodes them, in no promised order."""

    t_min: int
    t_max: int
    presence: Presence
    """Merged over the batches that are in the chunk."""
    facts: Callable[[], Sequence[AnyFact]]


class Journal(Protocol):
    """See the module's promises."""

    @property
    def apart(self) -> bool:
        """Whether it takes in batches while the records are away; it keeps ``deferred`` then. Of
        one that lies with the records, what could not be asked may answer a moment later."""
        ...

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """Store; for each batch: True stored, False was there already. Durable on return."""
        ...

    async def tail(self, after: int, limit: int) -> list[Entry]:
        """The entries with position > ``after``, ascending, at most ``limit``."""
        ...

    async def read(self, subject: bytes) -> list[Chunk]:
        """Every chunk of a subject by its key, ascending by t_min; empty for an unknown one."""
        ...

    async def last_seq(self, subject: bytes) -> int | None:
        """The largest seq n of the keys ``s:n`` ever stored for a subject."""
        ...

    async def pack(self, subject: bytes, through: int) -> None:
        """Rewrite the batches up to position ``through`` as few dense chunks.

        Whoever asks ``tail`` from before sees each chunk's batches merged into one entry, at the
        position of the last of them; whoever asks from there on sees nothing again.
        """
        ...

    async def oldest(self, before: int, limit: int) -> list[Subject]:
        """Subjects of the oldest batches that were received before then and never packed."""
        ...

    async def redact(self, subject: bytes, change: Callable[[AnyFact], AnyFact | None]) -> int:
        """Replace each fact of a subject by what ``change`` makes of it, or take it out (None);
        returns how many were. Keys, presence and positions stay."""
        ...

    async def forget(self, subject: bytes) -> int:
        """Erase every fact of a subject, and its keys; returns how many batches went."""
        ...

    async def answers(self) -> None:
        """Raises Failed while nothing can be appended."""
        ...

    async def close(self) -> None:
        """Disconnect from whatever is the journal's alone."""
        ...
