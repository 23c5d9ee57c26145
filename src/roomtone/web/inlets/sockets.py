"""Sockets: what the doors of rtcstats and Jitsi share."""

import hmac
from contextlib import suppress
from urllib.parse import unquote

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from roomtone.model.inlets import Inlet

REFUSED = 1008
AWAY = frozenset({1000, 1001, 1005})
"""Codes of a page that is closing or of a client that was told to stop; others are breaks."""
REASON_BYTES = 120
"""A close frame's reason has room for 123."""


async def open_socket(socket: WebSocket, *known: str) -> str:
    """Accept a socket with the first of the known protocols that it asks for; which it is.

    A browser gives a socket up whose protocol is not echoed, so any that it asks for is echoed.
    """
    asked: list[str] = list(socket.scope.get("subprotocols") or ())
    chosen = next((protocol for protocol in asked if protocol in known), next(iter(asked), ""))
    await socket.accept(subprotocol=chosen or None)
    return chosen


async def close_socket(socket: WebSocket, code: int, reason: str) -> None:
    """Close a socket that may be closed already."""
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))


async def next_text(socket: WebSocket) -> str | None:
    """The next text frame; None for one that is bytes. Raises WebSocketDisconnect at the end."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text = message.get("text")
    return None if text is None else str(text)


def shows_secret(inlet: Inlet, rest: str) -> tuple[bool, str]:
    """Whether a path begins with the inlet's secret, and what comes after it."""
    given, _, after = rest.lstrip("/").partition("/")
    said = unquote(given).encode()
    return hmac.compare_digest(said, inlet.secret.encode()), after
