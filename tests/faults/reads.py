"""Reads: a list, a sealed report and a session's details, again and again, and how long they take.

reads = Reads(server, sealed_call(server)).run(5.0)
reads.at(0.99)          # ms
"""

import http.client
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journey_server import JourneyServer, new_peer, now_ms

PAUSE_S = 0.01


@dataclass
class Reads:
    """One after the other, on one connection, and how long each took."""

    server: JourneyServer
    paths: dict[str, str]
    ms: dict[str, list[float]] = field(default_factory=dict)
    resident_kb: list[int] = field(default_factory=list)

    def run(self, seconds: float) -> "Reads":
        """So long."""
        server = self.server
        wire = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        headers = {"authorization": f"Bearer {server.api_token}"}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for name, path in self.paths.items():
                began = time.perf_counter()
                wire.request("GET", server.base.removeprefix(server.url) + path, headers=headers)
                answer = wire.getresponse()
                said = answer.read()
                self.ms.setdefault(name, []).append((time.perf_counter() - began) * 1_000)
                assert answer.status == 200, said
                time.sleep(PAUSE_S)
            self.resident_kb.append(server.resident_kb())
        wire.close()
        return self

    def at(self, share: float) -> float:
        """ms that this share of all reads took at most."""
        every = sorted(one for times in self.ms.values() for one in times)
        return every[min(len(every) - 1, int(len(every) * share))]

    def told(self) -> dict[str, Any]:
        """For the table."""
        count = sum(map(len, self.ms.values()))
        return {"reads": count, **{f"p{n}_ms": round(self.at(n / 100), 1) for n in (50, 90, 99)}}


def waited_and_ran(server: JourneyServer) -> tuple[int, int]:
    """ns that the main thread was ready without a processor, and that it had one."""
    ran, waited, _ = Path(f"/proc/{server.pid}/schedstat").read_text().split()
    return int(waited), int(ran)


def sealed_call(server: JourneyServer) -> dict[str, str]:
    """What is read all the time: by name, a path."""
    meeting, peer_id = server.meeting(), new_peer()
    entries = [
        {"event": event, "timestamp": now_ms()} for event in ("call_join", "audio_on", "audio_off")
    ]
    body = {"peer_id": peer_id, "seq": 1, "entries": entries}
    assert server.invite(meeting, "Zoe").collect(body).status_code == 202
    server.soon(peer_id)
    server.kick_all(meeting)
    server.wait_until_sealed()
    session = server.sessions(meeting)[0]["id"]
    return {
        "list": "/sessions?per_page=25",
        "report": f"/sessions/peer-report/{peer_id}",
        "details": f"/sessions/{session}",
    }
