"""Blobs: files that are written once, whole, and handed out by signed links.

Every adapter keeps these promises; ``tests/contracts/test_blobs.py`` holds each to them.

1. A blob is there whole or not at all: a crash while writing leaves nothing under its key.
2. ``put`` streams: memory does not grow with the blob.
3. A link opens the one blob that it was made for, under the name it was made with, until it
   expires.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct


class BlobInfo(Struct, frozen=True):
    """What is known of a stored blob. ``etag``: a quoted strong validator (RFC 9110)."""

    key: str
    size: int
    etag: str


class Download(Struct, frozen=True):
    """How a blob is to be handed out: the name to save it under, and what it is."""

    filename: str
    content_type: str


class Blobs(Protocol):
    """See the module's promises. Plain synchronous code: callers run it on a thread."""

    def put(self, key: str, pieces: Iterable[bytes], download: Download) -> BlobInfo:
        """Write a blob, replacing any of this key. ``download``: how its links hand it out."""
        ...

    def info(self, key: str) -> BlobInfo | None:
        """None: there is no such blob."""
        ...

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` … ``end - 1`` in pieces."""
        ...

    def link(self, key: str, download: Download, expires_at: int) -> str:
        """A URL that gives this blob to whoever has it, until ``expires_at`` (epoch ms).

        ``download``: as in ``put``. Storage that signs links itself keeps what ``put`` was told.
        """
        ...

    def delete(self, key: str) -> bool:
        """Whether there was one."""
        ...
