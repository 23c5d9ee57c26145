"""Everybody is shown out of the same few meetings by many at once, while others join and sessions
are sealed: each is told how it went, and no answer is a failure."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fleet import Fleet
from journey_server import JourneyServer, Person, new_peer, now_ms, wait_for
from outcome import LONG, Outcome

from parts import require
from shared_database import postgres_url

pytestmark = [pytest.mark.slow]

LOAD_S = 60.0 if LONG else 6.0
SEALS_S = 300.0 if LONG else 45.0
"""A minute makes thousands of sessions."""
CALLERS = 20
MEETINGS, PEOPLE = 3, 6


@pytest.fixture(params=["sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[JourneyServer]]:
    """One process, or two that share the work."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            one = JourneyServer(tmp_path / "data").start()
            stack.callback(one.stop)
            yield [one]
            return
        require("postgresql")
        fleet = Fleet(tmp_path, stack.enter_context(postgres_url()))
        stack.callback(fleet.stop)
        for role in ("all", "all"):
            fleet.add(role)
        yield [server for server in fleet.servers if server.role == "all"]


class Crowd:
    """Who joins and who shows out."""

    def __init__(self, servers: list[JourneyServer]) -> None:
        first = servers[0]
        self.servers = servers
        self.meetings = [first.meeting() for _ in range(MEETINGS)]
        self.people: dict[str, list[Person]] = {
            meeting: [first.invite(meeting, f"p{n}") for n in range(PEOPLE)]
            for meeting in self.meetings
        }
        self.answers: Counter[tuple[str, int]] = Counter()
        self.failed: list[str] = []

    def act(self, seed: int) -> None:
        """One caller, until it is over."""
        dice, until = random.Random(seed), time.monotonic() + LOAD_S
        while time.monotonic() < until:
            meeting, server = dice.choice(self.meetings), dice.choice(self.servers)
            if dice.random() < 0.5:
                self._heard("join", self._join(dice.choice(self.people[meeting]), server))
            else:
                path = f"/meetings/{meeting}/active-session/kick-all"
                self._heard("kick-all", server.ask("POST", path))

    def _join(self, person: Person, server: JourneyServer) -> httpx.Response:
        entries = [{"event": "call_join", "timestamp": now_ms()}]
        body = {"peer_id": new_peer(), "seq": 1, "entries": entries}
        return server.send("/v1/collect", person.token, body)

    def _heard(self, what: str, answer: httpx.Response) -> None:
        self.answers[what, answer.status_code] += 1
        if answer.status_code >= 500:
            self.failed.append(f"{what}: {answer.status_code} {answer.text[:300]}")


def test_many_show_everybody_out_at_once(servers: list[JourneyServer], outcome: Outcome) -> None:
    crowd = Crowd(servers)
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(crowd.act, range(CALLERS)))
    told = {f"{what} {status}": count for (what, status), count in crowd.answers.items()}
    outcome.told.update(told)

    assert crowd.failed == []
    assert {status for what, status in crowd.answers if what == "join"} == {202}
    assert crowd.answers["kick-all", 200] > MEETINGS
    wait_for("the seals", lambda: servers[0].unsealed() == 0, SEALS_S)
    assert all("Traceback" not in server.log.read_text() for server in servers)
