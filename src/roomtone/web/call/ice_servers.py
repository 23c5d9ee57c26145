"""The setting ``ice_servers``: what RTCPeerConnection is given to find a path with."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from roomtone.model.errors import Failed

SCHEMES = ("stun:", "stuns:", "turn:", "turns:")
HINT = (
    "Write stun:host:3478,turn:host:3478 or a JSON list such as "
    '[{"urls": "turn:host:3478", "username": "u", "credential": "c"}].'
)


class IceServer(Struct, frozen=True, forbid_unknown_fields=True):
    """An RTCIceServer (W3C WebRTC 4.2.4)."""

    urls: str | list[str]
    username: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET


def ice_servers(text: str) -> list[IceServer]:
    """The servers of the setting. Raises Failed, with how to write it."""
    text = text.strip()
    try:
        if text.startswith("["):
            servers = msgspec.json.decode(text, type=list[IceServer])
        else:
            servers = [IceServer(url.strip()) for url in text.split(",") if url.strip()]
    except msgspec.DecodeError as error:
        raise Failed(f"ice_servers: {error}", HINT) from None
    for server in servers:
        _check(server)
    return servers


def _check(server: IceServer) -> None:
    urls: list[Any] = [server.urls] if isinstance(server.urls, str) else server.urls
    for url in urls:
        if not url.startswith(SCHEMES):
            raise Failed(f"ice_servers: {url!r} is no STUN or TURN address", HINT)
        if url.startswith("turn") and UNSET in (server.username, server.credential):
            raise Failed(f"ice_servers: {url!r} needs a username and a credential", HINT)
