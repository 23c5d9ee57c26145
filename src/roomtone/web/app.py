"""The whole web edge as one ASGI application."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from roomtone.web.errors import exception_handlers

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app(
    routes: list[BaseRoute], ready: Callable[[], Awaitable[bool]], lifespan: Lifespan
) -> Starlette:
    """Doors, façade and docs under one roof; every error in the one envelope."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        if await ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "the database does not answer"}, status_code=503)

    return Starlette(
        # Asked far less often than anything else, so matched last.
        routes=[*routes, Route("/healthz", healthz), Route("/readyz", readyz)],
        exception_handlers=exception_handlers(),
        lifespan=lifespan,
    )
