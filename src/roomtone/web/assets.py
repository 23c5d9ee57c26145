"""Files for browsers: ``/roomtone.js`` and its kin, ``/assets/…``, and pages made of them.

A file is read and compressed once, and again when it changes on the disk. Its address with the
right ``?v=`` (:func:`address`) may be kept for ever; without it a browser asks again each time and
is told 304. What may be asked for is a name of plain characters with a known ending: no dot leads a
segment, so nothing outside the folder, and nothing hidden in it, has a name.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "assets"

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ts": "text/plain; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""Endings that are served. HTML is not among them: a page goes out through :func:`page` only."""
COMPACT = frozenset({"ico", "png", "woff2"})
"""Compressed in themselves."""

COLLECTOR = ("roomtone.js", "roomtone.d.ts", "roomtone-precall.js", "roomtone-precall.d.ts")
"""At the root, and for every page: what is imported by pages of others."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

FOR_EVERY_PAGE = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "timing-allow-origin": "*",
}
"""The collector is loaded by pages of any origin, also by those that isolate themselves (COEP)."""
FOR_OUR_PAGES = {"cross-origin-resource-policy": "same-origin"}
NO_SNIFFING = {"x-content-type-options": "nosniff"}

POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""Content-Security-Policy of our pages: nothing inline, nothing evaluated, nothing from elsewhere.
'self' covers WebSockets of the same origin (CSP 3)."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")


class _Asset(Struct, frozen=True):
    plain: bytes
    zipped: bytes | None
    tag: str
    media_type: str


def asset_routes() -> list[BaseRoute]:
    """Where the files stand."""
    return [
        *(Route(f"/{name}", _collector, methods=["GET"]) for name in COLLECTOR),
        Route("/assets/{name:path}", _asset_of_ours, methods=["GET"]),
    ]


def address(name: str) -> str:
    """The address of an asset that changes with its content: for links in pages."""
    asset = _found(name)
    if asset is None:
        raise FileNotFoundError(name)
    return f"/assets/{name}?v={asset.tag}"


def text(name: str) -> str:
    """An asset's text, HTML as well: for pages that fill something in."""
    return (FOLDER / name).read_text(encoding="utf-8")


def page(
    html: str | bytes,
    *,
    status: int = 200,
    policy: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An HTML page under the strict policy.

    ``policy`` replaces directives of :data:`POLICY` by name. ``headers`` come on top, e.g. a
    permissions-policy. Whatever is filled into ``html`` must have been escaped before.
    """
    said = {**POLICY, **(policy or {})}
    return Response(
        html,
        status,
        media_type="text/html",
        headers={
            "content-security-policy": "; ".join(f"{name} {value}" for name, value in said.items()),
            # Not no-referrer: that would have a browser send `Origin: null` with our own forms.
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cache-control": ASK_AGAIN,
            **NO_SNIFFING,
            **(headers or {}),
        },
    )


async def _collector(request: Request) -> Response:
    return _answer(request, request.url.path.removeprefix("/"), FOR_EVERY_PAGE)


async def _asset_of_ours(request: Request) -> Response:
    return _answer(request, request.path_params["name"], FOR_OUR_PAGES)


def _answer(request: Request, name: str, headers: Mapping[str, str]) -> Response:
    asset = _found(name)
    if asset is None:
        raise HTTPException(404)
    tag = f'W/"{asset.tag}"'
    headers = {
        "etag": tag,
        "cache-control": FOR_EVER if request.query_params.get("v") == asset.tag else ASK_AGAIN,
        "vary": "accept-encoding",
        **NO_SNIFFING,
        **headers,
    }
    if tag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    body = asset.plain
    if asset.zipped is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        body = asset.zipped
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers, media_type=asset.media_type)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        coding, _, quality = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", quality) is None
    return False


def _found(name: str) -> _Asset | None:
    ending = name.rpartition(".")[2]
    if ending not in MEDIA_TYPES or not all(map(_SEGMENT.fullmatch, name.split("/"))):
        return None
    path = FOLDER / name
    try:
        changed = path.stat().st_mtime_ns
        return _read(path, changed)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int) -> _Asset:
    plain = path.read_bytes()
    ending = path.suffix[1:]
    zipped = None if ending in COMPACT else gzip.compress(plain, 9, mtime=0)
    if zipped is not None and len(zipped) >= len(plain):
        zipped = None
    tag = hashlib.sha256(plain).hexdigest()[:20]
    return _Asset(plain, zipped, tag, MEDIA_TYPES[ending])
