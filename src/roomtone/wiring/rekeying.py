"""Rekeying: all that is kept of words brought under the first of the keys, or into the clear."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from roomtone.model.errors import Failed
from roomtone.storage.connections import Explained
from roomtone.storage.encrypted_blobs import EncryptedBlobs
from roomtone.storage.rekeying import Rekeying, Told
from roomtone.storage.word_keys import retire
from roomtone.wiring.places import DATABASE, JOBS, jobs_place_of
from roomtone.wiring.service import Roomtone

MANY = 1


class Rekeyed(Struct, frozen=True):
    """What a run did."""

    key: str
    """The key that encrypts; empty: nothing is encrypted."""
    changed: dict[str, int]
    """How many rows and files were written anew, by what they are."""
    retired: list[str]
    """Keys that nothing is encrypted with any more."""
    waiting: str
    """Why the others could not be given up yet; empty: they were."""


async def rekey(roomtone: Roomtone, told: Told, *, decrypt: bool) -> Rekeyed:
    """Write everything anew that is not as it should be. Raises Failed."""
    keys, blobs = roomtone.word_keys, roomtone.blobs
    if keys is None or not isinstance(blobs, EncryptedBlobs):
        raise Failed(
            "There is no key: words_key is not set.",
            "Make one with `openssl rand -base64 32` and name its file: --words-key-file FILE.",
        )
    if decrypt:
        keys.only_decrypt()
    changed = {"fresh": await _settle(roomtone)}
    work = Rekeying(roomtone.database, blobs, told)
    changed |= await work.rows()
    changed["files"] = await work.files()
    changed["steps"] = await asyncio.to_thread(_forget, roomtone)
    # Steps of a summary that is being made are in the queues under the key that they began with.
    under_way = await roomtone.records.read(lambda tx: tx.artifacts.open_summary_jobs(MANY))
    waiting = "summaries are being made; run it once more when they are done" if under_way else ""
    retired = [] if waiting else await roomtone.database.write(lambda c: retire(c, keys))
    return Rekeyed("" if decrypt else keys.first.hex(), changed, retired, waiting)


def _forget(roomtone: Roomtone) -> int:
    """Take the steps of finished summaries out of the queues; where there are none yet, nothing."""
    database, folder = roomtone.database, roomtone.folder
    place = jobs_place_of(roomtone.settings, database, folder, roomtone.worker_id)
    if database.shared:
        text = "SELECT 1 FROM information_schema.schemata WHERE schema_name = ?"
        there = database.peek(lambda c: c.raw.execute(text, (place.schema,)).fetchone() is not None)
    else:
        there = (folder / JOBS).exists()
    if not there:
        return 0
    from roomtone.jobs.forgetting import forget_summaries  # DBOS takes most of a second

    return forget_summaries(place)


async def _settle(roomtone: Roomtone) -> int:
    # JetStream's alone: elsewhere what is fresh is a row like others.
    settle = getattr(roomtone.journal, "settle_words", None)
    return 0 if settle is None else int(await settle())


def vacuum(folder: Path) -> None:
    """Write SQLite's files anew, without what rows held before they were replaced. Raises Failed
    when somebody else uses them."""
    for name in (DATABASE, JOBS):
        file = folder / name
        if not file.exists():
            continue
        with Explained(), closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
