"""The keyring: words under the operator's keys.

What is stored is ``magic, key id, nonce, AES-256-GCM``. No two nonces of 96 random bits may meet
under one key, so none is used for much: HKDF-SHA-256 makes a key of its own for every session,
subject or file from the operator's. The whole place is associated data, so that a row that is
copied over another is refused.

What this keeps from a reader of the disk, it does not keep from a writer: who can change rows can
put words in clear in the place of encrypted ones, as who changes any other row can.
"""

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from roomtone.model.errors import Failed
from roomtone.ports.cipher import Where
from roomtone.storage.ciphers import HEAD_BYTES, ID_BYTES, MAGIC, TEXT, damaged, hidden_in, no_key

KEY_BYTES = 32
NONCE_BYTES = 12
DERIVED = 4_096
"""Derived keys held in memory: making one takes some ten microseconds."""
MOST_KEYS = 16

_encode = msgspec.msgpack.Encoder().encode


def _named(where: Where) -> bytes:
    """A place as bytes. PostgreSQL's texts know no NUL (postgres.py): ids are named as it has them,
    so that rows can move."""
    return _encode(
        [part.replace("\0", "\ufffd") if isinstance(part, str) else part for part in where]
    )


class Keys:
    """See :mod:`roomtone.ports.cipher`. The first of the keys encrypts, all of them decrypt."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """``keys``: at least one, each of 32 bytes."""
        self._keys = {id_of(key): key for key in keys}
        self.first = id_of(keys[0])
        self._beginning = MAGIC + self.first
        self._encrypts = True
        self._aead = lru_cache(DERIVED)(self._derived)

    @property
    def encrypts(self) -> bool:
        """See the port."""
        return self._encrypts

    @property
    def ids(self) -> frozenset[bytes]:
        """The ids of all keys."""
        return frozenset(self._keys)

    def only_decrypt(self) -> None:
        """Store in clear from now on: for who takes encryption back."""
        self._encrypts = False

    def encrypt(self, where: Where, plain: bytes) -> bytes:
        """See the port."""
        if not self._encrypts:
            return plain
        nonce = secrets.token_bytes(NONCE_BYTES)
        hidden = self._aead(self.first, where[:2]).encrypt(nonce, plain, _named(where))
        return b"".join((self._beginning, nonce, hidden))

    def decrypt(self, where: Where, stored: bytes) -> bytes:
        """See the port."""
        if not stored.startswith(MAGIC):
            return stored
        nonce = stored[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        aead = self._aead(self.known(stored), where[:2])
        try:
            return aead.decrypt(nonce, stored[HEAD_BYTES + NONCE_BYTES :], _named(where))
        except (InvalidTag, ValueError) as error:
            raise damaged(str(where[0])) from error

    def encrypt_text(self, where: Where, plain: str) -> str:
        """See the port."""
        if not self._encrypts:
            return plain
        return (
            TEXT + b64encode(self.encrypt(where, plain.encode("utf-8", "surrogatepass"))).decode()
        )

    def decrypt_text(self, where: Where, stored: str) -> str:
        """See the port."""
        if not stored.startswith(TEXT):
            return stored
        return self.decrypt(where, hidden_in(stored)).decode("utf-8", "surrogatepass")

    def is_current(self, stored: bytes) -> bool:
        """See the port."""
        return stored.startswith(self._beginning if self._encrypts else MAGIC) == self._encrypts

    def known(self, stored: bytes) -> bytes:
        """The id of the key that something was encrypted with. Raises Failed for one that the
        setting does not hold."""
        key_id = stored[len(MAGIC) : HEAD_BYTES]
        if key_id not in self._keys:
            raise no_key(stored)
        return key_id

    def derive(self, key_id: bytes, where: Where) -> bytes:
        """A key of its own for a place, of 32 bytes."""
        return _hkdf(self._keys[key_id], where)

    def _derived(self, key_id: bytes, where: Where) -> AESGCM:
        return AESGCM(self.derive(key_id, where))


def _hkdf(key: bytes, where: Where, length: int = KEY_BYTES) -> bytes:
    info = _named(("roomtone words", 1, *where))
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)


def id_of(key: bytes) -> bytes:
    """What a key is called, openly: it follows from the key, and the key not from it."""
    return _hkdf(key, ("id",), ID_BYTES)


def keys_of(text: str) -> Keys | None:
    """The keys of the setting ``words_key``, divided by blanks, lines or commas; None: there are
    none. Raises Failed."""
    parts = text.replace(",", " ").split()
    if len(parts) > MOST_KEYS:
        raise Failed(
            f"words_key holds more than {MOST_KEYS} keys.",
            "Run `roomtone rekey`, then leave out the keys that it calls retired.",
        )
    return Keys([_key_of(part, number) for number, part in enumerate(parts, 1)]) if parts else None


def _key_of(part: str, number: int) -> bytes:
    try:
        if len(part) == 2 * KEY_BYTES:
            key = bytes.fromhex(part)
        else:
            key = b64decode(part.translate(_URL_SAFE), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        # Its text is not repeated: it may be somebody's password.
        raise Failed(
            f"Key {number} of words_key is no key of {KEY_BYTES} bytes.",
            "Make one with `openssl rand -base64 32`; a password is too easily guessed.",
        )
    return key


_URL_SAFE = str.maketrans("-_", "+/")
