"""Players of recorded and made wires: rtcstats' frames and Jitsi's messages over real sockets."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import jwt
from journey_server import JourneyServer
from websockets.sync.client import ClientConnection, connect

SHARED = Path(__file__).resolve().parent.parent / "data" / "wires"


class OpenInlet:
    """An inlet of a running server."""

    def __init__(self, server: JourneyServer, kind: str) -> None:
        made = server.post("/inlets", {"kind": kind})
        self.id: str = made["id"]
        self.secret: str = made["secret"]
        self.at = f"{server.url}/in/{self.id}"
        self.socket = "ws" + self.at.removeprefix("http")

    def token(self, **claim: str) -> str:
        """What an app's server gives its pages."""
        claims = {"rtcStats": claim, "exp": int(time.time()) + 3600}
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def rtcstats(self, protocol: str = "rtcstats#5.0", **claim: str) -> ClientConnection:
        """A socket of the library's."""
        url = f"{self.socket}?rtcstats-token={self.token(**claim)}"
        return connect(url, subprotocols=[protocol], user_agent_header=None)


def wire_frames(conn: int) -> list[str]:
    """The frames of one side of the recorded call."""
    with gzip.open(SHARED / "rtcstats-wire.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["raw"] for row in rows if row["conn"] == conn and "raw" in row]


def moved_to_now(frames: list[str], age_ms: int = 60_000) -> list[str]:
    """The same call, as if it had begun a minute ago."""
    first = json.loads(frames[0])[-1]
    by = int(time.time() * 1000) - age_ms - first
    return [json.dumps(_moved(json.loads(frame), by)) for frame in frames]


def _moved(value: Any, by: int, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _moved(item, by, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, by) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 1e12:
        return value + by
    return value
