"""SqlJournal: the journal port on a :class:`Database`.

A batch is a row as it came. Packing (repacking.py, packing.py) turns the rows of a subject into a
few chunks and notes their keys (batch_keys.py), so that a repetition still changes nothing. What
was packed, ``tail`` shows as one entry, merged, at the position of the last batch in it: who asks
from before misses nothing, who asks from behind sees nothing twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from roomtone.model.facts import AnyFact
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Chunk, Entry
from roomtone.storage.batch_keys import BatchKeys
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database
from roomtone.storage.encoding import (
    decode_facts,
    decode_presence,
    encode_facts,
    encode_presence,
)
from roomtone.storage.packing import pack, unpack
from roomtone.storage.repacking import Piece, chunks, span
from roomtone.storage.rows import limited, text_of
from roomtone.storage.tables import journal, journal_chunks, journal_subjects

_INSERT = (
    "INSERT INTO journal (subject, key, received_at, t_min, t_max, presence, facts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, key) DO NOTHING"
)
_LAST_POSITION = "SELECT max(position) FROM journal"
_KEYS_AFTER = "SELECT subject, key FROM journal WHERE position > ?"
_COUNT_ROWS = "SELECT count(*) FROM journal WHERE subject = ? AND position <= ?"
_CHUNK_IDS = "SELECT id FROM journal_chunks WHERE subject = ? ORDER BY id"
_PACKED_KEYS = "SELECT packed_keys FROM journal_subjects WHERE subject = ?"
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

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """All batches that wait, of whomever, go in with one statement and one sync."""
        rows = [(batch.subject, _row(batch)) for batch in batches]
        return await self._database.write_together(_append, rows) if rows else []

    async def tail(self, after: int, limit: int) -> list[Entry]:
        """See the port; packed batches show as one entry.

        Read on the caller's own thread, at once: a reader's thread gives up Python's global lock at
        every row, and fetching a few hundred that way cost more than all the rest of their way.
        """
        return self._database.peek(partial(_tail, after=after, limit=limit))

    async def read(self, subject: bytes) -> list[Chunk]:
        """See the port."""
        packed, rows = await self._database.read(partial(_stored, subject, _MAX_POSITION))
        pieces = [*map(_packed_piece, packed), *map(_piece, rows)]
        pieces.sort(key=lambda piece: piece.t_min)
        return [Chunk(piece.t_min, piece.t_max, piece.presence, piece.facts) for piece in pieces]

    async def last_seq(self, subject: bytes) -> int | None:
        """See the port."""
        return (await self._database.read(partial(_keys, subject))).last_seq

    async def pack(self, subject: bytes, through: int) -> None:
        """Packs in a thread of its own; if somebody else packed meanwhile, theirs stands."""
        packed, rows = await self._database.read(partial(_stored, subject, through))
        if rows:
            made = await asyncio.to_thread(_packed_rows, subject, packed, rows)
            await self._database.write(partial(_replace, subject, packed, rows, made))

    async def oldest(self, before: int, limit: int) -> list[Subject]:
        """See the port."""
        return await self._database.read(partial(_oldest, before, limit))

    async def redact(self, subject: bytes, change: Callable[[AnyFact], AnyFact | None]) -> int:
        """See the port."""
        return await self._database.write(partial(_redact, subject, change))

    async def forget(self, subject: bytes) -> int:
        """See the port. Its keys are forgotten with it."""
        return await self._database.write(partial(_forget, subject))


def _row(batch: Batch) -> Row:
    t_min, t_max = span(batch.facts, batch.received_at or 0)
    return (
        batch.subject.key,
        batch.key,
        batch.received_at,
        t_min,
        t_max,
        encode_presence(batch.presence),
        encode_facts(batch.facts),
    )


def _append(connection: Connection, groups: list[list[tuple[Subject, Row]]]) -> list[list[bool]]:
    raw = connection.raw
    rows = [entry for group in groups for entry in group]
    packed: dict[bytes, BatchKeys | None] = {}
    new: dict[bytes, Row] = {}
    for subject, row in rows:
        key = row[0]
        if key not in packed:
            found = raw.execute(_PACKED_KEYS, (key,)).fetchone()
            packed[key] = None if found is None or found[0] is None else BatchKeys(found[0])
            if found is None:
                told = subject.app_id, subject.meeting_id, subject.participant_id, subject.peer_id
                new[key] = (key, *told)
    raw.executemany(_INSERT_SUBJECT, new.values())
    fresh = [row for _, row in rows if (keys := packed[row[0]]) is None or row[1] not in keys]
    last = raw.execute(_LAST_POSITION).fetchone()[0] or 0
    if raw.executemany(_INSERT, fresh).rowcount == len(rows):
        return [[True] * len(group) for group in groups]
    # Some were there already. Which ones, the rows that are new now tell; each is new once.
    stored = set(raw.execute(_KEYS_AFTER, (last,)))
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


def _piece(row: Row) -> Piece:
    position, _, t_min, t_max, presence, facts = row
    return Piece(t_min, t_max, decode_presence(presence), position, partial(decode_facts, facts))


def _packed_piece(row: Row) -> Piece:
    _, position, t_min, t_max, presence, facts = row
    return Piece(t_min, t_max, decode_presence(presence), position, partial(unpack, facts))


def _keys(subject: bytes, connection: Connection) -> BatchKeys:
    """Every key ever stored for a subject."""
    found = connection.raw.execute(_PACKED_KEYS, (subject,)).fetchone()
    keys = BatchKeys(None if found is None else found[0])
    keys.add(key for (key,) in connection.raw.execute(_KEYS, (subject,)))
    return keys


def _packed_rows(subject: bytes, packed: list[Row], rows: list[Row]) -> list[Row]:
    pieces = [*map(_packed_piece, packed), *map(_piece, rows)]
    return [
        (
            subject,
            chunk.position,
            chunk.t_min,
            chunk.t_max,
            encode_presence(chunk.presence),
            pack(chunk.facts),
        )
        for chunk in chunks(pieces)
    ]


def _replace(
    subject: bytes, packed: list[Row], rows: list[Row], made: list[Row], connection: Connection
) -> None:
    raw = connection.raw
    # Rows never change, so as many as before are the same ones.
    (count,) = raw.execute(_COUNT_ROWS, (subject, rows[-1][0])).fetchone()
    ids = raw.execute(_CHUNK_IDS, (subject,)).fetchall()
    if count != len(rows) or ids != [row[:1] for row in packed]:
        return
    found = raw.execute(_PACKED_KEYS, (subject,)).fetchone()
    keys = BatchKeys(found[0])
    keys.add(row[1] for row in rows)
    raw.executemany("DELETE FROM journal WHERE position = ?", [(row[0],) for row in rows])
    raw.executemany("DELETE FROM journal_chunks WHERE id = ?", [(row[0],) for row in packed])
    raw.executemany(_INSERT_CHUNK, made)
    raw.execute(_SET_PACKED_KEYS, (keys.encoded(), subject))


def _oldest(before: int, limit: int, connection: Connection) -> list[Subject]:
    rows = connection.raw.execute(_OLDEST, (limit,))
    # Positions follow the clock: whatever is behind the first young one is young too.
    old = takewhile(lambda row: row[0] < before, rows)
    return list(dict.fromkeys(Subject(*row[1:]) for row in old))


def _redact(
    subject: bytes, change: Callable[[AnyFact], AnyFact | None], connection: Connection
) -> int:
    packed, rows = _stored(subject, _MAX_POSITION, connection)
    return sum(
        _rewrite(connection, piece.facts(), change, encode, text, row[0])
        for row, piece, encode, text in (
            *((row, _piece(row), encode_facts, _REWRITE) for row in rows),
            *((row, _packed_piece(row), pack, _REWRITE_CHUNK) for row in packed),
        )
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
