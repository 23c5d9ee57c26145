"""A disk that becomes a hundred times slower: senders wait, readers do not, memory stays, and all
is as before once it is fast again."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import Doors
from journey_server import new_peer, now_ms, wait_for
from ledger import Load
from outcome import LONG, Outcome
from prepared import PreparedServer

pytestmark = [pytest.mark.slow]

SYNC_S = 0.5
STUCK_S = 9.0
"""Of one sync: nearly twice as long as anybody is let wait behind it."""
AT_ONCE_S = 1.0
SLOW_S = 60.0 if LONG else 6.0
CALLERS = 24
GROWTH_KB = 40_000
READ_S = 0.25
"""No read may wait for as much as half a sync."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreparedServer]:
    running = PreparedServer(tmp_path / "data")
    takes = tmp_path / "sync"
    takes.write_text("0")
    running.launcher, running.variables = "launch_slow_disk.py", {"SYNC_TAKES": str(takes)}
    running.start()
    yield running
    takes.write_text("0")
    running.stop()


def test_a_slow_disk_slows_senders_and_nobody_else(
    server: PreparedServer, tmp_path: Path, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome, callers=CALLERS, every_s=0.2)
    takes = tmp_path / "sync"
    with load:
        wait_for("the call", lambda: server.sessions(load.calls[0].meeting))
        load.wait_for_more(400)
        before_kb = server.resident_kb()
        takes.write_text(str(SYNC_S))
        outcome.add(faults=1)
        began, taken, reads = time.monotonic(), load.taken(), []
        while time.monotonic() - began < SLOW_S:
            asked = time.monotonic()
            assert server.sessions(load.calls[0].meeting)[0]["status"] == "LIVE"
            reads.append(time.monotonic() - asked)
            time.sleep(0.1)
        slow_rate = (load.taken() - taken) / SLOW_S
        growth_kb = server.resident_kb() - before_kb
        takes.write_text("0")
        held = load.held()
        wait_for("the backlog to be gone", lambda: load.held() < CALLERS)
        load.wait_for_more(400)
    load.settle()
    load.check()
    reads.sort()
    outcome.told |= {
        "batches_a_second": round(slow_rate, 1),
        "growth_kb": growth_kb,
        "median_read_s": round(reads[len(reads) // 2], 3),
    }
    # All that wait share a sync, so even so each sender gets one or two batches in a second.
    assert CALLERS / 2 < slow_rate < 3 * CALLERS / SYNC_S
    assert held > CALLERS  # what the server cannot take waits where it was made
    assert growth_kb < GROWTH_KB
    assert reads[len(reads) // 2] < READ_S
    assert "Traceback" not in server.told()


def test_a_disk_that_is_stuck_refuses_early_what_would_line_up_behind_it(
    server: PreparedServer, tmp_path: Path, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome, callers=CALLERS, every_s=0.2)
    takes = tmp_path / "sync"
    with load:
        wait_for("the call", lambda: server.sessions(load.calls[0].meeting))
        late = [server.invite(server.meeting(), f"late {n}") for n in range(CALLERS)]
        load.wait_for_more(100)
        before_kb = server.resident_kb()
        takes.write_text(str(STUCK_S))
        outcome.add(faults=1)
        ready = f"{server.url}/readyz"
        wait_for("word of it", lambda: server.client.get(ready).status_code == 503)
        takes.write_text("0")
        assert "disk" in server.client.get(ready).json()["reason"]
        for person in late:
            asked = time.monotonic()
            entries = [{"event": "call_join", "timestamp": now_ms()}]
            body = {"peer_id": new_peer(), "seq": 1, "entries": entries}
            answer = person.collect(body)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert time.monotonic() - asked < AT_ONCE_S
        assert server.sessions(load.calls[0].meeting)[0]["status"] == "LIVE"
        growth_kb = server.resident_kb() - before_kb
        wait_for("the sync", lambda: server.client.get(ready).status_code == 200)
        load.wait_for_more(400)
    load.settle()
    load.check()
    assert growth_kb < GROWTH_KB
    assert "A write has been under way" in server.told()
    assert "Traceback" not in server.told()
