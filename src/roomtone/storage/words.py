"""Messages and segments in their tables, which have the same columns. Whole words may be encrypted
(ports/cipher.py); what they are looked for by is in clear."""

from collections.abc import Sequence
from typing import Any

import msgspec

from roomtone.model.artifacts import CHAT, TRANSCRIPT
from roomtone.model.sessions import ENDED
from roomtone.model.times import NEVER
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment, Spoken
from roomtone.ports.words import Place, Said
from roomtone.services.merging import shown_message
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.encoding import unreadable
from roomtone.storage.rows import BOOLEAN, Kept

TABLES = {CHAT: "messages", TRANSCRIPT: "segments"}

# Table names are ours: nothing that came from outside is in these texts.
_ONE = "SELECT id, kept FROM {} WHERE session_id = ? AND id = ?"
_PUT = (
    "INSERT INTO {} (session_id, id, app_id, at, shown, kept) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (session_id, id) DO UPDATE SET at = excluded.at, shown = excluded.shown, "
    "kept = excluded.kept"
)
_LIST = (
    "SELECT id, kept FROM {} WHERE session_id = ? AND shown = TRUE AND at >= ? "
    "AND (at > ? OR id > ?) ORDER BY at, id LIMIT ?"
)
_ALL = "SELECT id, kept FROM {} WHERE session_id = ? AND id > ? ORDER BY id LIMIT ?"
_BETWEEN = (
    "SELECT app_id, session_id, id, kept FROM {} WHERE shown = TRUE AND at >= ? "
    "AND (at > ? OR id > ?) AND at < ?{} ORDER BY at, id LIMIT ?"
)
_DROP_ONE = "DELETE FROM {} WHERE session_id = ? AND id = ?"
_DROP = (
    "DELETE FROM {0} WHERE session_id = ? AND id IN "
    "(SELECT id FROM {0} WHERE session_id = ? LIMIT ?)"
)

_SPOKEN = Kept(Spoken, tables.spoken, {"due": BOOLEAN})
_SPOKEN_OF = _SPOKEN.by("session_id")
_PUT_SPOKEN = _SPOKEN.upsert("session_id")
_NAMES = ", ".join(f"spoken.{field.name}" for field in msgspec.structs.fields(Spoken))
_DUE = (
    f"SELECT {_NAMES} FROM spoken JOIN sessions ON sessions.id = spoken.session_id "  # noqa: S608
    "WHERE spoken.due = TRUE AND (spoken.changed_at < ? OR spoken.changed_at > ?) "
    "AND sessions.status = ? AND sessions.sealed_at IS NOT NULL ORDER BY spoken.changed_at LIMIT ?"
)
_PUT_PENDING = (
    "INSERT INTO pending_words (subject, noted_at) VALUES (?, ?) ON CONFLICT (subject) DO UPDATE "
    "SET noted_at = CASE WHEN excluded.noted_at > pending_words.noted_at "
    "THEN excluded.noted_at ELSE pending_words.noted_at + 1 END"
)
_PENDING_JOINED = (
    # Not IN: SQLite would go through all peers for it.
    "SELECT subject, noted_at FROM pending_words WHERE EXISTS "
    "(SELECT 1 FROM peers WHERE peers.subject = pending_words.subject) LIMIT ?"
)

_DROP_UNCHANGED = "DELETE FROM pending_words WHERE subject = ? AND noted_at = ?"

_encode = msgspec.msgpack.Encoder().encode
_message = msgspec.msgpack.Decoder(KeptMessage)
_segment = msgspec.msgpack.Decoder(KeptSegment)


