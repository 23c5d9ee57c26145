"""Rekeying, on every database and on JetStream: every row with words, no others, nothing lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from databases import database_of
from parts import nats_url, require
from roomtone.model.errors import Failed
from roomtone.model.facts import AnyFact, Chatted, Joined, Transcribed
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.model.words import KeptMessage, Message, Speaker
from roomtone.ports.journal import Batch, Journal
from roomtone.services.links import Links
from roomtone.storage.blobs import LocalBlobs
from roomtone.storage.ciphers import CLEAR, MAGIC
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database
from roomtone.storage.encrypted_blobs import EncryptedBlobs
from roomtone.storage.jetstream import Stream
from roomtone.storage.journal import SqlJournal
from roomtone.storage.journal_jetstream import JetStreamJournal
from roomtone.storage.keyring import KEY_BYTES, Keys
from roomtone.storage.moving import move_rows
from roomtone.storage.records import SqlRecords
from roomtone.storage.rekeying import Rekeying
from roomtone.storage.word_keys import admit, carry, retire, used_keys

OLD, NEW = bytes(range(KEY_BYTES)), bytes(range(1, KEY_BYTES + 1))
ANA, BEN = Subject("app", "meeting", "ana", "peer-1"), Subject("app", "meeting", "ben", "peer-2")
SAID: tuple[AnyFact, ...] = (
    Joined(t=1, via="call_join"),
    Chatted(t=2, action="add", message={"id": "m", "message": "words"}),
)
SPOKEN: tuple[AnyFact, ...] = (Transcribed(t=3, id="s", sentence="more words", end_at=3),)
SILENT: tuple[AnyFact, ...] = (Joined(t=1, via="call_join"),)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with database_of(request.param, tmp_path) as opened:
        yield opened


def batch(subject: Subject, key: str, facts: tuple[AnyFact, ...]) -> Batch:
    presence = Presence(first_t=1, last_t=3, first_received=1, last_received=3)
    return Batch(subject, key, 3, facts, presence)


async def talk(journal: Journal, records: SqlRecords) -> None:
    await journal.append(
        [batch(ANA, "s:1", SAID), batch(BEN, "s:1", SILENT), batch(ANA, "s:2", SPOKEN)]
    )
    message = Message(id="m", speaker=Speaker(), payload={"message": "words"}, sent_at=2)
    kept = KeptMessage(id="m", message=message)
    await records.write(lambda tx: tx.words.put_message("app", "session", kept))


async def heard(journal: Journal, subject: Subject) -> list[AnyFact]:
    chunks = await journal.read(subject.key)
    return sorted((f for chunk in chunks for f in chunk.facts()), key=lambda fact: fact.t)


def work(database: Database, folder: Path) -> Rekeying:
    keys = database.cipher
    assert isinstance(keys, Keys)
    links = Links(b"secret", "")
    return Rekeying(database, EncryptedBlobs(LocalBlobs(folder, links), links, keys), _nobody)


def _nobody(name: str, count: int) -> None:
    return None


def hidden(database: Database, table: str, column: str) -> int:
    """How many rows are encrypted."""
    rows = database.peek(lambda c: c.raw.execute(f"SELECT {column} FROM {table}").fetchall())
    return sum(bytes(row[0]).startswith(MAGIC) for row in rows)


@pytest.mark.parametrize("packed", [False, True])
def test_rows_with_words_are_encrypted_rekeyed_and_decrypted(database, tmp_path, packed):
    async def story() -> None:
        journal, records = SqlJournal(database), SqlRecords(database)
        await talk(journal, records)
        if packed:
            await journal.pack(ANA.key, 1 << 60)
            await journal.pack(BEN.key, 1 << 60)
        changed = {"messages": 1, "segments": 0, "quarantine": 0, "reasons": 0}
        changed |= {"batches": 0, "chunks": 1} if packed else {"batches": 2, "chunks": 0}
        table = "journal_chunks" if packed else "journal"

        async def renewed(*keys: bytes, encrypts: bool = True) -> dict[str, int]:
            ring = Keys(keys)
            if not encrypts:
                ring.only_decrypt()
            database.encrypt_with(ring)
            return await work(database, tmp_path).rows()

        async def is_readable() -> None:
            assert await heard(journal, ANA) == [*SAID, *SPOKEN]
            assert await heard(journal, BEN) == [*SILENT]
            (message,) = await records.read(lambda tx: tx.words.kept_messages("session", "", 9))
            assert message.message.payload == {"message": "words"}

        assert await renewed(OLD) == changed
        assert hidden(database, table, "facts") == (1 if packed else 2)
        await is_readable()
        assert await renewed(NEW, OLD) == changed
        assert set((await work(database, tmp_path).rows()).values()) == {0}
        database.encrypt_with(Keys([NEW]))
        await is_readable()
        assert await renewed(NEW, encrypts=False) == changed
        assert hidden(database, table, "facts") == hidden(database, "messages", "kept") == 0
        await is_readable()

    asyncio.run(story())


def test_a_database_knows_which_keys_it_needs(database):
    old, new, both = Keys([OLD]), Keys([NEW]), Keys([NEW, OLD])
    database.peek(lambda c: admit(c, old))
    database.peek(lambda c: admit(c, old))
    database.peek(lambda c: admit(c, both))

    assert set(database.peek(used_keys)) == {old.first.hex(), new.first.hex()}
    assert database.peek(lambda c: retire(c, both)) == [old.first.hex()]
    database.peek(lambda c: admit(c, new))
    new.only_decrypt()
    assert database.peek(lambda c: retire(c, new)) == [new.first.hex()]
    assert database.peek(used_keys) == {}


def test_what_is_in_jetstream_goes_under_the_new_key_as_well(tmp_path):
    require("nats")

    async def story(database: Database) -> None:
        stream = Stream(nats_url(), f"test{uuid4().hex[:12]}", 1)
        journal = JetStreamJournal(stream, database)
        try:
            database.encrypt_with(Keys([OLD]))
            await talk(journal, SqlRecords(database))
            messages = await stream.messages(f"{stream.name}.>")
            assert [m.data.startswith(MAGIC) for m in messages] == [True, False, True]
            assert await heard(journal, ANA) == [*SAID, *SPOKEN]

            database.encrypt_with(Keys([NEW, OLD]))
            assert await journal.settle_words() == 1
            assert await journal.settle_words() == 0
            database.encrypt_with(Keys([NEW]))
            assert await heard(journal, ANA) == [*SAID, *SPOKEN]
            assert hidden(database, "journal_chunks", "facts") == 1
        finally:
            await (await stream.context()).delete_stream(stream.name)
            await stream.close()

    with database_of("sqlite", tmp_path) as database:
        asyncio.run(story(database))


def test_what_is_encrypted_moves_as_it_is_with_the_key_it_needs(database, tmp_path):
    (tmp_path / "other").mkdir()
    with database_of("sqlite", tmp_path / "other") as other:
        keys = Keys([OLD])
        database.peek(lambda c: admit(c, keys))
        database.encrypt_with(keys)
        asyncio.run(talk(SqlJournal(database), SqlRecords(database)))

        def moved(source: Connection) -> None:
            other.peek(lambda target: (move_rows(source, target, _nobody), carry(source, target)))

        database.peek(moved)

        with pytest.raises(Failed, match="words_key is not set"):
            other.peek(lambda c: admit(c, CLEAR))
        other.encrypt_with(keys)
        assert asyncio.run(heard(SqlJournal(other), ANA)) == [*SAID, *SPOKEN]
        kept = asyncio.run(SqlRecords(other).read(lambda tx: tx.words.message("session", "m")))
        assert kept.message.payload == {"message": "words"}
