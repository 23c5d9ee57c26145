"""Every promise of ports/cipher.py, and what an encrypted file and row must not let anybody do."""

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import database_of
from roomtone.model.errors import Failed
from roomtone.ports.blobs import Download
from roomtone.ports.records import Page, Quarantined
from roomtone.services.links import Links
from roomtone.storage.blobs import LocalBlobs
from roomtone.storage.ciphers import CLEAR, MAGIC
from roomtone.storage.encrypted_blobs import HEAD_BYTES, PIECE, STORED, EncryptedBlobs
from roomtone.storage.keyring import KEY_BYTES, Keys, keys_of
from roomtone.storage.quarantine import SqlQuarantine

OLD, NEW = bytes(range(KEY_BYTES)), bytes(range(1, KEY_BYTES + 1))
HERE = ("chat", "session", "message")
TEXT = Download("chat.csv", "text/csv")


@pytest.mark.parametrize("cipher", [CLEAR, Keys([OLD])], ids=["clear", "keys"])
@given(words=st.binary(max_size=200), text=st.text(max_size=50))
def test_what_was_encrypted_comes_back(cipher, words, text):
    # What Roomtone stores begins neither with the magic (msgpack, zstd) nor with a control sign.
    words, text = b"\x81" + words, "{" + text

    assert cipher.decrypt(HERE, cipher.encrypt(HERE, words)) == words
    assert cipher.decrypt_text(HERE, cipher.encrypt_text(HERE, text)) == text
    assert cipher.is_current(cipher.encrypt(HERE, words))


def test_it_is_decrypted_for_its_own_place_alone():
    keys = Keys([OLD])
    stored = keys.encrypt(HERE, b"words")

    for other in (
        ("chat", "session", "another"),
        ("chat", "another", "message"),
        ("transcript", "session", "message"),
        ("chat", "session", "message", 1),
    ):
        with pytest.raises(Failed, match="cannot be decrypted"):
            keys.decrypt(other, stored)


@pytest.mark.parametrize("place", [len(MAGIC) + 9, 30, -1])
def test_a_changed_bit_is_found(place):
    keys = Keys([OLD])
    stored = bytearray(keys.encrypt(HERE, b"words that are long enough"))
    stored[place] ^= 1

    with pytest.raises(Failed, match="cannot be decrypted"):
        keys.decrypt(HERE, bytes(stored))
    with pytest.raises(Failed):
        keys.decrypt(HERE, bytes(stored[: len(MAGIC) + 10]))


def test_the_same_words_are_never_the_same_bytes():
    keys = Keys([OLD])

    assert len({keys.encrypt(HERE, b"yes") for _ in range(1_000)}) == 1_000


def test_what_is_in_clear_is_handed_back():
    assert Keys([OLD]).decrypt(HERE, b"\x81 in clear") == b"\x81 in clear"
    assert Keys([OLD]).decrypt_text(HERE, "{}") == "{}"


def test_all_keys_decrypt_and_the_first_encrypts():
    before, after = Keys([OLD]), Keys([NEW, OLD])
    stored = before.encrypt(HERE, b"words")

    assert after.decrypt(HERE, stored) == b"words"
    assert not after.is_current(stored)
    assert after.is_current(after.encrypt(HERE, b"words"))
    with pytest.raises(Failed, match=after.first.hex()):
        before.decrypt(HERE, after.encrypt(HERE, b"words"))
    with pytest.raises(Failed, match=before.first.hex()) as failed:
        CLEAR.decrypt(HERE, stored)
    assert "Put that key back" in failed.value.hint


def test_ids_are_named_as_postgresql_has_them():
    keys = Keys([OLD])

    assert keys.decrypt(("chat", "s", "a\ufffd"), keys.encrypt(("chat", "s", "a\0"), b"x")) == b"x"


def test_threads_share_it():
    keys = Keys([OLD])

    def there_and_back(number: int) -> bool:
        where = ("chat", f"session {number % 7}", str(number))
        return keys.decrypt(where, keys.encrypt(where, b"%d" % number)) == b"%d" % number

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(there_and_back, range(2_000)))


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(OLD).decode(),
        base64.urlsafe_b64encode(OLD).decode(),
        OLD.hex(),
        f" {NEW.hex()},\n{OLD.hex()}\n",
    ],
)
def test_keys_are_read_as_people_write_them(text):
    keys = keys_of(text)

    assert keys is not None
    assert Keys([OLD]).first in keys.ids


