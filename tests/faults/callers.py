"""Callers: who makes a batch every so often whatever happens, and sends until it is acknowledged.

As a collector in a page does: the oldest first, one at a time; what was not acknowledged is kept, a
503 or a 429 is obeyed, and another door is tried when a connection fails. Now and then the network
takes an answer from a caller, or the caller hangs up before there is one: it sends the batch again,
which the server may have stored by then.

Batch n of a caller is a stream of its own (ssrc n, 1000 + n packets) and a marker n, and every
tenth also a chat message: it counts once, and no other can make up for it.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from journey_server import JourneyServer, Person, new_peer, now_ms

MOST = 1_500
"""Batches of a caller; a peer has at most 2,000 streams, and each brings one."""
PACKETS = 1_000
CHATS_EVERY = 10
"""Batches from one with a chat message to the next."""
REST_S = 0.05
"""Between two tries where a door does not answer."""
UNHEARD = HUNG_UP = 0.01
"""The share of batches whose first answer is not heard, and of those that it does not wait for."""
HUNG_UP_AFTER_S = 0.02
"""At most: sooner and later than an answer usually comes."""


class Doors:
    """The balancer: one of several servers, at random; ``servers`` may change at any time."""

    def __init__(self, servers: Sequence[JourneyServer]) -> None:
        self.servers = list(servers)

    def pick(self, dice: random.Random) -> str:
        """host:port of one."""
        return dice.choice(self.servers).url.removeprefix("http://")


@dataclass
class Caller:
    """One peer, and what became of each of its batches."""

    person: Person
    meeting: str
    peer_id: str = field(default_factory=new_peer)
    made: int = 0
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    accepted: dict[int, float] = field(default_factory=dict)
    """number → when it was acknowledged, seconds of the steady clock."""
    sent_again: int = 0
    """How often a batch was sent that had been sent before, unanswered."""
    asked_to_wait: Counter[int] = field(default_factory=Counter)
    """By status."""
    broken: int = 0
    """Connections that failed under a request or could not be made."""
    cut_off: list[tuple[float, float]] = field(default_factory=list)
    """Requests under which a connection failed: when they were sent, and when it did."""
    unheard: int = 0
    """Batches that were acknowledged, which it did not hear: it sent them again."""
    asks: str = ""
    """host:port of the door that has a request of it just now."""
    may_miss: list[set[int]] = field(default_factory=list)
    """Of batches that somebody took from the disk: of each set the last ones may be gone."""
    wrong: list[str] = field(default_factory=list)
    """Answers that no client should get."""
    _tried: int = 0
    _not_before: float = 0.0
    _wires: dict[str, http.client.HTTPConnection] = field(default_factory=dict)

    def make(self) -> None:
        """The next batch."""
        self.made += 1
        n, t = self.made, now_ms()
        stream = {
            "type": "inbound-rtp",
            "id": f"I{n}",
            "timestamp": t,
            "ssrc": n,
            "kind": "audio",
            "packetsReceived": PACKETS + n,
        }
        entries: list[dict[str, Any]] = [
            {"event": "stats", "timestamp": t, "metaData": {"pc": "pc", "report": [stream]}},
            {"event": "marker", "timestamp": t, "metaData": {"n": n}},
        ]
        if n == 1:
            entries.append({"event": "call_join", "timestamp": t})
        if n % CHATS_EVERY == 0:
            message = {"id": self.chat_id(n), "type": "text", "time": t, "message": str(n)}
            meta = {"action": "add", "message": message}
            entries.append({"event": "chat_message", "timestamp": t, "metaData": meta})
        body = {"peer_id": self.peer_id, "seq": n, "entries": entries}
        self.waiting.append((n, json.dumps(body).encode()))

    def chat_id(self, number: int) -> str:
        """Of the message in a batch."""
        return f"{self.peer_id}-{number}"

    def run(self, doors: Doors, every_s: float, over: threading.Event) -> None:
        """Make and send until it is over; what was not acknowledged stays in ``waiting``."""
        dice = random.Random(self.peer_id)
        due = time.monotonic()
        while not over.is_set() and (self.made < MOST or self.waiting):
            now = time.monotonic()
            if due <= now and self.made < MOST:
                self.make()
                due += every_s
            elif self.waiting and now >= self._not_before:
                self.send(doors.pick(dice), dice)
            else:
                over.wait(max(0.001, min(due, now + REST_S) - now))
        self.hang_up()

    def send(self, door: str, dice: random.Random) -> bool:
        """The oldest batch, once; whether it was taken, and this was heard."""
        number, body = self.waiting[0]
        first = self._tried != number
        self.sent_again += not first
        luck = dice.random() if first else 1.0
        headers = {"authorization": f"Bearer {self.person.token}"}
        sent = 0.0
        try:
            wire = self._wires.get(door)
            if wire is None:
                wire = self._wires[door] = http.client.HTTPConnection(door, timeout=30)
            self.asks = door
            wire.request("POST", "/v1/collect", body, headers)
            self._tried, sent = number, time.monotonic()
            if luck < HUNG_UP:
                time.sleep(dice.uniform(0, HUNG_UP_AFTER_S))
                self._wires.pop(door).close()
                return False
            answer = wire.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.broken += 1
            if sent:
                self.cut_off.append((sent, time.monotonic()))
            self._wires.pop(door).close()
            self._not_before = time.monotonic() + REST_S
            return False
        finally:
            self.asks = ""
        if answer.status == 202 and luck < HUNG_UP + UNHEARD:
            self.unheard += 1
            self._wires.pop(door).close()
            return False
        return self._heard(number, answer, said)

    def _heard(self, number: int, answer: http.client.HTTPResponse, said: bytes) -> bool:
        if answer.status == 202:
            self.accepted[number] = time.monotonic()
            self.waiting.popleft()
            return True
        pause = answer.headers.get("retry-after")
        if answer.status in (429, 503) and pause is not None:
            self.asked_to_wait[answer.status] += 1
            self._not_before = time.monotonic() + float(pause)
        else:
            self.wrong.append(f"{answer.status} {said[:200]!r}")
            self._not_before = time.monotonic() + 1
        return False

    def hang_up(self) -> None:
        """Close its connections."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
