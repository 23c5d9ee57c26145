"""A server whose clock is set an hour or a day back and forth while calls go on."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callers import Doors
from journey_server import wait_for
from ledger import Load
from outcome import LONG, Outcome
from prepared import PreparedServer

pytestmark = [pytest.mark.slow]

HOUR_S = 3600
STEPS_S = (HOUR_S, -HOUR_S, 24 * HOUR_S, -24 * HOUR_S, 0) * (3 if LONG else 1)
"""By how much the clock is wrong, one after another."""
SILENCE_S = 5
HOLDS_S = SILENCE_S + 3.0
"""Longer than it takes to count somebody as silent, for which the server looks every 2 s."""


class ClockedServer(PreparedServer):
    """A Roomtone with a clock of its own; the one that only runs is the machine's."""

    def __init__(self, data: Path, **settings: Any) -> None:
        super().__init__(data, **settings)
        self._shift = data.parent / "clock"
        self.set(0)
        self.launcher, self.variables = "launch_clocked.py", {"CLOCK_SHIFT": str(self._shift)}

    def set(self, seconds: int) -> None:
        """Off by so much from now on."""
        beside = self._shift.with_suffix(".new")
        beside.write_text(str(seconds))
        beside.replace(self._shift)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    # A token lives for days here: one that is set past its end ends, as it should.
    running = ClockedServer(tmp_path / "data", silence_s=SILENCE_S, token_hours=72)
    running.start()
    yield running
    running.stop()


def steps_told(server: PreparedServer) -> list[float]:
    lines = [json.loads(line) for line in server.told().splitlines() if line.startswith("{")]
    return [line["by_s"] for line in lines if line["event"] == "the clock was set"]


def test_calls_outlive_a_clock_that_is_set_back_and_forth(
    server: ClockedServer, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome, every_s=0.15)
    wrong_by = 0
    with load:
        wait_for("the call", lambda: load.taken() > 20)
        for number, seconds in enumerate(STEPS_S):
            server.set(seconds)
            outcome.add(faults=1)
            wait_for("the log to say so", lambda n=number: len(steps_told(server)) > n)
            assert abs(steps_told(server)[-1] - (seconds - wrong_by)) < 1
            wrong_by = seconds
            ends = time.monotonic() + HOLDS_S
            while time.monotonic() < ends:
                (session,) = server.sessions(load.calls[-1].meeting)
                assert (session["status"], session["live_participants"]) == ("LIVE", 4)
                assert session["minutes_consumed"] >= 0
                time.sleep(0.5)
            # A call that began before the step ends and is sealed after it.
            load.end_call()
            wait_for("the next call", lambda: _live(server, load))
    load.settle()
    load.check()
    for call in load.calls:
        (session,) = server.sessions(call.meeting)
        assert session["ended_at"] >= session["started_at"]
        for one in server.participants(session["id"]):
            assert one["duration"] >= 0
            assert one["left_at"] >= one["joined_at"]
    assert "Traceback" not in server.told()


def _live(server: PreparedServer, load: Load) -> bool:
    found = server.sessions(load.calls[-1].meeting)
    return bool(found) and found[0]["live_participants"] == 4
