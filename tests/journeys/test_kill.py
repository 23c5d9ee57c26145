"""kill -9 in mid-ingest, fifty times: what was accepted is there, once."""

import asyncio
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from journey_server import START_S, JourneyServer, Person, Serve, new_peer, now_ms, told

from roomtone.model.facts import Happened
from roomtone.model.subjects import Subject
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

ROUNDS = 50
SENDERS = 4
ROUNDS_A_CALL = 10
BATCHES_A_ROUND = 120
"""A peer has at most 2,000 streams, and every batch brings a new one."""
LIVES_S = 0.3
"""At most so long after the first batch was taken."""
SEALING_LIVES_S = 2.0
RISES_S = 0.15
"""It listens after about so long."""
GIVES_UP = 0.2
"""How often a client is gone for good with the batch that was not acknowledged."""
PACKETS = 1_000


@dataclass
class Talker:
    """One peer, and what became of each of its numbered batches."""

    person: Person
    meeting: str
    peer_id: str = field(default_factory=new_peer)
    acknowledged: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    waiting: bytes | None = None
    number: int = 0
    refused: list[str] = field(default_factory=list)

    def batch(self) -> bytes:
        """A batch that counts once and cannot be made up for by another: a stream of its own."""
        self.number += 1
        n, t = self.number, now_ms()
        stream = {
            "type": "inbound-rtp",
            "id": f"I{n}",
            "timestamp": t,
            "ssrc": n,
            "kind": "audio",
            "packetsReceived": PACKETS + n,
        }
        entries = [
            {"event": "stats", "timestamp": t, "metaData": {"pc": "pc", "report": [stream]}},
            {"event": "marker", "timestamp": t, "metaData": {"n": n}},
        ]
        if n == 1:
            entries.append({"event": "call_join", "timestamp": t})
        return json.dumps({"peer_id": self.peer_id, "seq": n, "entries": entries}).encode()

    def talk(self, url: str, most: int, heard: threading.Event | None = None) -> None:
        """Send until the connection breaks; what was not acknowledged waits for the next time."""
        host = url.removeprefix("http://")
        headers = {"authorization": f"Bearer {self.person.token}"}
        try:
            wire = http.client.HTTPConnection(host, timeout=10)
            for _ in range(most):
                self.waiting = self.waiting or self.batch()
                wire.request("POST", "/v1/collect", self.waiting, headers)
                answer = wire.getresponse()
                said = answer.read()
                if answer.status != 202:
                    self.refused.append(f"{answer.status} {said!r}")
                    return
                self.acknowledged.add(self.number)
                self.waiting = None
                if heard is not None:
                    heard.set()
        except (OSError, http.client.HTTPException):
            return

    def perhaps_give_up(self, dice: random.Random) -> None:
        """A page that is closed sends nothing again."""
        if self.waiting is not None and dice.random() < GIVES_UP:
            self.given_up.add(self.number)
            self.waiting = None


def call(server: JourneyServer) -> list[Talker]:
    """A new meeting with its talkers."""
    meeting = server.meeting()
    return [Talker(server.invite(meeting, f"p{n}"), meeting) for n in range(SENDERS)]


def ingest(
    server: JourneyServer, talkers: list[Talker], lives_s: float, *, hears: bool = True
) -> None:
    """All of them talk at once until the server is killed; it may be before it ``hears`` any."""

    def keep_on(talker: Talker) -> None:
        while not killed.is_set():
            talker.talk(server.url, BATCHES_A_ROUND, heard)
            if talker.waiting is None:
                break  # all it had for this round was taken
            time.sleep(0.005)

    heard, killed = threading.Event(), threading.Event()
    threads = [threading.Thread(target=keep_on, args=(talker,)) for talker in talkers]
    for thread in threads:
        thread.start()
    if hears:
        heard.wait(START_S)
    time.sleep(lives_s)
    server.kill()
    killed.set()
    for thread in threads:
        thread.join()


async def journalled(server: JourneyServer, talkers: list[Talker]) -> dict[str, Counter[int]]:
    """peer id → how often each number stands in the journal itself."""
    roomtone = Roomtone(Settings(data=str(server.data)))
    found = {}
    for one in talkers:
        subject = Subject(server.app_id, one.meeting, one.person.user_id, one.peer_id)
        chunks = await roomtone.journal.read(subject.key)
        facts = [fact for chunk in chunks for fact in chunk.facts()]
        found[one.peer_id] = Counter(
            fact.metadata["n"]
            for fact in facts
            if isinstance(fact, Happened) and fact.name == "marker" and fact.metadata
        )
    await roomtone.close()
    return found


def check(talker: Talker, found: Counter[int], where: str) -> None:
    """Everything acknowledged is there, nothing twice, and nothing that was never sent."""
    assert set(found.values()) <= {1}, f"{where}: twice"
    assert talker.acknowledged <= set(found), f"{where}: lost"
    assert set(found) <= talker.acknowledged | talker.given_up, f"{where}: never sent"


@pytest.mark.slow
def test_fifty_kills_lose_nothing_that_was_accepted_and_count_nothing_twice(serve: Serve) -> None:
    dice = random.Random(9)
    server = serve()
    everybody = talkers = call(server)
    cut_off = 0
    for number in range(ROUNDS):
        sealing = number % ROUNDS_A_CALL == ROUNDS_A_CALL - 1
        if sealing:
            # The call ends: its reports are made while the next one is already going on.
            server.kick_all(talkers[0].meeting)
            talkers = call(server)
            everybody = everybody + talkers
        pending = [one for one in everybody if one.waiting is not None and one not in talkers]
        lives_s = dice.uniform(0, SEALING_LIVES_S if sealing else LIVES_S)
        ingest(server, [*talkers, *pending], lives_s, hears=dice.random() < 0.9)
        cut_off += any(one.waiting is not None for one in everybody)
        for one in everybody:
            one.perhaps_give_up(dice)
        if dice.random() < 0.1:  # and now and then it does not even get to its feet
            server.launch()
            time.sleep(dice.uniform(0, RISES_S))
            server.kill()
        server.launch()
        server.listen()
        if (number + 1) % ROUNDS_A_CALL == ROUNDS_A_CALL - 1:
            server.wait_until_healthy()
    server.wait_until_healthy()
    for one in everybody:
        if one.waiting is not None or one in talkers:
            one.talk(server.url, 1)
        assert one.waiting is None
    server.kick_all(talkers[0].meeting)
    server.wait_until_sealed()

    assert [one.refused for one in everybody if one.refused] == []
    assert cut_off >= ROUNDS // 2, "too few of the kills came in the middle of something"
    assert sum(len(one.acknowledged) for one in everybody) > 1_000
    for one in everybody:
        report = server.report(one.peer_id)
        markers = [e for e in report["peer_stats"]["events"] if e["type"] == "marker"]
        check(one, Counter(e["metadata"]["n"] for e in markers), "report")
        readings = report["peer_report"]["quality"]["audio_consumer"]
        check(one, Counter(r["ssrc"] for r in readings), "readings")
        packets = sum(PACKETS + e["metadata"]["n"] for e in markers)
        assert sum(r["packets_received"] for r in readings) == packets
    server.stop()
    stored = asyncio.run(journalled(server, everybody))
    for one in everybody:
        check(one, stored[one.peer_id], "journal")
    assert told("rebuild", "--data", server.data)["changed"] == 0
    assert "Traceback" not in server.log.read_text()
