"""Rekeying: everything that is kept of words, written anew as it would be written now.

It goes through each table by its key, a bite a transaction, and passes over what is current
already: cut off in the middle it loses nothing, and begins anew at the cost of reading. A row is
replaced only if it is still the one that was read, so a server may go on beside it.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from roomtone.model.artifacts import CHAT, TRANSCRIPT
from roomtone.ports.cipher import Cipher, Where
from roomtone.services.artifacts import ALL_FILES, download_of, key_of
from roomtone.services.reported import has_words
from roomtone.storage.artifacts import SqlArtifacts
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database
from roomtone.storage.encoding import decode_facts
from roomtone.storage.encrypted_blobs import EncryptedBlobs
from roomtone.storage.journal_cipher import BATCH, CHUNK
from roomtone.storage.packing import unpack
from roomtone.storage.quarantine import SqlQuarantine
from roomtone.storage.records import SqlTransaction
from roomtone.storage.sessions import SessionList

AT_ONCE = 200
"""Rows in a transaction: a few MB, and nobody waits long behind them."""

Told = Callable[[str, int], None]
"""Is told what was looked at, and how many of it just now."""
Row = Sequence[Any]


class Area(Struct, frozen=True):
    """One kind of rows. A row is its key, then what names its place, then what is stored."""

    name: str
    list: str
    put: str
    start: tuple[Any, ...]
    where: Callable[[Row], Where]
    is_of_words: Callable[[bytes], bool]
    """Of what is stored in clear."""


def _words(kind: str, table: str) -> Area:
    return Area(
        name=table,
        # Table names are ours: nothing that came from outside is in these texts.
        list=f"SELECT session_id, id, kept FROM {table} WHERE (session_id, id) > (?, ?) "  # noqa: S608
        "ORDER BY session_id, id LIMIT ?",
        put=f"UPDATE {table} SET kept = ? WHERE session_id = ? AND id = ? AND kept = ?",  # noqa: S608
        start=("", ""),
        where=lambda row: (kind, row[0], row[1]),
        is_of_words=lambda _: True,
    )


AREAS = (
    _words(CHAT, "messages"),
    _words(TRANSCRIPT, "segments"),
    Area(
        name="batches",
        list="SELECT position, subject, key, facts FROM journal WHERE position > ? "
        "ORDER BY position LIMIT ?",
        put="UPDATE journal SET facts = ? WHERE position = ? AND facts = ?",
        start=(-1,),
        where=lambda row: (BATCH, bytes(row[1]), row[2]),
        is_of_words=lambda stored: has_words(decode_facts(stored)),
    ),
    Area(
        name="chunks",
        list="SELECT id, subject, t_min, t_max, facts FROM journal_chunks WHERE id > ? "
        "ORDER BY id LIMIT ?",
        put="UPDATE journal_chunks SET facts = ? WHERE id = ? AND facts = ?",
        start=(-1,),
        where=lambda row: (CHUNK, bytes(row[1]), row[2], row[3]),
        is_of_words=lambda stored: has_words(unpack(stored)),
    ),
)


def rewritten(
    cipher: Cipher, where: Where, stored: bytes, is_of_words: Callable[[bytes], bool]
) -> bytes | None:
    """What is to be stored instead; None: it is current. Raises Failed."""
    if cipher.is_current(stored):
        return None
    plain = cipher.decrypt(where, stored)
    if plain is stored and not is_of_words(plain):
        return None
    return cipher.encrypt(where, plain)


class Rekeying:
    """One run over a database and its files."""

    def __init__(self, database: Database, blobs: EncryptedBlobs, told: Told) -> None:
        self._database = database
        self._blobs = blobs
        self._told = told

    async def rows(self) -> dict[str, int]:
        """By area, how many rows were written anew. Raises Failed."""
        changed = {area.name: await self._area(area) for area in AREAS}
        changed["quarantine"] = await self._quarantine()
        changed["reasons"] = await self._database.write(
            lambda connection: SqlArtifacts(connection).renew_reasons()
        )
        return changed

    async def _area(self, area: Area) -> int:
        after, changed = area.start, 0
        while True:
            last, seen, some = await self._database.write(partial(_bite, area, after))
            changed += some
            if last is None:
                return changed
            self._told(area.name, seen)
            after = last

    async def _quarantine(self) -> int:
        after, changed = "", 0
        while True:
            last, seen, some = await self._database.write(partial(_quarantined, after))
            changed += some
            if last is None:
                return changed
            self._told("quarantine", seen)
            after = last

    async def files(self) -> int:
        """How many files were written anew; also those that no row tells of, of LIVE sessions."""
        after, changed = "", 0
        while sessions := await self._database.read(partial(_sessions, after)):
            for session_id in sessions:
                changed += await self._files_of(session_id)
            after = sessions[-1]
        return changed

    async def _files_of(self, session_id: str) -> int:
        session = await self._database.read(
            lambda connection: SqlTransaction(connection, SessionList()).sessions.session_by_id(
                session_id
            )
        )
        if session is None:
            return 0
        changed = 0
        for kind, form in ALL_FILES:
            key, download = key_of(session, kind, form), download_of(session, kind, form)
            changed += await asyncio.to_thread(self._blobs.renew, key, download)
        self._told("files", len(ALL_FILES))
        return changed


def _bite(
    area: Area, after: tuple[Any, ...], connection: Connection
) -> tuple[tuple[Any, ...] | None, int, int]:
    """The last key looked at, how many rows there were, how many were written anew."""
    rows = connection.raw.execute(area.list, (*after, AT_ONCE)).fetchall()
    changed = 0
    for row in rows:
        stored = bytes(row[-1])
        new = rewritten(connection.cipher, area.where(row), stored, area.is_of_words)
        if new is not None:
            key = row[: len(area.start)]
            changed += connection.raw.execute(area.put, (new, *key, stored)).rowcount
    return (tuple(rows[-1][: len(area.start)]) if rows else None), len(rows), changed


def _quarantined(after: str, connection: Connection) -> tuple[str | None, int, int]:
    return SqlQuarantine(connection).renew_quarantined(after, AT_ONCE)


def _sessions(after: str, connection: Connection) -> list[str]:
    """Sessions that have files, or may have some."""
    rows = connection.raw.execute(
        "SELECT session_id FROM spoken WHERE session_id > ? UNION "
        "SELECT session_id FROM artifacts WHERE session_id > ? ORDER BY session_id LIMIT ?",
        (after, after, AT_ONCE),
    )
    return [str(row[0]) for row in rows.fetchall()]
