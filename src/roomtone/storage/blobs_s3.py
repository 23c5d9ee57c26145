"""S3Blobs: files in S3-compatible storage, which hands them out itself by presigned links.

Credentials and region come from the usual ``AWS_*`` variables or the machine's role. A presigned
link lives for at most seven days: that is the protocol's limit (SigV4), not ours.
"""

import re
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from roomtone.model.errors import Failed
from roomtone.ports.blobs import BlobInfo, Download
from roomtone.services.disposition import content_disposition

MAX_LINK_S = 7 * 24 * 3600
PART = 5 * 1024 * 1024
"""S3's least size of a part."""
AT_ONCE = 2
"""Parts on their way at once: 10 MB of memory for a file of any length."""
TIMEOUT = timedelta(seconds=30)

_ODD = re.compile(r"[^A-Za-z0-9._-]")


class S3Blobs:
    """See :mod:`roomtone.ports.blobs`."""

    def __init__(self, url: str, endpoint: str = "") -> None:
        """``url``: ``s3://bucket/prefix``. ``endpoint``: of other storage than Amazon's."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise Failed(f"files={url!r} is not known here.", "Use s3://bucket/prefix, or nothing.")
        options = {"endpoint": endpoint} if endpoint else {}
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={"timeout": TIMEOUT, "allow_http": endpoint.startswith("http://")},
            **options,  # type: ignore[arg-type]
        )

    def put(self, key: str, pieces: Iterable[bytes], download: Download) -> BlobInfo:
        """See the port. Raises Failed when the storage does not take it."""
        attributes = {
            "Content-Type": download.content_type,
            "Content-Disposition": content_disposition(download.filename),
        }
        try:
            obstore.put(
                self._store,
                _name(key),
                iter(pieces),
                attributes=attributes,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=AT_ONCE,
            )
        except BaseError as error:
            raise _failed(error) from error
        info = self.info(key)
        if info is None:
            raise Failed(f"{key} is gone again.", "Something else empties the bucket.")
        return info

    def info(self, key: str) -> BlobInfo | None:
        """See the port."""
        try:
            found = obstore.head(self._store, _name(key))
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise _failed(error) from error
        return BlobInfo(key, found["size"], found["e_tag"] or f'"{found["last_modified"]}"')

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """See the port."""
        if start >= end:
            return
        try:
            got = obstore.get(self._store, _name(key), options={"range": (start, end)})
            for piece in got.stream():
                yield bytes(piece)
        except FileNotFoundError:
            raise
        except BaseError as error:
            raise _failed(error) from error

    def link(self, key: str, download: Download, expires_at: int) -> str:
        """See the port. Never good for longer than seven days."""
        seconds = min(MAX_LINK_S, max(1, expires_at // 1000 - int(time.time())))
        return obstore.sign(self._store, "GET", _name(key), timedelta(seconds=seconds))

    def delete(self, key: str) -> bool:
        """See the port."""
        there = self.info(key) is not None
        if there:
            try:
                obstore.delete(self._store, _name(key))
            except BaseError as error:
                raise _failed(error) from error
        return there


def _name(key: str) -> str:
    """The object's name: the key, with whatever S3 clients disagree about as ``=XX``."""
    return "/".join(map(_segment, key.split("/")))


def _segment(text: str) -> str:
    if not text.strip("."):
        return "=2E" * len(text) or "="
    return _ODD.sub(lambda odd: "".join(f"={byte:02X}" for byte in odd[0].encode()), text)


def _failed(error: Exception) -> Failed:
    return Failed(
        f"S3: {error}",
        "Look at the settings files and files_endpoint, and at AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and AWS_REGION.",
    )
