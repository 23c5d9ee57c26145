"""How facts are written under the operator's keys: batches and chunks with words in them are
encrypted whole, all others stay as they are."""

from collections.abc import Sequence

from roomtone.model.facts import AnyFact
from roomtone.ports.cipher import Cipher
from roomtone.services.reported import has_words
from roomtone.storage.encoding import decode_facts, encode_facts
from roomtone.storage.packing import pack, unpack

BATCH, CHUNK = "batch", "chunk"


def write_batch(cipher: Cipher, subject: bytes, key: str, facts: Sequence[AnyFact]) -> bytes:
    """The bytes of one batch."""
    stored = encode_facts(facts)
    if cipher.encrypts and has_words(facts):
        return cipher.encrypt((BATCH, subject, key), stored)
    return stored


def read_batch(cipher: Cipher, subject: bytes, key: str, stored: bytes) -> list[AnyFact]:
    """And back. Raises Failed."""
    return decode_facts(cipher.decrypt((BATCH, subject, key), stored))


def pack_chunk(
    cipher: Cipher, subject: bytes, t_min: int, t_max: int, facts: Sequence[AnyFact]
) -> bytes:
    """The bytes of one chunk; its times, by which it is known, stay when facts are taken out."""
    stored = pack(facts)
    if cipher.encrypts and has_words(facts):
        return cipher.encrypt((CHUNK, subject, t_min, t_max), stored)
    return stored


def read_chunk(
    cipher: Cipher, subject: bytes, t_min: int, t_max: int, stored: bytes
) -> list[AnyFact]:
    """And back. Raises Failed."""
    return unpack(cipher.decrypt((CHUNK, subject, t_min, t_max), stored))
