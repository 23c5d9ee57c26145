"""kill -9 of processes of any role, at random, under load: nothing accepted is lost or doubled."""

import random
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from callers import Doors
from fleet import Fleet, FleetServer
from journey_server import told, wait_for
from ledger import Load
from outcome import LONG, Outcome

from own_servers import OwnNats, OwnPostgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("own-servers"),
]

KILLS = 100 if LONG else 4
A_CALL = 5 if LONG else 2
"""Kills while a call goes on; then it ends, and is sealed while the next ones happen."""
DOWN_S = 1.5
"""For at most so long a process stays away."""
CAUGHT = 0.5
"""The share of kills that wait for their victim to be in the middle of something."""
BUSY_S = 4.0
"""At most so long."""
FELT_S = 30
BEGUN = (
    "SELECT count(*) FROM roomtone_jobs.workflow_status "
    "WHERE status = 'PENDING' AND executor_id = %s"
)
"""What a worker has begun and not finished: DBOS's rows."""


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


def worker_of(fleet: Fleet, victim: FleetServer) -> str | None:
    """As whom it works, once it has joined the others: one that dies before leaves nothing."""
    joined = (str(row[0]) for row in fleet.api.rows("SELECT id FROM workers"))
    return next((one for one in joined if f"-{victim.pid}-" in one), None)


def begun(jobs: psycopg.Connection, worker: str | None) -> bool:
    """Whether it has work that it has not finished."""
    row = jobs.execute(BEGUN, (worker,)).fetchone()
    return row is not None and row[0] > 0


def catch_at_work(
    jobs: psycopg.Connection, load: Load, victim: FleetServer, worker: str | None
) -> None:
    """Wait for a request at its door, or for work that it has begun, if there is any soon."""
    if victim.role == "work":
        load.end_call()  # to be sealed by somebody
    ends = time.monotonic() + BUSY_S
    while time.monotonic() < ends:
        if begun(jobs, worker) if victim.role == "work" else load.asks(victim):
            return
        time.sleep(0.001)


def test_processes_of_any_role_are_killed_at_random_under_load(
    fleet: Fleet, outcome: Outcome
) -> None:
    dice = random.Random(71)
    doors = Doors([one for one in fleet.servers if one.role in ("collect", "all")])
    workers_killed: list[str] = []
    hit = Counter[str]()
    load = Load(fleet.api, doors, outcome)
    began = time.monotonic()
    with psycopg.connect(fleet.database, autocommit=True) as jobs, load:
        load.wait_for_more(20)
        for number, victim in enumerate(order_of(fleet, dice), 1):
            worker = worker_of(fleet, victim)
            if victim.role != "api" and dice.random() < CAUGHT:
                catch_at_work(jobs, load, victim, worker)
            killed = time.monotonic()
            victim.kill()
            outcome.add(faults=1)
            if worker is not None:
                workers_killed.append(worker)
                hit["work"] += begun(jobs, worker)
            time.sleep(dice.uniform(0, DOWN_S))
            victim.launch()
            victim.listen()
            hit["requests"] += load.cut_off_at(killed)
            if number % A_CALL == 0:
                load.end_call()
                # It is sealed some 1.5 s later: a worker dies before, in the middle of it, after.
                time.sleep(dice.uniform(0, 2.5))
            outcome.progress(f"kill {number} of {KILLS}, {victim.role}, accepted {load.taken():,}")
            load.keep_going()
            load.wait_for_more(5)
        felt = load.longest_pause_s(began)
    outcome.told.update(longest_pause_s=round(felt, 1), kills_under=dict(hit))
    for server in fleet.servers:
        server.wait_until_healthy()
    load.settle()
    load.check()
    assert felt < FELT_S
    # A few kills may all come between two batches; a hundred do not.
    assert min(hit["requests"], hit["work"]) > 0 or not LONG, "no kill came in the middle of it"

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
