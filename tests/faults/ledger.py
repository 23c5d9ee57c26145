"""Ledger: a steady load of numbered batches through real doors, and what became of every one.

A caller makes a batch every so often whatever happens, as a collector in a page does. It sends the
oldest first, one at a time, keeps what was not acknowledged, waits for as long as a 503 or a 429
asks it to, and tries another door when a connection fails. Batch n of a caller is a stream of its
own (ssrc n, 1000 + n packets) and a marker n: it counts once, and no other can make up for it.

At the end everything is recounted, naively, from the reports that the API gives: what was
acknowledged and is not there was lost, what is there more often was doubled, and what nobody sent
was invented.

    load = Load(api, Doors([collect, other]), outcome)
    with load:
        ...                 # faults; load.taken() tells how many were accepted so far
    load.settle()           # every kept batch is delivered, calls are ended and sealed, recounted
    load.check()            # asserts: lost 0, doubled 0, invented 0
"""

import http.client
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
from journey_server import JourneyServer, Person, new_peer, now_ms, wait_for
from outcome import Outcome

CALLERS = 4
"""In a call."""
EVERY_S = 0.05
"""Between two batches of a caller: a hundred times as often as a real one."""
MOST = 1_500
"""Batches of a caller; a peer has at most 2,000 streams, and each brings one."""
PACKETS = 1_000
PATIENCE_S = 90
"""How long recovery may take, of anything."""
REST_S = 0.05
"""Between two tries where a door does not answer."""


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
        body = {"peer_id": self.peer_id, "seq": n, "entries": entries}
        self.waiting.append((n, json.dumps(body).encode()))

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
                self.send(doors.pick(dice))
            else:
                over.wait(max(0.001, min(due, now + REST_S) - now))
        self.hang_up()

    def send(self, door: str) -> bool:
        """The oldest batch, once; whether it was taken."""
        number, body = self.waiting[0]
        if self._tried == number:
            self.sent_again += 1
        headers = {"authorization": f"Bearer {self.person.token}"}
        try:
            wire = self._wires.get(door)
            if wire is None:
                wire = self._wires[door] = http.client.HTTPConnection(door, timeout=30)
            wire.request("POST", "/v1/collect", body, headers)
            self._tried = number
            answer = wire.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.broken += 1
            self._wires.pop(door).close()
            self._not_before = time.monotonic() + REST_S
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


@dataclass
class Call:
    """A meeting and who is in it."""

    meeting: str
    callers: list[Caller]


