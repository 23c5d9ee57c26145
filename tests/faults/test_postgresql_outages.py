"""PostgreSQL is stopped and started again, and fails over to its standby, under load.

With the journal in JetStream collecting goes on meanwhile; with the journal in PostgreSQL senders
are told to keep what they have. Either way nothing is lost or doubled, and nobody need do anything.
"""

import random
import signal
import time
from collections.abc import Iterator

import pytest
from callers import Doors
from fleet import Fleet
from journey_server import wait_for
from ledger import Load
from outcome import LONG, Outcome
from postgres_pair import PostgresPair

from own_servers import OwnNats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
]

RESTARTS = 15 if LONG else 2
FAILOVERS = 5 if LONG else 1
WAYS = (signal.SIGINT, signal.SIGKILL, signal.SIGQUIT)
DOWN_S = 3.0
FELT_S = 30
"""How long an outage may be felt once the database answers again: clients come back after 5 s."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresPair]:
    """A primary and its standby."""
    running = PostgresPair(tmp_path_factory.mktemp("pair"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnNats]:
    """One JetStream."""
    running = OwnNats(tmp_path_factory.mktemp("nats")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module", params=["jetstream", "postgresql"])
def fleet(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    pair: PostgresPair,
    nats: OwnNats,
) -> Iterator[Fleet]:
    """Each role, with either journal, each in a schema of its own."""
    schema = f"journal_{request.param}"
    pair.primary.run(f"CREATE SCHEMA {schema}")
    url = f"{pair.url}&options=-csearch_path%3D{schema}"
    places = {"journal": nats.url} if request.param == "jetstream" else {}
    running = Fleet(tmp_path_factory.mktemp("fleet"), url, **places)
    for role in ("collect", "collect", "work"):
        running.add(role)
    yield running
    running.stop()


def loaded(fleet: Fleet, outcome: Outcome) -> Load:
    """Callers at the doors of both collectors."""
    return Load(fleet.api, Doors([one for one in fleet.servers if one.role == "collect"]), outcome)


def everybody_is_back(fleet: Fleet) -> bool:
    """Whether every process has told of the end of every outage that it told of."""
    return len(fleet.events("PostgreSQL is back")) == len(fleet.events("PostgreSQL is away"))


def through_outage(fleet: Fleet, load: Load) -> None:
    """What goes on while the database is away: batches if the journal is elsewhere, else 503s."""
    if fleet.journal:
        load.wait_for_more(50)
    else:
        asked = load.asked_to_wait()
        wait_for("senders to be told to wait", lambda: load.asked_to_wait() > asked)
    refused = fleet.api.ask("GET", "/sessions")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]


def told_away(fleet: Fleet) -> int:
    """How often any process has told that the database is away."""
    return len(fleet.events("PostgreSQL is away"))


def check_log(fleet: Fleet, outages: int, before: int) -> None:
    """Every process told of every outage, of what to do, and of its end; ``before`` them, so many
    were told of."""
    wait_for("every process to be back", lambda: everybody_is_back(fleet))
    away = fleet.events("PostgreSQL is away")
    assert len(away) - before >= outages * len(fleet.servers)
    assert all(one["hint"] for one in away)
    assert fleet.surprises() == []


def test_postgresql_is_stopped_and_started_again_under_load(
    fleet: Fleet, pair: PostgresPair, outcome: Outcome
) -> None:
    dice = random.Random(73)
    felt, told = [], told_away(fleet)
    load = loaded(fleet, outcome)
    with load:
        load.wait_for_more(50)
        for number in range(1, RESTARTS + 1):
            pair.primary.stop(WAYS[number % len(WAYS)])
            outcome.add(faults=1)
            through_outage(fleet, load)
            time.sleep(dice.uniform(0, DOWN_S))
            pair.primary.start()
            back = time.monotonic()
            load.wait_for_more(100)
            felt.append(load.longest_pause_s(back))
            load.end_call()
            outcome.progress(f"restart {number} of {RESTARTS}; accepted {load.taken():,}")
    outcome.told["longest_pause_s"] = round(max(felt), 1)
    load.settle()
    load.check()
    assert max(felt) < FELT_S
    check_log(fleet, RESTARTS, told)


def test_postgresql_fails_over_to_its_standby_under_load(
    fleet: Fleet, pair: PostgresPair, outcome: Outcome
) -> None:
    felt, told = [], told_away(fleet)
    load = loaded(fleet, outcome)
    with load:
        load.wait_for_more(50)
        for number in range(1, FAILOVERS + 1):
            began = time.monotonic()
            pair.fail_over()
            outcome.add(faults=1)
            load.wait_for_more(100)
            load.end_call()
            felt.append(load.longest_pause_s(began))
            pair.repair()
            load.keep_going()
            load.wait_for_more(50)
            outcome.progress(
                f"failover {number} of {FAILOVERS}, felt {felt[-1]:.1f} s, "
                f"accepted {load.taken():,}"
            )
    outcome.told["longest_pause_s"] = round(max(felt), 1)
    load.settle()
    load.check()
    assert max(felt) < FELT_S
    check_log(fleet, FAILOVERS, told)
