"""Deploys roll under load: every process is replaced, one after another, and no request is lost."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from callers import Doors
from fleet import Fleet, FleetServer
from journey_server import JourneyServer, wait_for
from ledger import Load
from outcome import LONG, Outcome

from own_servers import OwnNats, OwnPostgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
]

DEPLOYS = 10 if LONG else 1
DRAIN_S = 2
LOOK_S = 0.25


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two of every role, of the version before."""
    postgres = OwnPostgres(tmp_path_factory.mktemp("postgres")).start()
    nats = OwnNats(tmp_path_factory.mktemp("nats")).start()
    folder = tmp_path_factory.mktemp("fleet")
    running = Fleet(folder, postgres.url, journal=nats.url, drain_s=DRAIN_S)
    for role in ("api", "collect", "collect", "work", "work"):
        running.add(role)
    yield running
    running.stop()
    nats.stop()
    postgres.stop()


class Balancer(Doors):
    """Sends to those who say that they are ready; asks them as often as a balancer does."""

    def __init__(self, servers: list[JourneyServer]) -> None:
        super().__init__(servers)
        self._ready = list(servers)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def pick(self, dice: random.Random) -> str:
        """host:port of one that was ready when it was last asked."""
        return dice.choice(self._ready).url.removeprefix("http://")

    def sends_to(self, server: JourneyServer) -> bool:
        """Whether it may be picked."""
        return server in self._ready

    def close(self) -> None:
        """Stop asking."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with httpx.Client(timeout=5) as client:
            while not self._over.wait(LOOK_S):
                self._ready = [one for one in list(self.servers) if self._is_ready(client, one)]

    def _is_ready(self, client: httpx.Client, server: JourneyServer) -> bool:
        try:
            return client.get(f"{server.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


class Reader:
    """Reads the list of sessions again and again, through a balancer; counts what it is told."""

    def __init__(self, api: FleetServer, balancer: Balancer) -> None:
        self.heard: Counter[str] = Counter()
        self._api = api
        self._balancer = balancer
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        dice = random.Random(74)
        path = self._api.base.removeprefix(self._api.url)
        headers = {"authorization": f"Bearer {self._api.api_token}"}
        with httpx.Client(timeout=30, headers=headers) as client:
            while not self._over.wait(0.02):
                url = f"http://{self._balancer.pick(dice)}{path}/sessions"
                try:
                    self.heard[str(client.get(url).status_code)] += 1
                except httpx.TransportError as error:
                    self.heard[type(error).__name__] += 1


def replace(fleet: Fleet, old: FleetServer, balancer: Balancer | None) -> FleetServer:
    """Start a new one, send to it, and end the old one by SIGTERM."""
    new = fleet.add(old.role)
    if balancer is not None:
        balancer.servers.append(new)
        wait_for("the balancer to send to the new one", lambda: balancer.sends_to(new))
    leaving = threading.Thread(target=old.stop)
    leaving.start()
    if balancer is not None:
        wait_for("the balancer to send elsewhere", lambda: not balancer.sends_to(old))
        balancer.servers.remove(old)
    leaving.join()
    return new


def test_every_process_is_replaced_under_load_and_no_request_is_lost(
    fleet: Fleet, outcome: Outcome
) -> None:
    running = list(fleet.servers)
    doors = Balancer([one for one in running if one.role == "collect"])
    desks = Balancer([one for one in running if one.role == "api"])
    load = Load(fleet.api, doors, outcome)
    try:
        began = time.monotonic()
        with Reader(fleet.api, desks) as reader, load:
            load.wait_for_more(50)
            for number in range(1, DEPLOYS + 1):
                for place, old in enumerate(running):
                    balancer = {"collect": doors, "api": desks}.get(old.role)
                    running[place] = replace(fleet, old, balancer)
                    load.api = next(one for one in running if one.role == "api")
                    outcome.add(faults=1)
                    load.keep_going()
                    load.wait_for_more(10)
                load.end_call()
                time.sleep(1)
                outcome.progress(f"deploy {number} of {DEPLOYS}; accepted {load.taken():,}")
            outcome.told["longest_pause_s"] = round(load.longest_pause_s(began), 1)
        load.settle()
        load.check()
    finally:
        doors.close()
        desks.close()
    # Not one connection broke under a request, and nobody was asked to wait.
    assert sum(caller.broken for caller in load.callers) == 0
    assert outcome.counts["refused"] == 0
    assert set(reader.heard) == {"200"}
    outcome.told["reads"] = reader.heard["200"]
    assert len(fleet.events("stopped in order")) == 6 * DEPLOYS
    assert fleet.surprises() == []