class Load:
    """Calls under way, one after another or at once, until it is left."""

    def __init__(
        self,
        api: JourneyServer,
        doors: Doors,
        outcome: Outcome,
        *,
        callers: int = CALLERS,
        every_s: float = EVERY_S,
    ) -> None:
        self.api = api
        self.doors = doors
        self.outcome = outcome
        self.calls: list[Call] = []
        self._open: list[Call] = []
        self._callers = callers
        self._every_s = every_s
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._running = False
        self._recounted: set[str] = set()

    def __enter__(self) -> "Load":
        self._over.clear()
        self._running = True
        if not self._open:
            self.begin_call()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._running = False
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    # --- calls ----------------------------------------------------------------------------------

    def begin_call(self) -> Call:
        """One more call, whose callers send from now on."""
        meeting = str(self._made("/meetings", {"title": "a call"})["id"])
        call = Call(meeting, [self._invited(meeting, n) for n in range(self._callers)])
        self.calls.append(call)
        self._open.append(call)
        for caller in call.callers:
            self._start(caller)
        return call

    def end_call(self) -> None:
        """End the oldest call as it stands: kicked, with what its callers still hold coming late;
        another one begins."""
        if self._running:
            self.begin_call()
        call = self._open.pop(0)
        for caller in call.callers:
            caller.made = max(caller.made, MOST)  # makes no more, but sends what it holds
        self._kick(call)

    def keep_going(self) -> None:
        """Another call, if those who are in the newest one have not much left to say."""
        if all(caller.made > MOST // 2 for caller in self._open[-1].callers):
            self.end_call()

    def _start(self, caller: Caller) -> None:
        thread = threading.Thread(
            target=caller.run, args=(self.doors, self._every_s, self._over), daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _invited(self, meeting: str, number: int) -> Caller:
        about = {
            "name": f"p{number}",
            "custom_participant_id": f"c{number}",
            "preset_name": "group_call_participant",
        }
        made = self._made(f"/meetings/{meeting}/participants", about)
        return Caller(Person(self.api, made), meeting)

    def _made(self, path: str, about: dict[str, Any]) -> dict[str, Any]:
        """What the API makes, asked again for as long as it is away. It may be made twice, which
        harms nobody: of the other one nothing is ever heard."""
        return self._patiently(f"POST {path}", lambda: self.api.ask("POST", path, json=about))

    def _patiently(self, what: str, ask: Callable[[], httpx.Response]) -> dict[str, Any]:
        def look() -> httpx.Response | None:
            try:
                answer = ask()
            except httpx.TransportError:
                return None
            if answer.status_code == 503:
                return None
            return answer

        answer = wait_for(what, look, PATIENCE_S)
        assert answer.is_success, f"{what}: {answer.status_code} {answer.text}"
        data: dict[str, Any] = answer.json()["data"]
        return data

    def _kick(self, call: Call) -> None:
        path = f"/meetings/{call.meeting}/active-session/kick-all"

        def ended() -> bool:
            try:
                if self.api.ask("POST", path).status_code == 503:
                    return False
                found = self.api.ask("GET", "/sessions", params={"associated_id": call.meeting})
            except httpx.TransportError:
                return False
            if found.status_code != 200:
                return False
            sessions = found.json()["data"]["sessions"]
            return bool(sessions) and all(one["status"] == "ENDED" for one in sessions)

        wait_for(f"the end of {call.meeting}", ended, PATIENCE_S)

    # --- what was accepted ----------------------------------------------------------------------

    @property
    def callers(self) -> list[Caller]:
        """Of every call there was."""
        return [caller for call in self.calls for caller in call.callers]

    def taken(self) -> int:
        """Batches acknowledged so far."""
        return sum(len(caller.accepted) for caller in self.callers)

    def held(self) -> int:
        """Batches that clients hold just now."""
        return sum(len(caller.waiting) for caller in self.callers)

    def asked_to_wait(self) -> int:
        """How often a client was told to come back later."""
        return sum(sum(caller.asked_to_wait.values()) for caller in self.callers)

    def wait_for_more(self, batches: int, patience_s: float = PATIENCE_S) -> None:
        """Until so many more were accepted than now."""
        before = self.taken()
        wait_for(f"{batches} batches", lambda: self.taken() >= before + batches, patience_s)

    def longest_pause_s(self, since: float) -> float:
        """The longest time in which nothing at all was accepted, after a moment of the steady
        clock: how long the fault was felt."""
        moments = sorted(
            [since, *(at for one in self.callers for at in one.accepted.values() if at > since)]
        )
        return max((b - a for a, b in pairwise(moments)), default=0.0)

    # --- the end --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Deliver what clients still hold, end and seal every call, and recount."""
        self._over.clear()
        for caller in self.callers:
            caller.made = max(caller.made, MOST)
            if caller.waiting:
                self._start(caller)
        wait_for("the last batches", lambda: self.held() == 0, PATIENCE_S)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        for call in self._open:
            self._kick(call)
        self._open.clear()
        wait_for("the seals", lambda: self.api.unsealed() == 0, PATIENCE_S)
        for call in self.calls:
            if call.meeting not in self._recounted:
                self._recounted.add(call.meeting)
                self._recount(call)

    def _recount(self, call: Call) -> None:
        """What the reports hold, against what was acknowledged."""
        sessions = self.api.sessions(call.meeting)
        count = self.outcome
        # A session that was torn in two would count its minutes and people twice.
        count.add(calls=1, doubled=max(0, len(sessions) - 1))
        people = sum(one["total_participants"] for one in sessions)
        count.add(
            doubled=max(0, people - len(call.callers)), lost=max(0, len(call.callers) - people)
        )
        for caller in call.callers:
            report = self.api.report(caller.peer_id)
            events = report["peer_stats"]["events"]
            markers = Counter(e["metadata"]["n"] for e in events if e["type"] == "marker")
            readings = report["peer_report"]["quality"]["audio_consumer"]
            streams = Counter(one["ssrc"] for one in readings)
            for found in (markers, streams):
                count.add(
                    lost=len(set(caller.accepted) - set(found)),
                    doubled=sum(often - 1 for often in found.values()),
                    invented=len(set(found) - set(caller.accepted)),
                )
            # The same once more in packets: nothing was added up twice on the way.
            packets = sum(one["packets_received"] for one in readings)
            wanted = sum(PACKETS + n for n in caller.accepted)
            count.add(lost=int(packets < wanted), doubled=int(packets > wanted))
            count.add(
                accepted=len(caller.accepted),
                sent_again=caller.sent_again,
                refused=sum(caller.asked_to_wait.values()),
            )

    def check(self) -> None:
        """Nothing that was accepted is lost, nothing counts twice, and nobody was turned away."""
        assert [wrong for caller in self.callers for wrong in caller.wrong] == []
        told = {name: self.outcome.counts[name] for name in ("lost", "doubled", "invented")}
        assert told == {"lost": 0, "doubled": 0, "invented": 0}, self.outcome.counts
        assert self.outcome.counts["accepted"] == self.taken() > 0
