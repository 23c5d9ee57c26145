"""A disk that nobody may write to: it says so and what to do, reads go on, and it goes on by itself
once it may write again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import Doors
from journey_server import wait_for
from ledger import Load
from outcome import Outcome
from prepared import PreparedServer

from small_disk import SmallDisk

pytestmark = [pytest.mark.slow]


@pytest.mark.needs("small-disk")
def test_a_server_does_not_start_on_a_read_only_disk_and_says_why(
    tmp_path: Path, outcome: Outcome
) -> None:
    with SmallDisk(tmp_path / "disk", 96) as disk:
        server = PreparedServer(disk.folder / "data")
        server.log = tmp_path / "log"
        load = Load(server.start(), Doors([server]), outcome)
        with load:
            load.wait_for_more(20)
            server.kill()
            disk.read_only(True)
            outcome.add(faults=1)
            server.launch()
            assert server.exited() == 1
            assert "Traceback" not in server.told()
            assert "Read-only file system" in server.told()
            assert "writable for the user that runs Roomtone" in server.told()
            disk.read_only(False)
            server.start(int(server.url.rpartition(":")[2]))
            load.wait_for_more(20)
        load.settle()
        load.check()
        server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreparedServer]:
    running = PreparedServer(tmp_path / "data").start()
    yield running
    immutable(tmp_path / "data", False)
    running.stop()


def immutable(folder: Path, on: bool) -> None:
    """Nobody may change a file there, however long it has been open: as when the system makes a
    disk with errors read-only.

    Not SQLite's ``-shm``: it is memory shared through a mapped file. ``chattr`` takes that memory
    away, and whoever writes to it next is killed by SIGBUS; a disk that becomes read-only does not.
    Nor ``-journal``, which comes and goes.
    """
    files = sorted([*folder.glob("*.db"), *folder.glob("*.db-wal")])
    subprocess.run(["chattr", "+i" if on else "-i", *files], check=True, capture_output=True)


@pytest.mark.needs("immutable-files")
def test_a_disk_that_becomes_read_only_refuses_what_it_cannot_keep(
    server: PreparedServer, tmp_path: Path, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome)
    with load:
        load.wait_for_more(40)
        wait_for("the call", lambda: server.sessions(load.calls[0].meeting))
        immutable(server.data, True)
        outcome.add(faults=1)
        wait_for("a refusal", lambda: load.asked_to_wait() > 0)
        answer = server.client.get(f"{server.url}/readyz")
        assert answer.status_code == 503
        assert "check it" in answer.json()["reason"]
        assert server.sessions(load.calls[0].meeting)[0]["status"] == "LIVE"
        assert server.report(load.callers[0].peer_id)["id"] == load.callers[0].peer_id
        immutable(server.data, False)
        load.wait_for_more(40)
        assert server.client.get(f"{server.url}/readyz").status_code == 200
    load.settle()
    load.check()
    assert os.access(server.data / "roomtone.db", os.W_OK)
    # The queues' library tells of its own connections with a traceback each.
    ours = [line for line in server.told().splitlines() if '"logger": "dbos"' not in line]
    assert "Traceback" not in "".join(ours)
