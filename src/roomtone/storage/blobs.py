"""LocalBlobs: files under the data folder, handed out by this server.

A blob is written beside its place, synced, and renamed into it, so a crash leaves the old one or
the new one. Where it lies is a hash of its key: a key can hold anything and lead nowhere else.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from roomtone.model.errors import Failed
from roomtone.ports.blobs import BlobInfo, Download
from roomtone.services.links import Links

PIECE = 256 * 1024
SECRET_BYTES = 32
SECRET_FILE = "links.key"  # noqa: S105 - the name of the file


class LocalBlobs:
    """See :mod:`roomtone.ports.blobs`."""

    def __init__(self, folder: Path, links: Links) -> None:
        self._folder = folder
        self._links = links

    def put(self, key: str, pieces: Iterable[bytes], download: Download) -> BlobInfo:
        """See the port. Raises Failed when the disk does not take it."""
        place = self._place(key)
        beside = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                for piece in pieces:
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(place)
            _sync(place.parent)
        except OSError as error:
            raise Failed(
                f"{place.parent}: {error.strerror}", "Free some space, or make it writable."
            ) from error
        finally:
            with suppress(OSError):
                beside.unlink()
        info = self.info(key)
        if info is None:
            raise Failed(f"{place} is gone again.", "Something else empties the data folder.")
        return info

    def info(self, key: str) -> BlobInfo | None:
        """See the port."""
        try:
            found = self._place(key).stat()
        except FileNotFoundError:
            return None
        # A file is never changed in place: another content is another inode, at another time.
        etag = f'"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"'
        return BlobInfo(key, found.st_size, etag)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """See the port. The blob of the moment in which reading begins, to its end."""
        with self._place(key).open("rb") as file:
            file.seek(start)
            left = end - start
            while left > 0 and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

    def link(self, key: str, download: Download, expires_at: int) -> str:
        """See the port."""
        return self._links.url(key, download, expires_at)

    def delete(self, key: str) -> bool:
        """See the port."""
        try:
            self._place(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def _place(self, key: str) -> Path:
        name = hashlib.blake2b(key.encode(), digest_size=20).hexdigest()
        return self._folder / name[:2] / name[2:]


def _sync(folder: Path) -> None:
    """Make a rename survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_secret(folder: Path) -> bytes:
    """The key that signs links, made at the first start; only its owner may read it."""
    return keep_secret(folder, secrets.token_bytes(SECRET_BYTES))


def keep_secret(folder: Path, secret: bytes) -> bytes:
    """Keep this as the key that signs links, unless there is one; the one that counts."""
    file = folder / SECRET_FILE
    made = folder / f"{SECRET_FILE}.{secrets.token_hex(4)}"
    if not file.exists():
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(secret)
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            # Of two processes that start at once, the first one's stands.
            os.link(made, file)
        made.unlink()
    kept = file.read_bytes()
    if len(kept) != SECRET_BYTES:
        raise Failed(f"{file} is damaged.", "Delete it: links given out before then end.")
    return kept
