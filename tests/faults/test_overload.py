"""Twice as much as the server can take: refused early, read as before, and whole again at once.

What it can take is measured first: as many batches as it accepts from senders that wait for their
answers. Then twice as many are offered, whatever it says. How quick reads may be is measured in the
same minute, on the idle server; where that is quicker than ``FLOOR_MS``, the floor counts. A
machine that others use gives every answer late, so the share of the time in which the server's
main thread was ready and had to wait is taken out.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journey_server import JourneyServer, new_peer, now_ms, wait_for
from outcome import LONG, Outcome
from reads import Reads, sealed_call, waited_and_ran

pytestmark = [pytest.mark.slow]

IDLE_S = 20.0 if LONG else 4.0
CLOSED_S = 10.0 if LONG else 2.0
LOAD_S = float(os.environ.get("ROOMTONE_SOAK_LOAD_S", 600 if LONG else 7))
CLOSED_SENDERS = 64
SENDERS = 1_200
"""More than have a place to wait."""
PER_PEER = 1_500
MEETINGS, PEOPLE = 8, 8
TIMES = 2
READS_SLOWER = 3
SHARED = 1.3
"""How much longer everything takes on a machine that others use so much that the slowest of a
hundred reads tells of them. Nine of ten are judged there, and where there are few reads."""
FLOOR_MS = 10.0 if LONG else 25.0
GROWTH_KB = 400_000
LATE_GROWTH_KB = 150_000
"""Of the second half of a long run: memory that grows with time would not end."""
RECOVERED_S = 10.0
PATIENCE_S = 600 if LONG else 120
OFFERED = Path(__file__).with_name("offered.py")


class Offer:
    """A process that offers batches."""

    def __init__(self, server: JourneyServer, tokens: list[str], seconds: float, rate: float):
        orders = {
            "port": int(server.url.rpartition(":")[2]),
            "tokens": tokens,
            "seconds": seconds,
            "rate": rate,
            "per_peer": PER_PEER,
        }
        self._process = subprocess.Popen(
            [sys.executable, str(OFFERED)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(orders))
        self._process.stdin.close()

    def ended(self) -> dict[str, Any]:
        """What became of them."""
        assert self._process.stdout is not None
        said = self._process.stdout.read()
        assert self._process.wait(60) == 0
        told: dict[str, Any] = json.loads(said)
        assert told["wrong"] == []
        assert told["no_pause_told"] == 0
        return told


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JourneyServer]:
    """A Roomtone of the test's own."""
    running = JourneyServer(tmp_path / "data").start()
    yield running
    running.stop()


def recount(
    server: JourneyServer, meetings: list[str], accepted: dict[str, list[int]], outcome: Outcome
) -> None:
    """What was acknowledged, against what the sealed reports hold."""
    for meeting in meetings:
        # Who was silent for long was taken for gone already.
        done = server.ask("POST", f"/meetings/{meeting}/active-session/kick-all")
        assert done.status_code in (200, 404), done.text
    wait_for(
        "the ends of all calls",
        lambda: (
            not server.rows(
                "SELECT 1 FROM sessions WHERE status = 'LIVE' AND meeting_id IN "
                f"({', '.join('?' * len(meetings))})",
                *meetings,
            )
        ),
    )
    server.wait_until_sealed(PATIENCE_S)
    for peer_id, numbers in accepted.items():
        events = server.report(peer_id)["peer_stats"]["events"]
        markers = Counter(one["metadata"]["n"] for one in events if one["type"] == "marker")
        outcome.add(
            accepted=len(numbers),
            lost=len(set(numbers) - set(markers)),
            doubled=sum(often - 1 for often in markers.values()),
            invented=len(set(markers) - set(numbers)),
        )
    outcome.add(calls=len(meetings))


def test_twice_what_it_can_take(server: JourneyServer, outcome: Outcome) -> None:
    paths = sealed_call(server)
    meetings = [server.meeting() for _ in range(MEETINGS)]
    people = [server.invite(meeting, f"p{n}").token for meeting in meetings for n in range(PEOPLE)]
    tokens = [people[n % len(people)] for n in range(SENDERS)]

    idle = Reads(server, paths).run(IDLE_S)
    closed = Offer(server, tokens[:CLOSED_SENDERS], CLOSED_S, 0).ended()
    sustained = closed["statuses"]["202"] / closed["seconds"]
    outcome.progress(f"takes {sustained:,.0f} batches/s; idle {idle.told()}")

    before_kb, before = server.resident_kb(), waited_and_ran(server)
    offer = Offer(server, tokens, LOAD_S, TIMES * sustained)
    busy = Reads(server, paths).run(LOAD_S)
    waited, ran = (b - a for a, b in zip(before, waited_and_ran(server), strict=True))
    told = offer.ended()

    began = time.monotonic()
    limit = READS_SLOWER * max(FLOOR_MS, idle.at(0.99))
    wait_for("quick reads", lambda: Reads(server, paths).run(0.5).at(0.5) < limit, RECOVERED_S)
    meeting = server.meeting()
    again = {"event": "call_join", "timestamp": now_ms()}
    body = {"peer_id": new_peer(), "seq": 1, "entries": [again]}
    assert server.invite(meeting, "Ana").collect(body).status_code == 202
    recovered_s = time.monotonic() - began

    taken, refused = told["statuses"].get("202", 0), told["statuses"].get("503", 0)
    stretch = (ran + waited) / ran
    outcome.add(refused=refused, faults=1)
    outcome.told.update(
        sustained=round(sustained),
        offered=round(told["offered"] / told["seconds"]),
        taken=round(taken / told["seconds"]),
        seconds_of_load=round(told["seconds"]),
        idle=idle.told(),
        busy=busy.told(),
        stretch=round(stretch, 2),
        judged=0.99 if LONG and stretch < SHARED else 0.9,
        refused_p50_ms=told["p50_ms"].get("503"),
        accepted_p50_ms=told["p50_ms"].get("202"),
        grown_kb=max(busy.resident_kb) - before_kb,
        recovered_s=round(recovered_s, 1),
        no_sender_free=told["late"],
    )
    outcome.progress(json.dumps(outcome.told))
    accepted = {**closed["accepted"], **told["accepted"]}
    recount(server, meetings, accepted, outcome)

    counts = outcome.counts
    assert (counts["lost"], counts["doubled"], counts["invented"]) == (0, 0, 0), counts
    assert counts["accepted"] == taken + closed["statuses"]["202"] > 0
    assert set(told["statuses"]) <= {"202", "429", "503"}
    # Whom it does not take it tells so, sooner than it takes others.
    assert refused > 0 or taken > 0.9 * told["offered"]
    if refused > 100:
        assert told["p50_ms"]["503"] < told["p50_ms"]["202"]
    assert busy.at(outcome.told["judged"]) < limit * stretch, outcome.told
    assert max(busy.resident_kb) - before_kb < GROWTH_KB
    half = busy.resident_kb[len(busy.resident_kb) // 2 :]
    assert max(half) - half[0] < LATE_GROWTH_KB
    assert "more requests than can be answered" in server.log.read_text() or not refused
