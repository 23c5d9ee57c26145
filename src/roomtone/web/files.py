"""``/files/{token}``: files of signed links, with ranges (RFC 9110, 14) and validators (13).

Whoever has the link has the file: no token is asked for, any page may read it, and nobody learns
that there are others.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Protocol

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from roomtone.model.errors import NotFound
from roomtone.ports.blobs import BlobInfo
from roomtone.ports.clock import Clock
from roomtone.services.disposition import content_disposition
from roomtone.services.links import PATH, Links

_SHOWN = "accept-ranges, content-disposition, content-length, content-range, etag"
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": _SHOWN,
    "cross-origin-resource-policy": "cross-origin",
}
_PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "range, if-range, if-none-match, if-match",
    "access-control-max-age": "86400",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Shelf(Protocol):
    """What is asked of the blobs here."""

    def info(self, key: str) -> BlobInfo | None:
        """None: there is no such blob."""
        ...

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` … ``end - 1`` in pieces."""
        ...


class Files:
    """The door of the files."""

    def __init__(self, shelf: Shelf, links: Links, clock: Clock) -> None:
        self._shelf = shelf
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Where it stands."""
        path = PATH + "{token}"
        return [
            Route(path, self.file, methods=["GET", "HEAD"]),
            Route(path, self.preflight, methods=["OPTIONS"]),
        ]

    async def preflight(self, _: Request) -> Response:
        """What a browser asks before it asks for a range."""
        return Response(status_code=204, headers=_PREFLIGHT)

    async def file(self, request: Request) -> Response:
        """The file, a part of it, or that it is unchanged."""
        opened = self._links.open(request.path_params["token"], self._clock.now())
        info = await asyncio.to_thread(self._shelf.info, opened.key)
        if info is None:
            raise NotFound("This file is no longer kept.")
        headers = {
            **_CORS,
            "accept-ranges": "bytes",
            "etag": info.etag,
            "cache-control": "private, no-cache",
            "content-type": opened.download.content_type,
            "content-disposition": content_disposition(opened.download.filename),
            "x-content-type-options": "nosniff",
            # A transcript is data: should a browser show it, nothing in it runs.
            "content-security-policy": "default-src 'none'; sandbox",
        }
        if _has(request.headers.get("if-none-match"), info.etag):
            return Response(status_code=304, headers=headers)
        if "if-match" in request.headers and not _has(request.headers["if-match"], info.etag):
            return Response(status_code=412, headers=headers)
        start, end, status = _asked(request, info)
        if status == 416:
            headers["content-range"] = f"bytes */{info.size}"
            return Response(status_code=416, headers=headers)
        if status == 206:
            headers["content-range"] = f"bytes {start}-{end - 1}/{info.size}"
        headers["content-length"] = str(end - start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        pieces = iterate_in_threadpool(self._shelf.read(opened.key, start, end))
        return StreamingResponse(pieces, status, headers)


def _asked(request: Request, info: BlobInfo) -> tuple[int, int, int]:
    """(start, end, status) of what is asked for. Several ranges at once give the whole file, as
    RFC 9110 allows."""
    whole = (0, info.size, 200)
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if found is None or found.group() == "bytes=-":
        return whole
    if_range = request.headers.get("if-range")
    if if_range is not None and if_range.strip() != info.etag:
        return whole
    first, last = found.groups()
    if not first:
        length = min(int(last), info.size)
        return (info.size - length, info.size, 206) if length else (0, 0, 416)
    start = int(first)
    end = min(int(last) + 1, info.size) if last else info.size
    if last and int(last) < start:
        return whole  # not a range at all: to be ignored
    return (start, end, 206) if start < info.size else (0, 0, 416)


def _has(header: str | None, etag: str) -> bool:
    """Whether a list of entity tags has this one; ``*`` has any."""
    if header is None:
        return False
    return header.strip() == "*" or etag in _TAG.findall(header)
