"""A disk that is full: nothing is accepted that is not kept, reads go on, and so does everything
once there is space, without a restart."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callers import Doors
from journey_server import JourneyServer, wait_for
from ledger import Load
from outcome import LONG, Outcome
from prepared import PreparedServer

from small_disk import SmallDisk

pytestmark = [pytest.mark.slow, pytest.mark.needs("small-disk")]

ROUNDS = 10 if LONG else 2
FULL_S = 3.0
MEGABYTES = 96


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / "disk", MEGABYTES) as mounted:
        yield mounted


@pytest.fixture
def server(disk: SmallDisk, tmp_path: Path) -> Iterator[PreparedServer]:
    running = PreparedServer(disk.folder / "data", drain_s=0)
    running.log = tmp_path / "log"  # a log on the same disk could not tell that it is full
    running.start()
    yield running
    running.stop()


def lines(server: PreparedServer, event: str) -> list[dict[str, Any]]:
    """What the log says of something."""
    found = (json.loads(line) for line in server.told().splitlines() if line.startswith("{"))
    return [line for line in found if line.get("event") == event]


NOT_READY = (
    503,
    {
        "status": "not ready",
        "reason": "cannot read or write what it stores. "
        "Free some space on the disk that holds the data folder.",
    },
)


def readiness(server: JourneyServer) -> tuple[int, dict[str, str]]:
    answer = server.client.get(f"{server.url}/readyz")
    return answer.status_code, answer.json()


def see_that_reads_go_on(server: JourneyServer, load: Load) -> None:
    """Lists and reports, of a session under way, and a page."""
    meeting, caller = load.calls[-1].meeting, load.calls[-1].callers[0]
    assert [one["status"] for one in server.sessions(meeting)] == ["LIVE"]
    assert server.report(caller.peer_id)["id"] == caller.peer_id
    assert server.client.get(f"{server.url}/healthz").status_code == 200


def see_that_writes_are_refused(server: JourneyServer, load: Load) -> None:
    """By the API too, with when to come back, and nothing half done."""
    before = server.get("/meetings")
    answer = server.ask("POST", "/meetings", json={"title": "too much"})
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert server.get("/meetings") == before


def test_a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing(
    disk: SmallDisk, server: PreparedServer, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome)
    pauses = []
    with load:
        for _ in range(ROUNDS):
            load.wait_for_more(40)
            load.end_call()  # its seal falls into the time without space
            load.wait_for_more(8)
            wait_for("the new call", lambda: server.sessions(load.calls[-1].meeting))
            refused = load.asked_to_wait()
            disk.fill()
            outcome.add(faults=1)
            wait_for("a refusal", lambda before=refused: load.asked_to_wait() > before)
            # What was freed a moment ago may still have let a small write through.
            wait_for("it to be not ready", lambda: readiness(server) == NOT_READY)
            ends = time.monotonic() + FULL_S
            while time.monotonic() < ends:
                disk.fill()  # a checkpoint may have given some back
                see_that_writes_are_refused(server, load)
                see_that_reads_go_on(server, load)
                time.sleep(0.2)
            freed = time.monotonic()
            disk.free()
            wait_for("it to be ready again", lambda: readiness(server)[0] == 200)
            load.wait_for_more(40)
            pauses.append(time.monotonic() - freed)
    load.settle()
    load.check()
    outcome.told["back_after_s"] = [round(one, 1) for one in pauses]
    refusals = lines(server, "a batch could not be stored")
    assert {line["hint"] for line in refusals} == {
        "Free some space on the disk that holds the data folder."
    }
    assert "Traceback" not in server.told()


def test_a_disk_that_is_full_at_the_start_says_so_and_what_is_there_survives(
    disk: SmallDisk, server: PreparedServer, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome)
    with load:
        load.wait_for_more(40)
        server.kill()
        disk.fill()
        outcome.add(faults=1)
        server.launch()
        # What is on the disk can be replayed or not: either it serves, refusing, or says why not.
        assert server._process is not None
        assert server._process.stdout is not None
        said = server._process.stdout.readline()
        if said:
            server.stop()
        else:
            assert server.exited() == 1
            assert "Free some space" in server.told()
        disk.free()
        server.start()
        load.wait_for_more(40)
    load.settle()
    load.check()
    assert "Traceback" not in server.told()
