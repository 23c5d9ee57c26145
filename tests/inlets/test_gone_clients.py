"""Clients that have gone before anything could be told to them: what they had said is kept."""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_world import NOW, World

from roomtone.model.facts import Joined

SESSION = "3f0d2f6e-8d5a-4c4d-9a53-1b0f6f1f7a11"
CONNECTED = ("onconnectionstatechange", "PC_0", "connected")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


class GoneClient:
    """Its frames and its end have arrived; whatever is sent to it fails."""

    def __init__(self, frames: list[str]) -> None:
        self.left = deque([{"type": "websocket.connect"}])
        self.left += [{"type": "websocket.receive", "text": frame} for frame in frames]
        self.left.append({"type": "websocket.disconnect", "code": 1005})

    async def receive(self) -> dict[str, Any]:
        return self.left.popleft()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] != "websocket.accept":
            raise OSError("the other end has gone")


def said(kind: str, *row: Any) -> str:
    data = list(row) if kind == "identity" else json.dumps(list(row))
    return json.dumps({"statsSessionId": SESSION, "type": kind, "data": data})


def test_a_jitsi_client_may_be_gone_before_it_is_greeted(
    world: World,
) -> None:
    inlet = world.inlet("jitsi")
    who = {"displayName": "Ann", "deviceId": "ann-1"}
    client = GoneClient(
        [
            said("identity", "identity", None, who, NOW),
            said("stats-entry", "create", "PC_0", {}, NOW),
            said("stats-entry", *CONNECTED, NOW + 100),
        ]
    )
    scope = {
        "type": "websocket",
        "path": f"/in/{inlet.id}/{inlet.secret}/old-client",
        "raw_path": b"",
        "root_path": "",
        "scheme": "wss",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 5),
        "server": ("rt.example", 443),
        "subprotocols": ["3.1_STANDARD"],
    }

    world.run(world.web.app(scope, client.receive, client.send))

    facts = world.facts(world.subject("old-client", "ann-1", SESSION))
    assert [fact.t for fact in facts if isinstance(fact, Joined)] == [NOW]
