"""Resident memory while a thousand peers report."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure
from bench.load import run_paced
from bench.people import Backend, Person
from bench.recorded import CLEAN, Connection, connections, encoded, entries_at, now_ms, request
from bench.servers import init, roomtone

GOAL_MB = 150.0
PEERS, IN_A_MEETING = 1_000, 4
EVERY_S = 5.0
REPORTS, QUICK_REPORTS = 6, 3
LOOK_EVERY_S = 0.5
SETTLED_S = 3.0
"""By then the queue for background work is open, and no longer an import to come."""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Each peer sends a snapshot of four streams every 5 s; the largest of many looks counts."""
    data = folder / "memory"
    credentials = init(data)
    reports = QUICK_REPORTS if quick else REPORTS
    recorded = connections(CLEAN)[0]
    with roomtone(data) as server:
        time.sleep(SETTLED_S)
        idle = server.memory_mb()
        with Backend(server, credentials) as backend:
            meetings = PEERS // IN_A_MEETING
            people = [person for _ in range(meetings) for person in backend.meet(IN_A_MEETING)]
        looks: list[float] = []
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_EVERY_S):
                looks.append(server.memory_mb())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            makes = [_reporting(person, recorded, reports) for person in people]
            load = run_paced(server.port, makes, EVERY_S)
        finally:
            over.set()
            watcher.join()
    if load.wrong:
        raise SystemExit(f"memory: unexpected answers {load.wrong}: {load.last!r}")
    return [
        Figure(
            part="memory",
            what=f"{PEERS:,} peers, every {EVERY_S:.0f} s, p99 {load.p(0.99):.0f} ms",
            value=max(looks),
            unit="MB",
            goal=GOAL_MB,
            more_is_better=False,
        ),
        Figure(part="memory", what="  before that", value=idle, unit="MB"),
    ]


def _reporting(person: Person, recorded: Connection, reports: int) -> Callable[[], bytes | None]:
    said = 0

    def make() -> bytes | None:
        nonlocal said
        if said == reports:
            return None
        said += 1
        entries = entries_at(recorded, said * 4, 1, now_ms())
        body = encoded(person.peer_id, entries, said)
        return request("/v1/collect", person.token, body)

    return make
