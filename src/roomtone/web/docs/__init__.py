"""``/docs``: ``openapi.json`` made readable by one small page that loads nothing from elsewhere."""

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

HERE = Path(__file__).parent

FILES = {
    "/docs": ("docs.html", "text/html"),
    "/docs/docs.css": ("docs.css", "text/css"),
    "/docs/docs.js": ("docs.js", "text/javascript"),
}

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@cache
def _content(name: str) -> bytes:
    return (HERE / name).read_bytes()


async def _serve(request: Request) -> Response:
    name, kind = FILES[request.url.path]
    return Response(_content(name), media_type=kind, headers=HEADERS)


def page_routes() -> list[BaseRoute]:
    """The page and its two files."""
    return [Route(path, _serve, methods=["GET"]) for path in FILES]
