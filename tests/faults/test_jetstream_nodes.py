"""Nodes of JetStream are killed under load, its leader first: what two of three have is kept."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from callers import Doors
from fleet import Fleet
from journey_server import wait_for
from ledger import Load
from nats_cluster import NatsCluster
from outcome import LONG, Outcome

from own_servers import OwnPostgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
]

LEADERS = 20 if LONG else 1
MINORITIES = 5 if LONG else 1
FELT_S = 30
"""A leader that dies is replaced within 6 s, and a client that was refused comes back after 5."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    """Three nodes."""
    running = NatsCluster(tmp_path_factory.mktemp("nats"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, cluster: NatsCluster) -> Iterator[Fleet]:
    """Each role, over three copies."""
    postgres = OwnPostgres(tmp_path_factory.mktemp("postgres")).start()
    running = Fleet(
        tmp_path_factory.mktemp("fleet"), postgres.url, journal=cluster.url, journal_replicas=3
    )
    for role in ("collect", "collect", "work"):
        running.add(role)
    yield running
    running.stop()
    postgres.stop()


def loaded(fleet: Fleet, outcome: Outcome) -> Load:
    """Callers at the doors of both collectors."""
    return Load(fleet.api, Doors([one for one in fleet.servers if one.role == "collect"]), outcome)


def troubles(fleet: Fleet) -> list[dict[str, Any]]:
    """What the log tells of JetStream's being away."""
    return [*fleet.events("NATS is away"), *fleet.events("a batch could not be stored")]


def check_log(fleet: Fleet, before: int) -> None:
    """Since there were so many troubles, it has told of more, and what to do."""
    told = troubles(fleet)
    assert len(told) > before
    assert all("NATS" in one["hint"] for one in told)
    assert fleet.surprises() == []


def test_the_leader_of_the_stream_is_killed_under_load(
    fleet: Fleet, cluster: NatsCluster, outcome: Outcome
) -> None:
    dice = random.Random(72)
    felt, told = [], len(troubles(fleet))
    load = loaded(fleet, outcome)
    with load:
        load.wait_for_more(50)
        for number in range(1, LEADERS + 1):
            leader = cluster.leader()
            killed = time.monotonic()
            cluster.nodes[leader].stop()
            outcome.add(faults=1)
            load.wait_for_more(100)
            felt.append(load.longest_pause_s(killed))
            assert cluster.leader() != leader
            load.end_call()
            time.sleep(dice.uniform(0, 1))
            cluster.nodes[leader].start()
            wait_for("three whole copies", cluster.whole, 60)
            load.keep_going()
            load.wait_for_more(50)
            outcome.progress(
                f"leader {number} of {LEADERS} killed and started again, felt {felt[-1]:.1f} s, "
                f"accepted {load.taken():,}"
            )
    outcome.told["longest_pause_s"] = round(max(felt), 1)
    load.settle()
    load.check()
    assert max(felt) < FELT_S
    check_log(fleet, told)


def test_without_a_majority_nothing_is_accepted_until_there_is_one(
    fleet: Fleet, cluster: NatsCluster, outcome: Outcome
) -> None:
    felt, told = [], len(troubles(fleet))
    load = loaded(fleet, outcome)
    with load:
        load.wait_for_more(50)
        for number in range(1, MINORITIES + 1):
            asked = load.asked_to_wait()
            leader = cluster.leader()
            down = [leader, next(name for name in cluster.nodes if name != leader)]
            for name in down:
                cluster.nodes[name].stop()
                outcome.add(faults=1)
            wait_for("senders to be told to wait", lambda asked=asked: load.asked_to_wait() > asked)
            for name in down:
                cluster.nodes[name].start()
            back = time.monotonic()
            load.wait_for_more(100)
            felt.append(load.longest_pause_s(back))
            load.end_call()
            wait_for("three whole copies", cluster.whole, 60)
            outcome.progress(
                f"two of three killed, {number} of {MINORITIES}, felt {felt[-1]:.1f} s, "
                f"accepted {load.taken():,}"
            )
    outcome.told["longest_pause_s"] = round(max(felt), 1)
    load.settle()
    load.check()
    assert outcome.counts["refused"] > 0
    assert max(felt) < FELT_S
    check_log(fleet, told)
