"""Ciphers: what words look like under a key (keyring.py), and the cipher that has none.

The magic begins with a byte that begins neither msgpack, nor zstd, nor UTF-8: what lay here in
clear before there was a key is told from what is encrypted.
"""

from base64 import b64decode

from roomtone.model.errors import Failed
from roomtone.ports.cipher import Cipher, Where

MAGIC = b"\xc1RW\x01"
ID_BYTES = 8
HEAD_BYTES = len(MAGIC) + ID_BYTES
TEXT = "\x01enc:"
"""How encrypted text begins; no text of ours begins with a control character."""


class Clear:
    """See :mod:`roomtone.ports.cipher`. Nothing is encrypted: there is no key."""

    encrypts = False
    first = b""
    ids: frozenset[bytes] = frozenset()

    def encrypt(self, where: Where, plain: bytes) -> bytes:
        """See the port."""
        return plain

    def decrypt(self, where: Where, stored: bytes) -> bytes:
        """See the port."""
        if stored.startswith(MAGIC):
            raise no_key(stored)
        return stored

    def encrypt_text(self, where: Where, plain: str) -> str:
        """See the port."""
        return plain

    def decrypt_text(self, where: Where, stored: str) -> str:
        """See the port."""
        if stored.startswith(TEXT):
            raise no_key(hidden_in(stored))
        return stored

    def is_current(self, stored: bytes) -> bool:
        """See the port."""
        return not stored.startswith(MAGIC)


CLEAR = Clear()


def shown_id(key_id: bytes) -> str:
    """A key's id, for people."""
    return key_id.hex()


def hidden_in(text: str) -> bytes:
    """The bytes of an encrypted text. Raises Failed."""
    try:
        return b64decode(text[len(TEXT) :], validate=True)
    except ValueError as error:
        raise damaged("text") from error


def is_current_text(cipher: Cipher, stored: str) -> bool:
    """Whether a text is stored as ``encrypt_text`` would store it now."""
    if not stored.startswith(TEXT):
        return not cipher.encrypts
    return cipher.is_current(hidden_in(stored))


def no_key(stored: bytes) -> Failed:
    """What to raise for what is under a key that is not there."""
    name = shown_id(stored[len(MAGIC) : HEAD_BYTES])
    return Failed(
        f"Words are encrypted with the key {name}, which words_key does not hold.",
        "Put that key back, behind the one that is to encrypt (docs/operations.md, Encryption).",
    )


def damaged(kind: str) -> Failed:
    """What to raise for what was changed, cut, or copied from elsewhere."""
    return Failed(
        f"An encrypted row or file ({kind}) cannot be decrypted, although its key is there.",
        "It was damaged, or copied from another place: restore a backup.",
    )
