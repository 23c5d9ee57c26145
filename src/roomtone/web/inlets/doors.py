"""``/in/{inlet_id}``: one path for every kind of sender; the inlet says whose door it is.

A socket outlives the look at its inlet, so that is repeated: what is said after the inlet was
closed is not heard.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Message, Receive
from starlette.websockets import WebSocket

from roomtone.model.errors import Failed, NotFound, Refused
from roomtone.model.inlets import Inlet
from roomtone.services.inlets import MAX_HELD, Inlets
from roomtone.services.origins import Origins

OnRequest = Callable[[Request, Inlet, str], Awaitable[Response]]
"""(request, inlet, the path below the inlet's own, without its first slash) → an answer."""
OnSocket = Callable[[WebSocket, Inlet, str], Awaitable[None]]
METHODS = ["GET", "POST", "PUT", "OPTIONS"]
BELIEVED_S = 3.0
"""How long an inlet is believed to be open, by all of its sockets; as with an app's origins."""
NO_INLET = 1008
"""The close code of a socket that may not be there (RFC 6455: a policy was violated)."""


class InletDoors:
    """All of them. ``requests`` and ``sockets``: what answers, by kind of inlet."""

    def __init__(
        self,
        inlets: Inlets,
        origins: Origins,
        requests: Mapping[str, OnRequest],
        sockets: Mapping[str, OnSocket],
    ) -> None:
        self._inlets = inlets
        self._origins = origins
        self._requests = requests
        self._sockets = sockets
        self._looked: dict[str, float] = {}

    def routes(self) -> list[BaseRoute]:
        """Where they stand."""
        return [
            Route("/in/{inlet_id}", self.request, methods=METHODS),
            Route("/in/{inlet_id}/{rest:path}", self.request, methods=METHODS),
            WebSocketRoute("/in/{inlet_id}", self.socket),
            WebSocketRoute("/in/{inlet_id}/{rest:path}", self.socket),
        ]

    async def request(self, request: Request) -> Response:
        """A delivery by HTTP. Raises Unauthenticated for a door that is not there."""
        inlet = self._inlets.open(request.path_params["inlet_id"])
        if request.method != "OPTIONS":  # which promises nothing yet
            self._origins.check(inlet.app_id, request.headers.get("origin"))
        handler = self._requests.get(inlet.kind)
        if handler is None:
            raise NotFound(f"Nothing is delivered by HTTP at an inlet for {inlet.kind}.")
        return await handler(request, inlet, request.path_params.get("rest", ""))

    async def socket(self, socket: WebSocket) -> None:
        """A WebSocket. One that may not be there is told so as browsers can hear it: once open."""
        try:
            inlet = self._inlets.open(socket.path_params["inlet_id"], *self._sockets)
            self._origins.check(inlet.app_id, socket.headers.get("origin"))
        except Refused as refused:
            asked = socket.scope.get("subprotocols") or [None]
            await socket.accept(subprotocol=asked[0])
            await socket.close(NO_INLET, refused.message[:100])
            return
        watched = WebSocket(socket.scope, self._watched(socket, inlet), socket.send)
        await self._sockets[inlet.kind](watched, inlet, socket.path_params.get("rest", ""))

    def _watched(self, socket: WebSocket, inlet: Inlet) -> Receive:
        """What a socket says, until its inlet is closed: then it ends, unheard."""

        async def receive() -> Message:
            message = await socket.receive()
            if message["type"] != "websocket.receive":
                return message
            try:
                self._look_again(inlet)
            except Refused as refused:
                reason = refused.message[:100]
                await socket.close(NO_INLET, reason)
                return {"type": "websocket.disconnect", "code": NO_INLET, "reason": reason}
            return message

        return receive

    def _look_again(self, inlet: Inlet) -> None:
        """Raise Unauthenticated once an inlet is closed; asks now and then."""
        now = monotonic()
        if now - self._looked.get(inlet.id, -BELIEVED_S) < BELIEVED_S:
            return
        with suppress(Failed):  # nobody can be asked just now: what was true last still is
            self._inlets.open(inlet.id)
        if len(self._looked) >= MAX_HELD:
            self._looked.clear()
        self._looked[inlet.id] = now
