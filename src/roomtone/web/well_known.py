"""``/.well-known/webhooks.json``: the public key that verifies webhooks, for everybody.

The vendor's answer to the letter (contract 4.1).
"""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from roomtone.web.errors import JSON


class PublicKeyData(Struct, frozen=True, rename="camel"):
    public_key: str


class PublicKeyAnswer(Struct, frozen=True):
    success: bool
    data: PublicKeyData
    message: str


def well_known_routes(public_pem: Callable[[], Awaitable[str]]) -> list[BaseRoute]:
    """Where the key stands. ``public_pem`` gives it as SubjectPublicKeyInfo."""

    async def webhooks(_: Request) -> Response:
        answer = PublicKeyAnswer(True, PublicKeyData(await public_pem()), "")
        # A receiver that asks after a key was changed must see the new one.
        headers = {"cache-control": "no-cache", "access-control-allow-origin": "*"}
        return Response(msgspec.json.encode(answer), headers=headers, media_type=JSON)

    return [Route("/.well-known/webhooks.json", webhooks, methods=["GET"])]