class SqlWords:
    """See :class:`roomtone.ports.words.Words`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- messages

    def message(self, session_id: str, message_id: str) -> KeptMessage | None:
        found = self._one(CHAT, session_id, message_id)
        return None if found is None else _decoded(_message, found)

    def put_message(self, app_id: str, session_id: str, kept: KeptMessage) -> None:
        shown = shown_message(kept)
        at = kept.content_t if shown is None else shown.sent_at
        self._put(CHAT, (session_id, kept.id, app_id, at, shown is not None), kept)

    def messages(self, session_id: str, after: Place, limit: int) -> list[Message]:
        listed = (_decoded(_message, row) for row in self._list(CHAT, session_id, after, limit))
        return [shown for kept in listed if (shown := shown_message(kept)) is not None]

    def kept_messages(self, session_id: str, after: str, limit: int) -> list[KeptMessage]:
        return [_decoded(_message, row) for row in self._all(CHAT, session_id, after, limit)]

    # --- segments

    def segment(self, session_id: str, segment_id: str) -> KeptSegment | None:
        found = self._one(TRANSCRIPT, session_id, segment_id)
        return None if found is None else _decoded(_segment, found)

    def put_segment(self, app_id: str, session_id: str, kept: KeptSegment) -> None:
        final = kept.segment
        at = (kept.partial_at or 0) if final is None else final.start_at
        self._put(TRANSCRIPT, (session_id, kept.id, app_id, at, final is not None), kept)

    def segments(self, session_id: str, after: Place, limit: int) -> list[Segment]:
        rows = self._list(TRANSCRIPT, session_id, after, limit)
        listed = (_decoded(_segment, row).segment for row in rows)
        return [segment for segment in listed if segment is not None]

    def kept_segments(self, session_id: str, after: str, limit: int) -> list[KeptSegment]:
        return [_decoded(_segment, row) for row in self._all(TRANSCRIPT, session_id, after, limit)]

    # --- both

    def said_between(
        self, kind: str, app_id: str | None, since: int, until: int, after: Place, limit: int
    ) -> list[Said]:
        of_app = "" if app_id is None else " AND app_id = ?"
        text = _BETWEEN.format(TABLES[kind], of_app)
        at = max(since, after.at)
        # Nothing is passed over where the listing begins.
        values: list[Any] = [at, max(since - 1, after.at), after.id, until]
        values += [limit] if app_id is None else [app_id, limit]
        rows = self._connection.raw.execute(text, values)
        return [said for row in rows if (said := self._said(kind, row)) is not None]

    def drop_word(self, kind: str, session_id: str, word_id: str) -> None:
        self._connection.raw.execute(_DROP_ONE.format(TABLES[kind]), (session_id, word_id))

    def drop_words(self, kind: str, session_id: str, limit: int) -> int:
        text = _DROP.format(TABLES[kind])
        return self._connection.raw.execute(text, (session_id, session_id, limit)).rowcount

    def _one(self, kind: str, session_id: str, word_id: str) -> bytes | None:
        text = _ONE.format(TABLES[kind])
        found = self._connection.raw.execute(text, (session_id, word_id)).fetchone()
        return None if found is None else self._clear(kind, session_id, *found)

    def _put(
        self, kind: str, values: tuple[str, str, str, int, bool], kept: KeptMessage | KeptSegment
    ) -> None:
        stored = self._connection.cipher.encrypt((kind, *values[:2]), _encode(kept))
        self._connection.raw.execute(_PUT.format(TABLES[kind]), (*values, stored))

    def _clear(self, kind: str, session_id: str, word_id: str, stored: bytes) -> bytes:
        return self._connection.cipher.decrypt((kind, session_id, word_id), stored)

    def _list(self, kind: str, session_id: str, after: Place, limit: int) -> list[bytes]:
        values = (session_id, after.at, after.at, after.id, limit)
        found = self._connection.raw.execute(_LIST.format(TABLES[kind]), values)
        return [self._clear(kind, session_id, *row) for row in found]

    def _all(self, kind: str, session_id: str, after: str, limit: int) -> list[bytes]:
        found = self._connection.raw.execute(_ALL.format(TABLES[kind]), (session_id, after, limit))
        return [self._clear(kind, session_id, *row) for row in found]

    def _said(self, kind: str, row: Sequence[Any]) -> Said | None:
        app_id, session_id, word_id, stored = row
        stored = self._clear(kind, session_id, word_id, stored)
        word: Message | Segment | None
        if kind == CHAT:
            word = shown_message(_decoded(_message, stored))
        else:
            word = _decoded(_segment, stored).segment
        return None if word is None else Said(app_id, session_id, word)

    # --- how far they have come

    def spoken(self, session_id: str) -> Spoken | None:
        return _SPOKEN.one(self._connection, _SPOKEN_OF, session_id)

    def put_spoken(self, spoken: Spoken) -> None:
        _PUT_SPOKEN.run(self._connection, spoken)

    def drop_spoken(self, session_id: str) -> None:
        self._connection.raw.execute("DELETE FROM spoken WHERE session_id = ?", (session_id,))

    def due_sessions(self, before: int, limit: int, *, ahead: int = NEVER) -> list[Spoken]:
        return _SPOKEN.all(self._connection, _DUE, before, ahead, ENDED, limit)

    def put_pending(self, subject: bytes, now: int) -> None:
        self._connection.raw.execute(_PUT_PENDING, (subject, now))

    def pending_joined(self, limit: int) -> list[tuple[bytes, int]]:
        found = self._connection.raw.execute(_PENDING_JOINED, (limit,))
        return [(row[0], row[1]) for row in found]

    def drop_pending(self, subject: bytes, noted_at: int | None = None) -> None:
        if noted_at is None:
            self._connection.raw.execute("DELETE FROM pending_words WHERE subject = ?", (subject,))
        else:
            self._connection.raw.execute(_DROP_UNCHANGED, (subject, noted_at))


def _decoded(decoder: "msgspec.msgpack.Decoder[Any]", stored: bytes) -> Any:
    try:
        return decoder.decode(stored)
    except msgspec.DecodeError as error:
        raise unreadable() from error
