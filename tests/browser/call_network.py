"""The paths between people in the call page, led through a relay that can spoil one person's line.

Chromium's own emulation of a network does not reach WebRTC's packets. Here the signalling of each
page is read on its way, and every address in it becomes the relay's.
"""

import json
from typing import Any

from call_party import Guest
from playwright.sync_api import WebSocketRoute

from labelled.impaired_relay import HOST, Relay

Fields = dict[str, Any]


class Network:
    """Between everybody who is carried."""

    def __init__(self) -> None:
        self._relay = Relay()
        self._links: set[frozenset[str]] = set()
        self.peers: dict[str, str] = {}
        """By name, the peer id that a page told."""

    def carry(self, guest: Guest) -> None:
        """This page's calls from now on."""

        def opened(page: WebSocketRoute) -> None:
            server = page.connect_to_server()

            def said(text: str | bytes) -> None:
                message = json.loads(text)
                if message["type"] == "hello":
                    self.peers[guest.name] = message["peer_id"]
                server.send(text)

            def heard(text: str | bytes) -> None:
                message = json.loads(text)
                if message["type"] != "signal":
                    page.send(text)
                elif (data := self._led(message, self.peers[guest.name])) is not None:
                    page.send(json.dumps({**message, "data": data}))

            page.on_message(said)
            server.on_message(heard)

        guest.page.route_web_socket("**/*", opened)

    def spoil(self, name: str, **how: float) -> None:
        """Both directions of somebody's line: members of the relay's ``Line``."""
        peer_id = self.peers[name]
        for line in (self._relay.line(peer_id, "up"), self._relay.line(peer_id, "down")):
            for member, value in how.items():
                setattr(line, member, value)

    def close(self) -> None:
        """End the relay."""
        self._relay.close()

    def _led(self, message: Fields, to: str) -> Fields | None:
        """What the page hears instead of what the other wrote."""
        data: Fields = message["data"]
        if description := data.get("description"):
            lines = description["sdp"].splitlines(keepends=True)
            kept = "".join(line for line in lines if not line.startswith("a=candidate"))
            return {**data, "description": {**description, "sdp": kept}}
        candidate = data.get("candidate")
        if candidate is None or not candidate.get("candidate"):
            return data
        fields = candidate["candidate"].split()
        if fields[2].lower() != "udp" or ":" in fields[4]:
            return None  # TCP and IPv6 lead past the relay
        fields[4], fields[5] = HOST, str(self._door(message["from"], int(fields[5]), to))
        return {**data, "candidate": {**candidate, "candidate": " ".join(fields)}}

    def _door(self, of: str, port: int, to: str) -> int:
        link = frozenset((of, to))
        if link not in self._links:
            self._links.add(link)
            self._relay.link(of, to)
        return self._relay.door(of, port, to)
