"""The collector doors: ``POST /v1/collect`` (ours) and ``POST /api/v1/message`` (RealtimeKit's).

The RealtimeKit client reads no answer at all, and takes any answer that its browser lets it see for
success. So: what is durable, or never will be, is answered with CORS headers; what could not be
stored for a reason of ours is answered *without* them, which makes the client keep it and send it
again (measured: ``docs/howto/realtimekit.md``). Nor does a page see them whose origin the app does
not allow; a preflight names no app, so it cannot tell yet.
"""

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Route, Router
from starlette.types import Receive, Scope, Send

from roomtone.model.errors import BadRequest, Failed, Invalid, Refused, TooMany, Unauthenticated
from roomtone.services.collect import Collector, Locate, Sender
from roomtone.services.origins import ForeignOrigin
from roomtone.web.addresses import client_address
from roomtone.web.bodies import read_body
from roomtone.web.errors import encoded, error_body

PREFLIGHT_S = 7200
"""Chromium's ceiling; also what lets a last message survive the page that sent it."""

_CORS = {
    "access-control-allow-origin": "*",
    # Else a page of another origin is not shown when to come back.
    "access-control-expose-headers": "retry-after",
}
_PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    # Named one by one: `*` does not cover Authorization.
    "access-control-allow-headers": "authorization, content-type, content-encoding",
    "access-control-max-age": str(PREFLIGHT_S),
}
_JSON = "application/json"

log = structlog.get_logger()


Handler = Callable[[Request], Awaitable[Response]]


class _Door:
    """POST and its preflight as an ASGI application: what Starlette wraps around a function costs a
    tenth of taking a batch in, and these handlers need none of it."""

    def __init__(self, post: Handler, preflight: Handler) -> None:
        self._handlers = {"POST": post, "OPTIONS": preflight}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"allow": ", ".join(self._handlers)})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


class Doors:
    """Both doors, and the look-ups that RealtimeKit's client waits for."""

    def __init__(self, collector: Collector, locate: Locate, trusted: frozenset[str]) -> None:
        self._collector = collector
        self._locate = locate
        self._trusted = trusted

    def routes(self) -> list[BaseRoute]:
        """Where they stand."""
        look_ups = Router(
            [
                Route("/", self.location, methods=["GET", "POST"]),
                Route("/", self.preflight, methods=["OPTIONS"]),
            ]
        )
        return [
            Route("/v1/collect", _Door(self.collect, self.preflight)),
            Route("/api/v1/message", _Door(self.message, self.preflight)),
            Host("location.{base:path}", look_ups),
            Host("location-legacy.{base:path}", look_ups),
        ]

    async def preflight(self, _: Request) -> Response:
        """What a browser asks before it sends."""
        return Response(status_code=204, headers=_PREFLIGHT)

    async def collect(self, request: Request) -> Response:
        """``POST /v1/collect``."""
        try:
            sender = self._expected(request)
            receipt = await self._collector.collect(sender, await read_body(request))
        except Refused as refused:
            return _refusal(refused)
        except Failed as failed:
            log.error("a batch could not be stored", error=failed.message, hint=failed.hint)
            body = encoded(503, "Roomtone could not store it; keep it and send it again.")
            headers = {**_CORS, "retry-after": "5"}
            return Response(body, 503, headers=headers, media_type=_JSON)
        data = {"accepted": receipt.accepted, "next_seq": receipt.next_seq}
        body = msgspec.json.encode({"success": True, "data": data})
        return Response(body, 202, headers=_CORS, media_type=_JSON)

    async def message(self, request: Request) -> Response:
        """``POST /api/v1/message``."""
        body = b""
        try:
            sender = self._expected(request)
            body = await read_body(request)
            await self._collector.collect(sender, body)
        except (BadRequest, Invalid) as refused:
            if body:  # else it never arrived, and there is nothing to keep
                await self._collector.quarantine(self._sender(request), body, refused)
            return _refusal(refused)
        except TooMany as refused:
            # Not for ever: without CORS headers the client keeps its entries for the next try.
            return Response(status_code=429, headers={"retry-after": str(refused.retry_after)})
        except Refused as refused:
            return _refusal(refused)
        except Failed as failed:
            log.error("a batch could not be stored", error=failed.message, hint=failed.hint)
            return Response(status_code=503, headers={"retry-after": "5"})
        return Response(status_code=204, headers=_CORS)

    async def location(self, request: Request) -> Response:
        """Where the caller is, in the shape that the client keeps; 404: not known."""
        return _location(request, self._locate, self._trusted)

    def _expected(self, request: Request) -> Sender:
        """Who sends. Raises Refused for who may not."""
        sender = self._sender(request)
        self._collector.expect(sender)
        return sender

    def _sender(self, request: Request) -> Sender:
        return Sender(
            token=_token(request),
            user_agent=request.headers.get("user-agent"),
            address=client_address(request, self._trusted),
            origin=request.headers.get("origin"),
        )


def _location(request: Request, locate: Locate, trusted: frozenset[str]) -> Response:
    address = client_address(request, trusted)
    found = None if address is None else locate(address, 0)
    if found is None or found.latitude is None or found.longitude is None:
        return Response(status_code=404, headers=_CORS)
    details = {
        "ip": found.address,
        "city": found.city,
        "region": found.region,
        "country": found.country,
        "loc": f"{found.latitude},{found.longitude}",
        "org": found.org,
        "postal": found.postal,
        "timezone": found.timezone,
    }
    return Response(msgspec.json.encode(details), headers=_CORS, media_type=_JSON)


def _token(request: Request) -> str:
    """The participant's token: from the header or, since sendBeacon sets none, the query."""
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    token = request.query_params.get("token", "")
    if not token:
        raise Unauthenticated("Send the participant's token: Authorization: Bearer … or ?token=…")
    return token


def _refusal(refused: Refused) -> Response:
    headers = {} if isinstance(refused, ForeignOrigin) else dict(_CORS)
    if isinstance(refused, TooMany):
        headers["retry-after"] = str(refused.retry_after)
    return Response(error_body(refused), refused.status, headers=headers, media_type=_JSON)
