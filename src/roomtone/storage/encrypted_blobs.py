"""EncryptedBlobs: files under the operator's keys, over any blobs.

A file is a head (magic, key id, salt) and pieces of 64 KiB, each AES-256-GCM under the file's own
key, which HKDF makes of the operator's, the file's place and its salt. The nonce of a piece is its
number and whether it is the last, as in the STREAM construction (Hoang, Reyhanitabar, Rogaway,
Vizár, 2015): pieces that are swapped, cut off or taken from elsewhere are refused. Any range can be
read without what is before it.

Links lead to this server, which decrypts: storage that hands out files itself could only hand out
what is encrypted. A file from before there was a key is handed out as it is.
"""

import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from roomtone.model.errors import Failed
from roomtone.ports.blobs import BlobInfo, Blobs, Download
from roomtone.services.links import Links
from roomtone.storage.ciphers import ID_BYTES, damaged
from roomtone.storage.keyring import Keys

MAGIC = b"\xc1RF\x01"
SALT_BYTES = 16
HEAD_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
PIECE = 64 * 1024
TAG_BYTES = 16
STORED = PIECE + TAG_BYTES
_NUMBER_BYTES = 11
"""The nonce is 12: this and a byte that says whether it is the last."""


class EncryptedBlobs:
    """See :mod:`roomtone.ports.blobs`."""

    def __init__(self, inner: Blobs, links: Links, keys: Keys) -> None:
        self._inner = inner
        self._links = links
        self._keys = keys

    def put(self, key: str, pieces: Iterable[bytes], download: Download) -> BlobInfo:
        """See the port. Raises Failed."""
        made = self._inner.put(key, self._stored(key, pieces), download)
        return _shown(made) if self._keys.encrypts else made

    def _stored(self, key: str, pieces: Iterable[bytes]) -> Iterable[bytes]:
        return self._encrypted(key, pieces) if self._keys.encrypts else pieces

    def info(self, key: str) -> BlobInfo | None:
        """See the port: the size of what it holds."""
        found = self._inner.info(key)
        if found is None:
            return None
        return found if self._head(found) is None else _shown(found)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """See the port. Raises Failed for a file that was changed."""
        found = self._inner.info(key)
        if found is None:
            raise FileNotFoundError(key)
        head = self._head(found)
        if head is None:
            yield from self._inner.read(key, start, end)
            return
        size = _plain_size(found.size)
        end = min(end, size)
        if start >= end:
            return
        first, last = start // PIECE, (end - 1) // PIECE
        total = _pieces_of(found.size)
        begin = HEAD_BYTES + first * STORED
        stored = self._inner.read(key, begin, min(found.size, HEAD_BYTES + (last + 1) * STORED))
        aead = self._opener(key, head)
        for number, piece in enumerate(_cut(stored, STORED), first):
            plain = _decrypted(aead, number, piece, last=number == total - 1)
            begins = number * PIECE
            yield plain[max(0, start - begins) : end - begins]

    def link(self, key: str, download: Download, expires_at: int) -> str:
        """See the port."""
        return self._links.url(key, download, expires_at)

    def delete(self, key: str) -> bool:
        """See the port."""
        return self._inner.delete(key)

    def renew(self, key: str, download: Download) -> bool:
        """Write a file as it would be written now, if it is not; whether it was not. Raises Failed
        where somebody else writes it meanwhile: theirs stands."""
        found = self._inner.info(key)
        if found is None:
            return False
        head = self._head(found)
        current = head is not None and head[len(MAGIC) : -SALT_BYTES] == self._keys.first
        if current if self._keys.encrypts else head is None:
            return False
        size = found.size if head is None else _plain_size(found.size)

        def pieces() -> Iterator[bytes]:
            yield from self.read(key, 0, size)
            now = self._inner.info(key)
            if now is None or now.etag != found.etag:
                raise Failed(f"The file {key} was written meanwhile.", "Run it once more.")

        self._inner.put(key, self._stored(key, pieces()), download)
        return True

    def _head(self, found: BlobInfo) -> bytes | None:
        """The head of a file; None if it is in clear."""
        if found.size < HEAD_BYTES:
            return None
        head = b"".join(self._inner.read(found.key, 0, HEAD_BYTES))
        return head if head.startswith(MAGIC) else None

    def _opener(self, key: str, head: bytes) -> AESGCM:
        key_id = self._keys.known(head)
        salt = head[-SALT_BYTES:]
        return AESGCM(self._keys.derive(key_id, ("file", key, salt)))

    def _encrypted(self, key: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        head = MAGIC + self._keys.first + secrets.token_bytes(SALT_BYTES)
        aead = self._opener(key, head)
        yield head
        before: bytes | None = None
        number = 0
        for piece in _cut(pieces, PIECE):
            if before is not None:
                yield aead.encrypt(_nonce(number, last=False), before, None)
                number += 1
            before = piece
        yield aead.encrypt(_nonce(number, last=True), before or b"", None)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([last])


def _decrypted(aead: AESGCM, number: int, piece: bytes, *, last: bool) -> bytes:
    try:
        return aead.decrypt(_nonce(number, last=last), piece, None)
    except (InvalidTag, ValueError) as error:
        raise damaged("file") from error


def _pieces_of(size: int) -> int:
    """How many pieces a stored file of this size has: at least one."""
    return max(1, -(-(size - HEAD_BYTES) // STORED))


def _plain_size(size: int) -> int:
    return max(0, size - HEAD_BYTES - TAG_BYTES * _pieces_of(size))


def _shown(found: BlobInfo) -> BlobInfo:
    return BlobInfo(found.key, _plain_size(found.size), found.etag)


def _cut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of this size, the last one shorter."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
