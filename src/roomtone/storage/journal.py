"""SqlJournal: the journal port on a :class:`Database`.

A batch is a row as it came. Packing (repacking.py, packing.py) turns the rows of a subject into a
few chunks and notes their keys (batch_keys.py), so that a repetition still changes nothing. What
was packed, ``tail`` shows as one entry, merged, at the position of the last batch in it: who asks
from before misses nothing, who asks from behind sees nothing twice.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from roomtone.model.facts import AnyFact
from roomtone.model.subjects import Subject
from roomtone.ports.cipher import Cipher
from roomtone.ports.journal import Batch, Chunk, Entry
from roomtone.storage.batch_keys import BatchKeys
from roomtone.storage.connections import Connection, Insertion
from roomtone.storage.database import Database
from roomtone.storage.encoding import decode_presence, encode_presence
from roomtone.storage.journal_cipher import pack_chunk, read_batch, read_chunk, write_batch
from roomtone.storage.repacking import Piece, chunks, span
from roomtone.storage.rows import Among, limited, text_of
from roomtone.storage.tables import journal, journal_chunks, journal_subjects

_INSERT = Insertion(
    text="INSERT INTO journal (subject, key, received_at, t_min, t_max, presence, facts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, key) DO NOTHING",
    key="subject, key",
    last="SELECT max(position) FROM journal",
    after="SELECT subject, key FROM journal WHERE position > ?",
)
_COUNT_ROWS = "SELECT count(*) FROM journal WHERE subject = ? AND position <= ?"
_CHUNK_IDS = "SELECT id FROM journal_chunks WHERE subject = ? ORDER BY id"
_PACKED_KEYS = "SELECT packed_keys FROM journal_subjects WHERE subject = ?"
_KEYS_OF_SEVERAL = Among("SELECT subject, packed_keys FROM journal_subjects WHERE subject = ?")
_SET_PACKED_KEYS = "UPDATE journal_subjects SET packed_keys = ? WHERE subject = ?"
_INSERT_SUBJECT = (
    "INSERT INTO journal_subjects (subject, app_id, meeting_id, participant_id, peer_id) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (subject) DO NOTHING"
)
_INSERT_CHUNK = (
    "INSERT INTO journal_chunks (subject, position, t_min, t_max, presence, facts) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_ROWS = (
    "SELECT position, key, t_min, t_max, presence, facts FROM journal "
    "WHERE subject = ? AND position <= ? ORDER BY position"
)
_CHUNKS = (
    "SELECT id, position, t_min, t_max, presence, facts FROM journal_chunks "
    "WHERE subject = ? ORDER BY id"
)
_KEYS = "SELECT key FROM journal WHERE subject = ?"
_FORGET = tuple(
    text_of(sa.delete(table).where(table.c.subject == sa.bindparam("subject")))
    for table in (journal, journal_chunks, journal_subjects)
)
_OLDEST = (
    "SELECT j.received_at, s.app_id, s.meeting_id, s.participant_id, s.peer_id FROM journal j "
    "JOIN journal_subjects s ON s.subject = j.subject WHERE j.received_at IS NOT NULL "
    "ORDER BY j.position LIMIT ?"
)
_REWRITE = "UPDATE journal SET facts = ? WHERE position = ?"
_REWRITE_CHUNK = "UPDATE journal_chunks SET facts = ? WHERE id = ?"
_MAX_POSITION = (1 << 63) - 1


def _tail_of(table: sa.Table) -> str:
    subject = journal_subjects.c
    return limited(
        sa.select(
            table.c.position,
            subject.app_id,
            subject.meeting_id,
            subject.participant_id,
            subject.peer_id,
            table.c.presence,
        )
        .join_from(table, journal_subjects, subject.subject == table.c.subject)
        .where(table.c.position > sa.bindparam("after"))
        .order_by(table.c.position)
    )


_TAILS = (_tail_of(journal), _tail_of(journal_chunks))

Row = tuple[Any, ...]


class SqlJournal:
    """See :mod:`roomtone.ports.journal`."""

    apart = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """All batches that wait, of whomever, go in with one statement and one sync."""
        rows = [_row(batch, self._database.cipher) for batch in batches]
        stored = await self._database.put_new(rows) if rows else []
        told = zip(batches, rows, stored, strict=True)
        left = [(batch.subject, row) for batch, row, done in told if not done]
        late = await self._database.write_together(_append, left) if left else []
        rest = iter(late)
        return [done or next(rest) for done in stored]

    async def tail(self, after: int, limit: int) -> list[Entry]:
        """See the port; packed batches show as one entry.

        From SQLite it is read on the caller's own thread, at once: a reader's thread gives up
        Python's global lock at every row, and fetching a few hundred that way cost more than all
        the rest of their way.
        """
        return await self._database.tail(partial(_tail, after=after, limit=limit))

    async def read(self, subject: bytes) -> list[Chunk]:
        """See the port."""
        packed, rows = await self._database.read(partial(_stored, subject, _MAX_POSITION))
        pieces = _pieces(self._database.cipher, subject, packed, rows)
        pieces.sort(key=lambda piece: piece.t_min)
        return [Chunk(piece.t_min, piece.t_max, piece.presence, piece.facts) for piece in pieces]

    async def last_seq(self, subject: bytes) -> int | None:
        """See the port."""
        return (await self._database.read(partial(_keys, subject))).last_seq

    async def pack(self, subject: bytes, through: int) -> None:
        """Packs in a thread of its own; if somebody else packed meanwhile, theirs stands."""
        packed, rows = await self._database.read(partial(_stored, subject, through))
        if rows:
            pieces = _pieces(self._database.cipher, subject, packed, rows)
            made = await asyncio.to_thread(self._packed_pieces, subject, pieces)
            await self._database.write(partial(_replace, subject, packed, rows, made))

    async def take_in(self, whose: Subject, pieces: Sequence[Piece], keys: Sequence[str]) -> bool:
        """Pack batches that lie elsewhere; False if somebody else packed meanwhile."""
        packed, before = await self._database.read(partial(_packed, whose.key))
        every = [*_pieces(self._database.cipher, whose.key, packed, ()), *pieces]
        made = await asyncio.to_thread(self._packed_pieces, whose.key, every)
        return await self._database.write(partial(_put_in, whose, packed, before, made, keys))

    def _packed_pieces(self, subject: bytes, pieces: Sequence[Piece]) -> list[Row]:
        return [
            (
                subject,
                chunk.position,
                chunk.t_min,
                chunk.t_max,
                encode_presence(chunk.presence),
                pack_chunk(self._database.cipher, subject, chunk.t_min, chunk.t_max, chunk.facts),
            )
            for chunk in chunks(pieces)
        ]

    async def answers(self) -> None:
        """See the port."""
        await self._database.read(lambda connection: connection.raw.execute("SELECT 1").fetchone())

    async def close(self) -> None:
        """See the port: there is nothing of its own."""

    async def oldest(self, before: int, limit: int) -> list[Subject]:
        """See the port."""
        return await self._database.read(partial(_oldest, before, limit))

    async def redact(self, subject: bytes, change: Callable[[AnyFact], AnyFact | None]) -> int:
        """See the port."""
        return await self._database.write(partial(_redact, subject, change))

    async def forget(self, subject: bytes) -> int:
        """See the port. Its keys are forgotten with it."""
        return await self._database.write(partial(_forget, subject))


def _row(batch: Batch, cipher: Cipher) -> Row:
    t_min, t_max = span(batch.facts, batch.received_at or 0)
    return (
        batch.subject.key,
        batch.key,
        batch.received_at,
        t_min,
        t_max,
        encode_presence(batch.presence),
        write_batch(cipher, batch.subject.key, batch.key, batch.facts),
    )


def _append(connection: Connection, groups: list[list[tuple[Subject, Row]]]) -> list[list[bool]]:
    raw = connection.raw
    rows = [entry for group in groups for entry in group]
    subjects = {row[0]: subject for subject, row in rows}
    known = _known(subjects, connection)
    packed = {key: BatchKeys(found) for key, found in known.items() if found is not None}
    if len(known) < len(subjects):
        # In one order everywhere, so that no two processes wait for each other.
        new = [_told(subjects[key]) for key in sorted(subjects.keys() - known.keys())]
        raw.executemany(_INSERT_SUBJECT, new)
    fresh = [row for _, row in rows if row[0] not in packed or row[1] not in packed[row[0]]]
    stored = connection.insert_new(_INSERT, fresh)
    if stored is None and len(fresh) == len(rows):
        return [[True] * len(group) for group in groups]
    if stored is None:
        stored = {row[:2] for row in fresh}
    # Of a key that came twice at once, the first is the new one.
    answers = []
    for group in groups:
        answer = []
        for _, row in group:
            answer.append(row[:2] in stored)
            stored.discard(row[:2])
        answers.append(answer)
    return answers


def _tail(connection: Connection, after: int, limit: int) -> list[Entry]:
    rows = [row for text in _TAILS for row in connection.raw.execute(text, (after, limit))]
    rows.sort(key=lambda row: row[0])
    return [
        Entry(position, Subject(*subject), decode_presence(presence))
        for position, *subject, presence in rows[:limit]
    ]


def _stored(subject: bytes, through: int, connection: Connection) -> tuple[list[Row], list[Row]]:
    """The chunks of a subject, and its rows."""
    packed = connection.raw.execute(_CHUNKS, (subject,)).fetchall()
    return packed, connection.raw.execute(_ROWS, (subject, through)).fetchall()


def _pieces(
    cipher: Cipher, subject: bytes, packed: Sequence[Row], rows: Sequence[Row]
) -> list[Piece]:
    """The chunks of a subject, then its rows, to be read when somebody asks for their facts."""
    return [
        *(_packed_piece(cipher, subject, row) for row in packed),
        *(_piece(cipher, subject, row) for row in rows),
    ]


def _piece(cipher: Cipher, subject: bytes, row: Row) -> Piece:
    position, key, t_min, t_max, presence, stored = row
    facts = partial(read_batch, cipher, subject, key, stored)
    return Piece(t_min, t_max, decode_presence(presence), position, facts)


def _packed_piece(cipher: Cipher, subject: bytes, row: Row) -> Piece:
    _, position, t_min, t_max, presence, stored = row
    facts = partial(read_chunk, cipher, subject, t_min, t_max, stored)
    return Piece(t_min, t_max, decode_presence(presence), position, facts)


def _keys(subject: bytes, connection: Connection) -> BatchKeys:
    """Every key ever stored for a subject."""
    found = connection.raw.execute(_PACKED_KEYS, (subject,)).fetchone()
    keys = BatchKeys(None if found is None else found[0])
    keys.add(key for (key,) in connection.raw.execute(_KEYS, (subject,)))
    return keys


def packed_keys(subjects: Collection[bytes], connection: Connection) -> dict[bytes, BatchKeys]:
    """The keys of the batches that were packed, of those subjects that have any."""
    known = _known(subjects, connection)
    return {subject: BatchKeys(found) for subject, found in known.items() if found is not None}


def _known(subjects: Collection[bytes], connection: Connection) -> dict[bytes, bytes | None]:
    """Of those subjects that were told of before, the keys of what was packed."""
    return {row[0]: row[1] for row in _KEYS_OF_SEVERAL.rows(connection, subjects)}


def _told(subject: Subject) -> Row:
    told = subject.app_id, subject.meeting_id, subject.participant_id, subject.peer_id
    return (subject.key, *told)


def _replace(
    subject: bytes, packed: list[Row], rows: list[Row], made: list[Row], connection: Connection
) -> None:
    raw = connection.raw
    # Rows never change, so as many as before are the same ones.
    (count,) = raw.execute(_COUNT_ROWS, (subject, rows[-1][0])).fetchone()
    if count == len(rows) and _swap(subject, packed, made, [row[1] for row in rows], connection):
        raw.executemany("DELETE FROM journal WHERE position = ?", [(row[0],) for row in rows])


def _packed(subject: bytes, connection: Connection) -> tuple[list[Row], bytes | None]:
    """The chunks of a subject, and the keys of what is in them."""
    found = connection.raw.execute(_PACKED_KEYS, (subject,)).fetchone()
    chunks = connection.raw.execute(_CHUNKS, (subject,)).fetchall()
    return chunks, None if found is None else found[0]


def _put_in(
    whose: Subject,
    packed: list[Row],
    before: bytes | None,
    made: list[Row],
    keys: Sequence[str],
    connection: Connection,
) -> bool:
    connection.raw.execute(_INSERT_SUBJECT, _told(whose))
    (now,) = connection.raw.execute(_PACKED_KEYS, (whose.key,)).fetchone()
    # SQLite gives numbers of chunks anew: only the keys tell whether more went in meanwhile.
    return now == before and _swap(whose.key, packed, made, keys, connection)


def _swap(
    subject: bytes,
    packed: list[Row],
    made: list[Row],
    names: Sequence[str],
    connection: Connection,
) -> bool:
    """New chunks for old ones, and the keys noted; False if the old ones are no longer there."""
    raw = connection.raw
    ids = [row[0] for row in raw.execute(_CHUNK_IDS, (subject,)).fetchall()]
    if ids != [row[0] for row in packed]:
        return False
    found = raw.execute(_PACKED_KEYS, (subject,)).fetchone()
    keys = BatchKeys(found[0])
    keys.add(names)
    raw.executemany("DELETE FROM journal_chunks WHERE id = ?", [(row[0],) for row in packed])
    raw.executemany(_INSERT_CHUNK, made)
    raw.execute(_SET_PACKED_KEYS, (keys.encoded(), subject))
    return True


def _oldest(before: int, limit: int, connection: Connection) -> list[Subject]:
    rows = connection.raw.execute(_OLDEST, (limit,))
    # Positions follow the clock: whatever is behind the first young one is young too.
    old = takewhile(lambda row: row[0] < before, rows)
    return list(dict.fromkeys(Subject(*row[1:]) for row in old))


def _redact(
    subject: bytes, change: Callable[[AnyFact], AnyFact | None], connection: Connection
) -> int:
    packed, rows = _stored(subject, _MAX_POSITION, connection)
    cipher = connection.cipher
    batches = (
        (row[0], _piece(cipher, subject, row), partial(write_batch, cipher, subject, row[1]))
        for row in rows
    )
    dense = (
        (
            row[0],
            _packed_piece(cipher, subject, row),
            partial(pack_chunk, cipher, subject, row[2], row[3]),
        )
        for row in packed
    )
    return sum(
        _rewrite(connection, piece.facts(), change, encode, text, number)
        for text, some in ((_REWRITE, batches), (_REWRITE_CHUNK, dense))
        for number, piece, encode in some
    )


def _rewrite(
    connection: Connection,
    facts: Sequence[AnyFact],
    change: Callable[[AnyFact], AnyFact | None],
    encode: Callable[[Sequence[AnyFact]], bytes],
    text: str,
    number: int,
) -> int:
    """How many facts of one row were changed or taken out."""
    changed = [change(fact) for fact in facts]
    count = sum(1 for old, new in zip(facts, changed, strict=True) if new != old)
    if count:
        left = [fact for fact in changed if fact is not None]
        connection.raw.execute(text, (encode(left), number))
    return count


def _forget(subject: bytes, connection: Connection) -> int:
    count = len(_keys(subject, connection))
    for text in _FORGET:
        connection.raw.execute(text, (subject,))
    return count
