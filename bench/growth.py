"""How costs grow with the people in one session, and with people in many.

Peers report every five seconds. Of each figure the cost *for each peer* counts, against that among
100: a straight line has a ratio of 1. All are CPU times of the server's process, so that others on
the machine change little.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from bench.crowd import EVERY_S, Member
from bench.figures import Figure
from bench.load import Make, run_paced
from bench.people import Backend, Person
from bench.reports import DATABASE, FOR_EVER, path_of
from bench.servers import Server, init, roomtone

SIZES = (1, 10, 100, 1_000, 5_000)
QUICK_SIZES = (100, 1_000)
BASE = 100
"""Peers at least, in as many sessions as that takes: of fewer there is nothing to measure."""
FOURS = 4
GOAL = 1.5
"""Times the cost for each peer at 100: what a cache loses and a logarithm adds."""
PAGES, REPORTS = 40, 8
UNSEALED = "SELECT count(*) FROM sessions WHERE sealed_at IS NULL"
POLL_S = 0.05
PATIENCE_S = 900.0
JOINS_A_S = 250
BUSY = b"HTTP/1.1 503 Service Unavailable"
REST_S = 2.0
"""After the last batch: signs of life are worked through once a second."""
IDLE_S = 5.0


class Cost(Struct, frozen=True, kw_only=True):
    """What a crowd cost, ms of CPU unless it says otherwise."""

    peers: int
    join: float
    """For each peer, from its request to rows that are true."""
    settle_s: float
    """From the last answer until the rows are true; by the clock on the wall."""
    batch: float
    """For each batch of somebody who is there."""
    page: float
    """A page of 25 of the participants."""
    first_report: float
    """The first report of somebody in a LIVE session, for each peer of that session."""
    report: float
    """Another one."""
    seal: float
    """For each peer, from the end of the sessions to stored reports."""
    seal_mb: float
    """By how much the process grows meanwhile."""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """One session of so many, and as many in sessions of four."""
    sizes = QUICK_SIZES if quick else SIZES
    one = {size: _crowd(folder / f"one-{size}", max(size, BASE), size) for size in sizes}
    spread = {size: _crowd(folder / f"fours-{size}", size, FOURS) for size in sizes if size >= BASE}
    figures: list[Figure] = []
    for costs, where in ((one, "in one session"), (spread, "in fours")):
        for size, cost in costs.items():
            figures += _lines(cost, costs[BASE], f"{size:,} {where}")
    return figures


def _lines(cost: Cost, base: Cost, what: str) -> list[Figure]:
    def told(name: str, value: float, base_value: float, unit: str, goal: float | None) -> Figure:
        return Figure(
            part="growth",
            what=f"{what}: {name}",
            value=value,
            unit=unit,
            floor=base_value,
            floor_is=f"at {BASE}",
            goal=goal if cost.peers > BASE else None,
            more_is_better=False,
        )

    return [
        told("a join", cost.join, base.join, "ms", GOAL),
        told("a batch", cost.batch, base.batch, "ms", GOAL),
        told("a seal, for each peer", cost.seal, base.seal, "ms", GOAL),
        told("a live report, for each peer", cost.first_report, base.first_report, "ms", GOAL),
        told("another live report", cost.report, base.report, "ms", None),
        told("a page of participants", cost.page, base.page, "ms", None),
        told("rows true after the last join", cost.settle_s, base.settle_s, "s", None),
        told("memory of sealing", cost.seal_mb, base.seal_mb, "MB", None),
    ]


def _crowd(data: Path, peers: int, size: int) -> Cost:
    credentials = init(data)
    with roomtone(data, silence_s=FOR_EVER) as server, Backend(server, credentials) as backend:
        calls = [backend.meet(size) for _ in range(peers // size)]
        crowd = [Member(number, people) for people in calls for number in range(len(people))]
        watch = _Watch(server)
        joins = [member.joining() for member in crowd]
        with watch.cost() as join:
            came = _tell(server, joins, max(EVERY_S, peers / JOINS_A_S))
            answered = time.perf_counter()
            _wait(lambda: _there(data) == came)
            settle_s = time.perf_counter() - answered
        reports = [member.reporting() for member in crowd]
        with watch.cost() as batches:
            taken = _tell(server, reports, EVERY_S)
            time.sleep(REST_S)
        listed = f"/sessions/{_session_id(backend, calls[0])}/participants"
        with watch.cost() as pages:
            for _ in range(PAGES):
                _got(backend, listed)
        asked = [path_of(one.peer_id) for one in (calls[0] * REPORTS)[: REPORTS + 1]]
        with watch.cost() as first:
            _got(backend, asked[0])
        with watch.cost() as more:
            for path in asked[1:]:
                _got(backend, path)
        server.forget_peak()
        small = server.memory_mb()
        with watch.cost() as seal:
            for people in calls:
                backend.end(people[0].meeting_id)
            _wait(lambda: _asked(data, UNSEALED) == 0)
        return Cost(
            peers=peers,
            join=join.ms / came,
            settle_s=settle_s,
            batch=batches.ms / taken,
            page=pages.ms / PAGES,
            first_report=first.ms / size,
            report=more.ms / REPORTS,
            seal=seal.ms / peers,
            seal_mb=server.peak_mb() - small,
        )


class _Spent:
    """ms of processor time, known once it is over."""

    ms = 0.0


class _Watch:
    """Looks at what a server does beyond what it does when nothing is asked of it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle = 0.0
        with self.cost() as idle:
            time.sleep(IDLE_S)
        self._idle = idle.ms / IDLE_S

    @contextmanager
    def cost(self) -> Iterator[_Spent]:
        """Of what is done within."""
        spent = _Spent()
        cpu, begun = self._server.cpu_s(), time.perf_counter()
        yield spent
        took = time.perf_counter() - begun
        spent.ms = max(0.0, (self._server.cpu_s() - cpu) * 1_000 - took * self._idle)


def _tell(server: Server, makes: Sequence[Make], every_s: float) -> int:
    """How many were accepted: a busy machine refuses a few, which clients would send again."""
    load = run_paced(server.port, makes, every_s, wait_s=PATIENCE_S)
    if set(load.wrong) - {BUSY}:
        raise SystemExit(f"growth: unexpected answers {load.wrong}: {load.last!r}")
    return load.answers - sum(load.wrong.values())


def _there(data: Path) -> int:
    return _asked(data, "SELECT COALESCE(SUM(live_participants), 0) FROM sessions")


def _asked(data: Path, question: str) -> int:
    """A number that the database file tells."""
    with closing(sqlite3.connect(data / DATABASE)) as rows:
        return int(rows.execute(question).fetchone()[0])


def _session_id(backend: Backend, people: Sequence[Person]) -> str:
    path = f"/sessions?associated_id={people[0].meeting_id}"
    return str(backend.ask("GET", path)["sessions"][0]["id"])


def _got(backend: Backend, path: str) -> None:
    backend.get(path).raise_for_status()


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"growth: not done within {PATIENCE_S:.0f} s")
        time.sleep(POLL_S)
