"""The only synchronous standby dies: every commit waits, as PostgreSQL promises. Nobody lines up
behind it; `/readyz`, the log and the doctor say what to look at; all goes on once it is back."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import FleetServer
from journey_server import new_peer, now_ms, wait_for
from ledger import Doors, Load
from outcome import Outcome
from postgres_pair import PostgresPair

from roomtone.cli.doctor_shared import look_at_postgres
from roomtone.settings import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
]

AT_ONCE_S = 1.0
REASON = "SyncRep is a synchronous standby that is gone"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PostgresPair]:
    running = PostgresPair(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def server(tmp_path: Path, pair: PostgresPair) -> Iterator[FleetServer]:
    running = FleetServer(tmp_path / "data", None, database=pair.primary.url, role="all")
    running.start()
    yield running
    running.stop()


def doctor(pair: PostgresPair) -> tuple[bool, str]:
    """What it says of standbys."""
    found = {one.check: one for one in look_at_postgres(Settings(database=pair.primary.url))}
    return found["standbys"].ok, found["standbys"].found


def test_commits_that_wait_for_a_dead_standby_are_told_of_and_nobody_lines_up(
    server: FleetServer, pair: PostgresPair, outcome: Outcome
) -> None:
    assert doctor(pair) == (True, "each commit waits for 1 of *, 1 of them streaming")
    load = Load(server, Doors([server]), outcome)
    ready = f"{server.url}/readyz"
    with load:
        load.wait_for_more(40)
        wait_for("the call", lambda: server.sessions(load.calls[0].meeting))
        late = server.invite(server.meeting(), "late")
        pair.standby.stop(signal.SIGKILL)
        outcome.add(faults=1)
        wait_for("word of it", lambda: server.client.get(ready).status_code == 503)
        assert REASON in server.client.get(ready).json()["reason"]
        entries = [{"event": "call_join", "timestamp": now_ms()}]
        asked = time.monotonic()
        refused = late.collect({"peer_id": new_peer(), "seq": 1, "entries": entries})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert time.monotonic() - asked < AT_ONCE_S
        assert server.sessions(load.calls[0].meeting)[0]["status"] == "LIVE"
        assert doctor(pair) == (False, "each commit waits for 1 of *, 0 of them streaming")
        pair.standby.start()
        load.wait_for_more(40)
        wait_for("readiness", lambda: server.client.get(ready).status_code == 200)
    load.settle()
    load.check()
    assert REASON in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
