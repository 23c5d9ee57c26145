"""The whole web edge as one ASGI application."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from roomtone.model.errors import Failed
from roomtone.web.errors import exception_handlers
from roomtone.web.recent import Recent
from roomtone.web.traffic import Traffic

log = structlog.get_logger()

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app(
    routes: list[BaseRoute],
    ready: Callable[[], Awaitable[str | None]],
    lifespan: Lifespan,
    *,
    told: bool = False,
    recent: Recent | None = None,
    turned_away: Callable[[str], None] | None = None,
) -> Starlette:
    """Doors, façade and docs under one roof; every error in the one envelope. ``ready``: why it is
    not, if so; may raise Failed. ``told``: a line in the log for each request. ``recent``: what is
    answered before any routing. ``turned_away``: is told the path of what there is no room for."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        try:
            reason = await ready()
        except Failed as failed:
            # Whoever may ask is told what to do, and not where things lie: the log has that.
            log.error("not ready", error=failed.message, hint=failed.hint)
            reason = f"cannot read or write what it stores. {failed.hint}"
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)

    application = Starlette(
        # Asked far less often than anything else, so matched last.
        routes=[*routes, Route("/healthz", healthz), Route("/readyz", readyz)],
        exception_handlers=exception_handlers(),
        lifespan=lifespan,
    )
    # Starlette's redirects repeat whatever host the request named; errors.py knows a better one.
    application.router.redirect_slashes = False
    # Outside of Starlette's own layers, which cost more than a report that is known by heart.
    traffic = Traffic(
        application.build_middleware_stack(), told=told, recent=recent, turned_away=turned_away
    )
    application.middleware_stack = traffic
    # For the connections: what they may refuse before it is a request (web/connections.py).
    application.state.early = traffic.early
    return application