@pytest.mark.parametrize("text", ["hunter2", "c2hvcnQ=", "z" * 64, OLD.hex() + " short"])
def test_what_is_no_key_is_refused_and_not_repeated(text):
    with pytest.raises(Failed, match="words_key is no key of 32 bytes") as failed:
        keys_of(text)

    assert text.split()[-1] not in failed.value.message + failed.value.hint
    assert keys_of("  ") is None


# --- files


@pytest.fixture
def files(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "files", Links(b"secret", ""))


def encrypted(files: LocalBlobs, *keys: bytes) -> EncryptedBlobs:
    return EncryptedBlobs(files, Links(b"secret", ""), Keys(keys or [OLD]))


def whole(blobs: EncryptedBlobs | LocalBlobs, key: str) -> bytes:
    info = blobs.info(key)
    assert info is not None
    return b"".join(blobs.read(key, 0, info.size))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_file_of_any_size_comes_back_whole_and_in_parts(files, size):
    blobs = encrypted(files)
    content = bytes(number % 251 for number in range(size))
    pieces = [content[at : at + 1_000] for at in range(0, size, 1_000)]

    assert blobs.put("k", pieces, TEXT).size == size
    assert whole(blobs, "k") == content
    assert content[:40] not in whole(files, "k") or size < 2
    for start, end in ((0, 1), (PIECE - 1, PIECE + 1), (PIECE, 2 * PIECE), (size - 1, size)):
        if start >= 0:
            assert b"".join(blobs.read("k", start, end)) == content[start:end]


def test_pieces_of_a_file_cannot_be_swapped_cut_or_moved(files):
    blobs = encrypted(files)
    blobs.put("a", [b"a" * (3 * PIECE)], TEXT)
    stored = whole(files, "a")
    head, pieces = stored[:HEAD_BYTES], stored[HEAD_BYTES:]
    first, second, third = (pieces[at : at + STORED] for at in range(0, 3 * STORED, STORED))
    for changed in (
        head + second + first + third,
        head + first + second,
        head + first + second + third + third,
        head[:-1] + b"\0" + first + second + third,
    ):
        files.put("a", [changed], TEXT)
        with pytest.raises(Failed, match="cannot be decrypted"):
            whole(blobs, "a")
    files.put("b", [stored], TEXT)
    with pytest.raises(Failed, match="cannot be decrypted"):
        whole(blobs, "b")


def test_a_file_from_before_there_was_a_key_is_read_and_renewed(files):
    files.put("k", [b"in clear"], TEXT)
    blobs = encrypted(files)

    assert whole(blobs, "k") == b"in clear"
    assert blobs.renew("k", TEXT)
    assert not blobs.renew("k", TEXT)
    assert b"clear" not in whole(files, "k")
    assert whole(blobs, "k") == b"in clear"

    both = encrypted(files, NEW, OLD)
    assert both.renew("k", TEXT)
    assert whole(encrypted(files, NEW), "k") == b"in clear"
    with pytest.raises(Failed, match="words_key does not hold"):
        whole(blobs, "k")


def test_a_file_that_somebody_writes_meanwhile_is_left_alone(files):
    blobs = encrypted(files)
    files.put("k", [b"old " * PIECE], TEXT)

    class Racing(EncryptedBlobs):
        def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
            def late() -> Iterator[bytes]:
                blobs.put("k", [b"new"], TEXT)
                yield b""

            return chain(super().read(key, start, end), late())

    with pytest.raises(Failed, match="meanwhile"):
        Racing(files, Links(b"secret", ""), Keys([OLD])).renew("k", TEXT)

    assert whole(blobs, "k") == b"new"


# --- quarantine: bodies are anybody's


def test_a_body_in_clear_does_not_pass_for_an_encrypted_one(tmp_path):
    item = Quarantined(
        id="q",
        app_id="app",
        source="realtimekit",
        reason="r",
        body=MAGIC + b"whatever somebody sends",
        context="{}",
        received_at=1,
    )
    with database_of("sqlite", tmp_path) as database:
        asyncio.run(database.write(lambda c: SqlQuarantine(c).put_quarantined(item)))
        database.encrypt_with(Keys([OLD]))

        def held() -> list[Quarantined]:
            return database.peek(lambda c: SqlQuarantine(c).quarantined(None, Page(0, 9)))[0]

        assert held() == [item]
        renewed = asyncio.run(database.write(lambda c: SqlQuarantine(c).renew_quarantined("", 9)))
        assert renewed == ("q", 1, 1)
        (body,) = database.peek(lambda c: c.raw.execute("SELECT body FROM quarantine").fetchone())
        assert b"somebody" not in body
        assert held() == [item]
