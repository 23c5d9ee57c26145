"""Errors as they go out: both of the vendor's shapes in one body (contract 1.10, 10).

``error`` is RealtimeKit's own shape and ``errors`` the Cloudflare gateway's; public clients read
either. Every fault has its own entry. No stack trace ever leaves, and no HTML.
"""

import re
from collections.abc import Awaitable, Callable
from traceback import format_exception
from uuid import uuid4

import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from structlog.contextvars import get_contextvars

from roomtone.model.errors import Failed, Fault, Refused, TooLarge, TooMany, Unauthenticated

JSON = "application/json"

log = structlog.get_logger()


class ErrorSource(Struct, frozen=True, omit_defaults=True):
    """Where a fault is: a query ``parameter``, or a ``pointer`` into the body (RFC 6901)."""

    parameter: str | UnsetType = UNSET
    pointer: str | UnsetType = UNSET


class ErrorEntry(Struct, frozen=True):
    """One fault. ``code`` is the HTTP status."""

    code: int
    message: str
    source: ErrorSource | UnsetType = UNSET


class ErrorSummary(Struct, frozen=True):
    """The whole refusal in a sentence. ``code`` is the HTTP status."""

    code: int
    message: str


class ErrorBody(Struct, frozen=True):
    """The body of every answer that is not 2xx."""

    success: bool
    error: ErrorSummary
    errors: tuple[ErrorEntry, ...]
    messages: tuple[str, ...] = ()
    result: None = None


def encoded(status: int, message: str, faults: tuple[Fault, ...] = ()) -> bytes:
    """The body for a status, a sentence and its faults."""
    entries = tuple(
        ErrorEntry(status, _sentence(fault), _source(fault.where)) for fault in faults
    ) or (ErrorEntry(status, message),)
    if faults:
        told = "; ".join(_sentence(fault) for fault in faults[:3])
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        message = f"{message.rstrip('.')}: {told}{more}."
    return msgspec.json.encode(ErrorBody(False, ErrorSummary(status, message), entries))


def error_body(refused: Refused) -> bytes:
    """The body that tells of a refusal."""
    return encoded(refused.status, refused.message, refused.faults)


def error_headers(refused: Refused) -> dict[str, str]:
    """What a refusal says in headers, besides its content type."""
    if isinstance(refused, TooMany):
        return {"retry-after": str(refused.retry_after)}
    if isinstance(refused, Unauthenticated):
        return {"www-authenticate": 'Bearer realm="roomtone"'}
    if isinstance(refused, TooLarge):
        # Nobody reads the rest of the body: the connection ends, however much is still to come.
        return {"connection": "close"}
    if refused.status == 409:
        # Else the vendor's SDKs send the same conflict twice more (contract 1.10).
        return {"x-should-retry": "false"}
    return {}


def refusal(refused: Refused) -> Response:
    """The whole answer to a refusal."""
    headers = error_headers(refused)
    return Response(error_body(refused), refused.status, headers=headers, media_type=JSON)


async def on_refused(_: Request, error: Exception) -> Response:
    """Starlette's handler for :class:`Refused`."""
    if not isinstance(error, Refused):
        raise error
    return refusal(error)


async def on_http(request: Request, error: Exception) -> Response:
    """Starlette's handler for its own refusals: unknown route, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    if error.status_code == 404 and _is_slashed(request, path):
        query = f"?{request.url.query}" if request.url.query else ""
        return Response(status_code=307, headers={"location": path.rstrip("/") + query})
    what = f"{request.method} {path}"
    messages = {404: f"No route for {what}.", 405: f"{what}: this method is not known here."}
    message = messages.get(error.status_code, error.detail or "Refused.")
    body = encoded(error.status_code, message)
    return Response(body, error.status_code, headers=error.headers, media_type=JSON)


def _is_slashed(request: Request, path: str) -> bool:
    """Whether there is something to read at this path but for the slash at its end."""
    if request.method not in ("GET", "HEAD") or not _SLASHED.fullmatch(path):
        return False
    meant = {**request.scope, "path": path.rstrip("/")}
    return any(route.matches(meant)[0] is Match.FULL for route in request.app.routes)


async def on_failed(request: Request, error: Exception) -> Response:
    """Starlette's handler for :class:`Failed`: an operator must act, the caller may try again."""
    if not isinstance(error, Failed):
        raise error
    log.error(
        "a request failed", path=told_path(request.url.path), error=error.message, hint=error.hint
    )
    body = encoded(503, "Roomtone cannot do this just now; its log tells the operator why.")
    return Response(body, 503, headers={"retry-after": "5"}, media_type=JSON)


async def on_unexpected(request: Request, error: Exception) -> Response:
    """Starlette's handler for everything that nobody foresaw: 500, and a line in the log."""
    request_id = get_contextvars().get("request_id") or uuid4().hex
    log.error(
        "a request failed",
        request_id=request_id,
        method=request.method,
        path=told_path(request.url.path),
        # As text: a renderer that shows local variables would show the request's API token.
        trace="".join(format_exception(error)),
    )
    body = encoded(500, f"Roomtone failed at this; its log tells why under request {request_id}.")
    return Response(body, 500, media_type=JSON)


def told_path(path: str) -> str:
    """A path as the log may have it: links to files, and what some senders put behind an inlet's
    address, open something."""
    return _SECRET_PATH.sub(r"\1/…", path)


Handler = Callable[[Request, Exception], Awaitable[Response]]


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """For ``Starlette(exception_handlers=…)``."""
    return {
        Refused: on_refused,
        Failed: on_failed,
        HTTPException: on_http,
        Exception: on_unexpected,
    }


_SECRET_PATH = re.compile(r"(/files|/in/[^/]*)/.*", re.DOTALL)
_SLASHED = re.compile(r"(/[A-Za-z0-9_.~-]+)+/")
"""An address that somebody ended with a slash; never another site's, as //elsewhere would be."""
_STEP = re.compile(r"[.\[\]]+")


def _source(where: str) -> ErrorSource:
    if where.startswith("/") or not where:
        return ErrorSource(pointer=where)
    if "." in where or "[" in where:
        return ErrorSource(pointer="/" + "/".join(step for step in _STEP.split(where) if step))
    return ErrorSource(parameter=where)


def _sentence(fault: Fault) -> str:
    name = fault.where.removeprefix("/").replace("/", ".") or "body"
    return f"{name} {fault.why}"
