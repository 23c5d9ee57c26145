"""ObserveRTC's door: ClientSamples, at ``/in/{id}/{secret}/{serviceId?}/{mediaUnitId?}``.

The library has no transport of its own: the application sends what ``sample-created`` gives it, by
POST or over a WebSocket, one sample or a list at a time. The two names in the path are those of
ObserveRTC's own observer; where a sample names no call, the last of them does.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

import msgspec
import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from roomtone.model.errors import BadRequest, Failed, Invalid, Refused, TooLarge, Unauthenticated
from roomtone.model.facts import AnyFact, Left, Located
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import (
    MAX_FRAMES_KEPT,
    MAX_IDLE_STREAMS,
    MAX_NAME_CHARS,
    MAX_SOCKET_MESSAGE_BYTES,
)
from roomtone.ports.clock import Clock
from roomtone.services.inflow import Inflow
from roomtone.services.streaming import Streams
from roomtone.sources.observertc import VIA, Client, Who, read_samples, whose
from roomtone.sources.rtcstats.reader import described
from roomtone.web.addresses import client_address
from roomtone.web.bodies import read_body
from roomtone.web.inlets.sockets import AWAY, REFUSED, close_socket, open_socket, shows_secret

NO_SECRET = "The URL does not hold this inlet's secret."  # noqa: S105
_CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "retry-after"}
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "content-type, content-encoding",
    "access-control-max-age": "7200",
}

log = structlog.get_logger()
Locate = Callable[[str, int], Located]


class ObserveRtcDoor:
    """Samples by POST and over sockets."""

    def __init__(
        self,
        inflow: Inflow,
        streams: Streams,
        clock: Clock,
        locate: Locate,
        trusted: frozenset[str],
        *,
        mask: bool,
    ) -> None:
        self._inflow = inflow
        self._streams = streams
        self._clock = clock
        self._locate = locate
        self._trusted = trusted
        self._mask = mask
        self._clients: OrderedDict[tuple[str, str], Client] = OrderedDict()

    # --- POST -----------------------------------------------------------------------------------

    async def request(self, request: Request, inlet: Inlet, rest: str) -> Response:
        """``POST``: what a body holds, and its preflight."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        is_secret, names = shows_secret(inlet, rest)
        if not is_secret:
            return _said(401, NO_SECRET)
        if request.method != "POST":
            return _said(405, "Samples are posted here.")
        body = b""
        try:
            body = await read_body(request)
            taken = await self._take(request, inlet, _room(names), "", body)
        except (BadRequest, Invalid, TooLarge) as refused:
            if body:  # else it never arrived, and there is nothing to keep
                await self._keep(inlet, body, refused)
            return _said(refused.status, _whole(refused))
        except Refused as refused:
            return _said(refused.status, refused.message)
        except Failed as failed:
            log.error("samples could not be stored", error=failed.message, hint=failed.hint)
            answer = _said(503, "Roomtone could not store it; send it again.")
            answer.headers["retry-after"] = "5"
            return answer
        return JSONResponse({"accepted": len(taken)}, 200, headers=_CORS)

    # --- the socket -----------------------------------------------------------------------------

    async def socket(self, socket: WebSocket, inlet: Inlet, rest: str) -> None:
        """One connection; a page that leaves without a word has left its calls."""
        await open_socket(socket)
        is_secret, names = shows_secret(inlet, rest)
        if not is_secret:
            await close_socket(socket, REFUSED, Unauthenticated(NO_SECRET).message)
            return
        heard: dict[Who, Client] = {}
        own, kept = self._clock.new_id(), 0
        try:
            while True:
                body = await _next(socket)
                try:
                    heard |= await self._take(socket, inlet, _room(names), own, body)
                except Failed as failed:
                    log.error("samples could not be stored", error=failed.message, hint=failed.hint)
                    await close_socket(socket, 1011, "Roomtone could not store it.")
                    return
                except Refused as refused:
                    if kept < MAX_FRAMES_KEPT:
                        kept += 1
                        await self._keep(inlet, body, refused)
        except WebSocketDisconnect as gone:
            if gone.code in AWAY:
                await self._leave(inlet, heard)

    async def _leave(self, inlet: Inlet, heard: dict[Who, Client]) -> None:
        arrivals = [
            _arrival(who, f"left:{client.last_t}", (Left(t=client.last_t, reason="disconnect"),))
            for who, client in heard.items()
            if client.last_t is not None and not client.left
        ]
        try:
            await self._inflow.take(inlet.app_id, arrivals)
        except (Refused, Failed) as error:
            log.warning("a leave could not be stored", error=f"{error}")

    # --- both -----------------------------------------------------------------------------------

    async def _take(
        self, sender: HTTPConnection, inlet: Inlet, room: str, peer: str, body: bytes
    ) -> dict[Who, Client]:
        """Store the samples of a body. Raises Refused, Failed."""
        arrivals: list[Arrival] = []
        heard: dict[Who, Client] = {}
        for sample in read_samples(body):
            who = whose(sample, room, peer)
            client, is_new = self._client(inlet, who)
            facts = client.take(sample, self._clock.now())
            if is_new and facts:
                facts = (*self._introduced(sender, facts[0].t), *facts)
            if facts:
                arrivals.append(_arrival(who, _key(sample), facts))
            heard[who] = client
        try:
            await self._inflow.take(inlet.app_id, arrivals)
        except (Refused, Failed):
            for who in heard:  # it remembers what was not stored
                self._clients.pop((inlet.id, who.peer), None)
            raise
        for who, client in heard.items():
            self._remember(inlet, who, client)
        return heard

    def _client(self, inlet: Inlet, who: Who) -> tuple[Client, bool]:
        known = self._clients.get((inlet.id, who.peer))
        return (Client(mask=self._mask), True) if known is None else (known, False)

    def _remember(self, inlet: Inlet, who: Who, client: Client) -> None:
        """Only what was stored: a new client that is sent again introduces itself again."""
        self._clients[inlet.id, who.peer] = client
        self._clients.move_to_end((inlet.id, who.peer))
        if len(self._clients) > MAX_IDLE_STREAMS:
            self._clients.popitem(last=False)

    def _introduced(self, sender: HTTPConnection, t: int) -> list[AnyFact]:
        facts = described(sender.headers.get("user-agent"), t)
        address = client_address(sender, self._trusted)
        if address is not None:
            facts.append(self._locate(address, t))
        return facts

    async def _keep(self, inlet: Inlet, body: bytes, refused: Refused) -> None:
        try:
            await self._streams.quarantine(inlet, VIA, body, _whole(refused), {})
        except Failed as failed:
            log.error("a sample could not be kept", error=failed.message, hint=failed.hint)


def _arrival(who: Who, key: str, facts: tuple[AnyFact, ...]) -> Arrival:
    return Arrival(
        room=who.room,
        person=who.person,
        peer=who.peer,
        key=key,
        facts=facts,
        display_name=who.display_name,
    )


def _key(sample: dict[str, Any]) -> str:
    return "o:" + blake2b(msgspec.json.encode(sample), digest_size=16).hexdigest()


def _room(names: str) -> str:
    """The last of the names behind the secret."""
    return unquote(names).strip("/").rpartition("/")[2][:MAX_NAME_CHARS]


def _whole(refused: Refused) -> str:
    """A refusal with what was wrong."""
    faults = [f"{fault.where}: {fault.why}" for fault in getattr(refused, "faults", ())[:5]]
    return " ".join([refused.message, "; ".join(faults)]).strip()


async def _next(socket: WebSocket) -> bytes:
    """The next frame, text or bytes. Raises WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text = message.get("text")
    body = message.get("bytes") or b"" if text is None else text.encode(errors="replace")
    if len(body) > MAX_SOCKET_MESSAGE_BYTES:
        await close_socket(socket, 1009, "This message is too large.")
        raise WebSocketDisconnect(1009)
    return body


def _said(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers=_CORS)
