"""JetStreamJournal: fresh facts in NATS JetStream, packed ones in the database.

What comes in is acknowledged by JetStream's replicas, and does not wait for the database: that may
be away for a while. ``pack`` (after a seal) moves a peer's batches into the same dense chunks that
:class:`~roomtone.storage.journal.SqlJournal` keeps, notes their keys, and takes them out of the
stream, which so holds only what is still going on. Positions are the stream's sequence numbers.

Between the chunks' commit and the purge a batch is in both places: whoever reads passes over
messages whose keys the database knows as packed.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import msgspec
from nats.aio.msg import Msg

from roomtone.model.errors import Failed
from roomtone.model.facts import AnyFact
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Chunk, Entry
from roomtone.services.reported import has_words
from roomtone.storage import journal as sql
from roomtone.storage.batch_keys import BatchKeys
from roomtone.storage.database import Database
from roomtone.storage.encoding import decode_presence, encode_presence
from roomtone.storage.jetstream import Stream, peer_pattern, subject_of
from roomtone.storage.jetstream_pull import position
from roomtone.storage.journal_cipher import read_batch, write_batch
from roomtone.storage.repacking import Piece, span

_SUBJECT, _KEY, _RECEIVED, _TIMES, _PRESENCE = "Rt-S", "Rt-K", "Rt-R", "Rt-T", "Rt-P"
"""Headers: whose, under which key, received when, from and to, presence."""
_DEFERRED = "Rt-D"
"""A header that is there or not: taken in while the database was away."""
FOR_EVER = (1 << 63) - 1
AT_ONCE = 500
"""Messages in memory when all of them are gone through."""
KNOWN_S = 30.0
MAX_KNOWN = 20_000
_UNKNOWN: tuple[float, BatchKeys | None] = (0.0, None)


class JetStreamJournal:
    """See :mod:`roomtone.ports.journal`."""

    apart = True

    def __init__(self, stream: Stream, database: Database) -> None:
        self._stream = stream
        self._database = database
        self._packed = sql.SqlJournal(database)
        self._known: dict[bytes, tuple[float, BatchKeys | None]] = {}
        """By subject: until when it is believed, and what was packed of it."""

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """All at once; each is acknowledged by itself.

        While the database is away, a batch that was packed long ago is taken in again; readers
        pass over it.
        """
        await self._learn({batch.subject.key for batch in batches})
        if len(batches) == 1:
            # What nearly every request brings needs no task of its own.
            return [await self._append(batches[0])]
        return await asyncio.gather(*map(self._append, batches))

    async def _learn(self, subjects: set[bytes]) -> None:
        """Look up what was packed of those who were not asked for lately: a look-up costs more than
        the append. What another process packs meanwhile is at worst taken in again, and passed over
        by readers."""
        now = asyncio.get_running_loop().time()
        wanted = {key for key in subjects if self._known.get(key, _UNKNOWN)[0] < now}
        if not wanted:
            return
        with suppress(Failed):
            found = await self._database.read(partial(sql.packed_keys, wanted))
            if len(self._known) + len(wanted) > MAX_KNOWN:
                self._known.clear()
            self._known.update({key: (now + KNOWN_S, found.get(key)) for key in wanted})

    async def _append(self, batch: Batch) -> bool:
        told = batch.subject
        key = told.key
        packed = self._known.get(key, _UNKNOWN)[1]
        if packed is not None and batch.key in packed:
            return False
        t_min, t_max = span(batch.facts, batch.received_at or 0)
        headers = {
            _SUBJECT: _text((told.app_id, told.meeting_id, told.participant_id, told.peer_id)),
            _KEY: _text(batch.key),
            _TIMES: f"{t_min} {t_max}",
            _PRESENCE: b64encode(encode_presence(batch.presence)).decode(),
        }
        if batch.received_at is not None:
            headers[_RECEIVED] = str(batch.received_at)
        if batch.deferred:
            headers[_DEFERRED] = "1"
        subject = subject_of(self._stream.name, told.app_id, key, batch.key)
        stored = write_batch(self._database.cipher, key, batch.key, batch.facts)
        return await self._stream.publish(subject, stored, headers)

    async def tail(self, after: int, limit: int) -> list[Entry]:
        """See the port. The stream's sequence has no gaps that fill later."""
        pattern = f"{self._stream.name}.>"
        fresh = await self._stream.messages(pattern, after=after, most=limit, headers_only=True)
        packed = await self._packed.tail(after, limit)
        shown = [*map(_entry, fresh), *packed]
        shown.sort(key=lambda entry: entry.position)
        return shown[:limit]

    async def read(self, subject: bytes) -> list[Chunk]:
        """See the port."""
        # The stream first: what is packed meanwhile is then in both, never in neither.
        fresh = await self._messages(subject)
        packed = await self._packed.read(subject)
        keys = await self._packed_keys(subject)
        pieces = [self._piece(message) for message in fresh if _key(message) not in keys]
        chunks = [*packed, *(Chunk(p.t_min, p.t_max, p.presence, p.facts) for p in pieces)]
        chunks.sort(key=lambda chunk: chunk.t_min)
        return chunks

    async def last_seq(self, subject: bytes) -> int | None:
        """See the port. While the database is away, of what is fresh."""
        keys = BatchKeys()
        with suppress(Failed):
            keys = await self._packed_keys(subject)
        keys.add(_key(message) for message in await self._messages(subject, headers_only=True))
        return keys.last_seq

    async def pack(self, subject: bytes, through: int) -> None:
        """Into the database, then out of the stream."""
        self._known.pop(subject, None)
        keys = await self._packed_keys(subject)
        messages = [m for m in await self._messages(subject) if position(m) <= through]
        fresh = [message for message in messages if _key(message) not in keys]
        if fresh:
            whose = _subject(fresh[0])
            pieces = [self._piece(message) for message in fresh]
            names = [_key(message) for message in fresh]
            if not await self._packed.take_in(whose, pieces, names):
                return
        self._known.pop(subject, None)
        await asyncio.gather(*(self._stream.take_away(position(m)) for m in messages))

    async def oldest(self, before: int, limit: int) -> list[Subject]:
        """See the port."""
        pattern = f"{self._stream.name}.>"
        found: dict[Subject, None] = {}
        for message in await self._stream.messages(pattern, most=limit, headers_only=True):
            received = (message.headers or {}).get(_RECEIVED)
            if received is not None and int(received) >= before:
                break
            if received is not None:
                found[_subject(message)] = None
        return list(found)

    async def redact(self, subject: bytes, change: Callable[[AnyFact], AnyFact | None]) -> int:
        """A message cannot be changed: what is fresh is packed, and changed there."""
        await self.pack(subject, FOR_EVER)
        return await self._packed.redact(subject, change)

    async def forget(self, subject: bytes) -> int:
        """See the port."""
        self._known.pop(subject, None)
        keys = await self._packed_keys(subject)
        fresh = await self._messages(subject, headers_only=True)
        count = sum(1 for message in fresh if _key(message) not in keys)
        await self._stream.purge(peer_pattern(self._stream.name, subject))
        count += await self._packed.forget(subject)
        self._known.pop(subject, None)
        return count

    async def settle_words(self) -> int:
        """Pack the peers of whom something with words is not written as it would be now: a message
        cannot be changed. Of how many."""
        pattern, after = f"{self._stream.name}.>", 0
        subjects: set[bytes] = set()
        while messages := await self._stream.messages(pattern, after=after, most=AT_ONCE):
            subjects |= {_subject(m).key for m in messages if self._is_old(m)}
            after = position(messages[-1])
        for subject in subjects:
            await self.pack(subject, FOR_EVER)
        return len(subjects)

    def _is_old(self, message: Msg) -> bool:
        cipher = self._database.cipher
        if cipher.is_current(message.data):
            return False
        return not cipher.encrypts or has_words(self._piece(message).facts())

    async def answers(self) -> None:
        """See the port."""
        await self._stream.last()

    async def close(self) -> None:
        """Disconnect."""
        await self._stream.close()

    async def _messages(self, subject: bytes, *, headers_only: bool = False) -> list[Msg]:
        pattern = peer_pattern(self._stream.name, subject)
        return await self._stream.messages(pattern, headers_only=headers_only)

    def _piece(self, message: Msg) -> Piece:
        t_min, t_max = map(int, _header(message, _TIMES).split())
        presence = decode_presence(b64decode(_header(message, _PRESENCE)))
        subject, key = _subject(message).key, _key(message)
        facts = partial(read_batch, self._database.cipher, subject, key, message.data)
        return Piece(t_min, t_max, presence, position(message), facts)

    async def _packed_keys(self, subject: bytes) -> BatchKeys:
        found = await self._database.read(partial(sql.packed_keys, {subject}))
        return found.get(subject) or BatchKeys()


def _text(value: object) -> str:
    """Any text as one that a header may hold."""
    return b64encode(msgspec.msgpack.encode(value)).decode()


def _header(message: Msg, name: str) -> str:
    return (message.headers or {})[name]


def _key(message: Msg) -> str:
    return msgspec.msgpack.decode(b64decode(_header(message, _KEY)), type=str)


def _subject(message: Msg) -> Subject:
    return Subject(
        *msgspec.msgpack.decode(
            b64decode(_header(message, _SUBJECT)), type=tuple[str, str, str, str]
        )
    )


def _entry(message: Msg) -> Entry:
    presence = decode_presence(b64decode(_header(message, _PRESENCE)))
    deferred = _DEFERRED in (message.headers or {})
    return Entry(position(message), _subject(message), presence, deferred)
