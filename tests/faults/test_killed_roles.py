"""kill -9 of processes of any role, at random, under load: nothing accepted is lost or doubled."""

import random
import time
from collections.abc import Iterator

import pytest
from fleet import Fleet, FleetServer
from journey_server import told, wait_for
from ledger import Doors, Load
from outcome import LONG, Outcome

from own_servers import OwnNats, OwnPostgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
    pytest.mark.xdist_group("faults"),
]

KILLS = 100 if LONG else 4
A_CALL = 5 if LONG else 2
"""Kills while a call goes on; then it ends, and is sealed while the next ones happen."""
DOWN_S = 1.5
"""For at most so long a process stays away."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One or two of every role."""
    postgres = OwnPostgres(tmp_path_factory.mktemp("postgres")).start()
    nats = OwnNats(tmp_path_factory.mktemp("nats")).start()
    running = Fleet(tmp_path_factory.mktemp("fleet"), postgres.url, journal=nats.url)
    for role in ("collect", "collect", "work", "work", "all"):
        running.add(role)
    yield running
    running.stop()
    nats.stop()
    postgres.stop()


def order_of(fleet: Fleet, dice: random.Random) -> list[FleetServer]:
    """Whom to kill: every role has its turn, in no order that could be lucky."""
    roles = sorted({server.role for server in fleet.servers})
    turns = [role for _ in range(KILLS) for role in dice.sample(roles, len(roles))]
    return [
        dice.choice([one for one in fleet.servers if one.role == role]) for role in turns[:KILLS]
    ]


def test_processes_of_any_role_are_killed_at_random_under_load(
    fleet: Fleet, outcome: Outcome
) -> None:
    dice = random.Random(71)
    doors = Doors([one for one in fleet.servers if one.role in ("collect", "all")])
    workers_killed: list[str] = []
    load = Load(fleet.api, doors, outcome)
    with load:
        load.wait_for_more(20)
        for number, victim in enumerate(order_of(fleet, dice), 1):
            # One that dies before it has joined the others leaves nothing to take over.
            joined = [row[0] for row in fleet.api.rows("SELECT id FROM workers")]
            workers_killed += [one for one in joined if f"-{victim.pid}-" in one]
            victim.kill()
            outcome.add(faults=1)
            time.sleep(dice.uniform(0, DOWN_S))
            victim.launch()
            victim.listen()
            if number % A_CALL == 0:
                load.end_call()
                # It is sealed some 1.5 s later: a worker dies before, in the middle of it, after.
                time.sleep(dice.uniform(0, 2.5))
            outcome.progress(f"kill {number} of {KILLS}, {victim.role}, accepted {load.taken():,}")
            load.keep_going()
            load.wait_for_more(5)
    for server in fleet.servers:
        server.wait_until_healthy()
    load.settle()
    load.check()
    # A few kills may all come between two batches; a hundred do not.
    assert outcome.counts["sent_again"] > 0 or not LONG, "no kill came in the middle of anything"

    # The operator's log: every start, and of every worker that its work went to another.
    assert len(fleet.events("started")) == len(fleet.servers) + KILLS

    def all_told() -> bool:
        gone = {one["worker"] for one in fleet.events("a worker is gone") if not one["in_peace"]}
        return gone >= set(workers_killed)

    wait_for("the log to name every worker that died", all_told)
    assert fleet.surprises() == []
    # And the journal says the same as what was stored of it.
    data, places = fleet.api.data, {"database": fleet.database, "journal": fleet.journal}
    assert told("rebuild", "--data", data, **places)["changed"] == 0
