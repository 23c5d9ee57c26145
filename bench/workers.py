"""What a second process adds: two that collect, and two that seal a backlog, against one.

There are two cores for all of it: the first process has the one, the second shares the other with
the load and, like the first, with the database. So a rate tells what this machine has left over,
and beside it stands what a batch or a seal costs: n processes on n cores of their own do n times
the work, as far as it costs no more when there are two of them.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from msgspec import Struct

from bench.calls import Call
from bench.figures import Figure, median
from bench.ingest import makes
from bench.load import Load, run_on
from bench.people import Backend
from bench.reports import tell
from bench.servers import LOAD_CORE, Credentials, Server, roomtone

GOAL = 1.8
COST_GOAL = 2 / GOAL
"""What a piece of work may cost where two do it, as a multiple of what it costs one."""
ROUNDS = 3
SESSIONS, QUICK_SESSIONS = 60, 16
MINUTES = 10.0
PEOPLE = 4
FOR_EVER = 1_000_000
WITHIN_S = 300.0
LOOK_S = 0.02
WARM_S = 4.0
"""Until the first worker leads, and DBOS is imported."""

_AGAIN = "UPDATE sessions SET sealed_at = NULL, updated_at = updated_at + 1 WHERE status = 'ENDED'"
_LEFT = "SELECT count(*) FROM sessions WHERE sealed_at IS NULL"
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND pid != %s"


class Spent(Struct, frozen=True):
    """A stretch of work."""

    pieces: int
    seconds: float
    cpu_s: list[float]
    """Of each process of ours."""
    database_s: float
    """Of PostgreSQL's processes that serve them."""
    p99_ms: float = 0.0

    @property
    def rate(self) -> float:
        """Pieces a second."""
        return self.pieces / self.seconds

    @property
    def cost_us(self) -> float:
        """Time on a core for each piece, ours alone."""
        return sum(self.cpu_s) / self.pieces * 1e6

    @property
    def database_us(self) -> float:
        """The same, of the database."""
        return self.database_s / self.pieces * 1e6


class Watch:
    """Counts what servers and their database spend."""

    def __init__(self, database: str, name: str) -> None:
        """``name``: by which the servers' connections are known to PostgreSQL."""
        self.connection = psycopg.connect(database, autocommit=True)
        self._name = name

    def of_database(self) -> dict[int, float]:
        """Seconds on a core, by process."""
        mine = self.connection.info.backend_pid
        found = self.connection.execute(_BACKENDS, (self._name, mine)).fetchall()
        return {pid: _cpu_s(pid) for (pid,) in found}

    def since(self, before: dict[int, float]) -> float:
        """Seconds on a core since then."""
        return sum(s - before.get(pid, 0.0) for pid, s in self.of_database().items())


def collecting(
    first: Server, requests: dict[str, list[bytes]], seconds: float, watch: Watch, **settings: str
) -> list[Figure]:
    """Sixteen peers as fast as they are answered, by one process and by two."""
    data = Path(settings.pop("data"))
    ones: list[Spent] = []
    twos: list[Spent] = []
    with roomtone(data, role="collect", **settings) as second:
        _move(second)
        for number in range(ROUNDS + 1):
            with second.asleep():
                one = _flooded([first], requests, seconds, 100 + number, watch)
            two = _flooded([first, second], requests, seconds, 200 + number, watch)
            if number:
                ones.append(one)
                twos.append(two)
    return _compared("two that collect", "ingest", ones, twos, None)


def _flooded(
    servers: Sequence[Server],
    requests: dict[str, list[bytes]],
    seconds: float,
    number: int,
    watch: Watch,
) -> Spent:
    before, cpu = watch.of_database(), [server.cpu_s() for server in servers]
    ports = [server.port for server in servers]
    load: Load = run_on(ports, makes(requests, seconds, number), 202)
    if load.wrong:
        raise SystemExit(f"unexpected answers {load.wrong}: {load.last!r}")
    spent = [server.cpu_s() - was for server, was in zip(servers, cpu, strict=True)]
    return Spent(load.answers, load.seconds, spent, watch.since(before), load.p(0.99))


def sealing(
    folder: Path, credentials: Credentials, watch: Watch, *, quick: bool, **settings: str
) -> list[Figure]:
    """A backlog of ended calls, which one worker seals, and then two."""
    count = QUICK_SESSIONS if quick else SESSIONS
    with roomtone(folder, silence_s=FOR_EVER, **settings) as server:
        with Backend(server, credentials) as backend:
            for number in range(count):
                people = backend.meet(PEOPLE)
                tell(server, Call(people, seed=number), MINUTES)
                backend.end(people[0].meeting_id)
        _wait_until_sealed(watch)
    found: dict[int, list[Spent]] = {1: [], 2: []}
    for _ in range(1 if quick else ROUNDS):
        for workers, spent in found.items():
            with _workers(folder, workers, settings) as running:
                spent.append(_sealed(running, watch))
    return _compared("two that seal", "seals", found[1], found[2], GOAL)


@contextmanager
def _workers(folder: Path, count: int, settings: dict[str, str]) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                roomtone(folder.with_name(f"{folder.name}-{number}"), role="work", **settings)
            )
            for number in range(count)
        ]
        for server in running[1:]:
            _move(server)
        time.sleep(WARM_S)
        yield running


def _sealed(workers: Sequence[Server], watch: Watch) -> Spent:
    before, cpu = watch.of_database(), [worker.cpu_s() for worker in workers]
    begin = time.perf_counter()
    pieces = watch.connection.execute(_AGAIN).rowcount
    watch.connection.execute("NOTIFY roomtone")
    _wait_until_sealed(watch)
    seconds = time.perf_counter() - begin
    spent = [worker.cpu_s() - was for worker, was in zip(workers, cpu, strict=True)]
    return Spent(pieces, seconds, spent, watch.since(before))


def _wait_until_sealed(watch: Watch) -> None:
    deadline = time.monotonic() + WITHIN_S
    while watch.connection.execute(_LEFT).fetchone() != (0,):
        if time.monotonic() > deadline:
            raise SystemExit(f"not sealed in {WITHIN_S:.0f} s")
        time.sleep(LOOK_S)


def _compared(
    what: str, part: str, ones: list[Spent], twos: list[Spent], goal: float | None
) -> list[Figure]:
    def middle(of: list[Spent], name: str) -> float:
        return median([getattr(spent, name) for spent in of])

    return [
        Figure(
            part=part,
            what=f"{what}, on two cores with all else",
            value=middle(twos, "rate"),
            unit="/s",
            floor=middle(ones, "rate"),
            floor_is="one",
            goal=goal,
        ),
        Figure(
            part=part,
            what="  CPU for each",
            value=middle(twos, "cost_us"),
            unit="µs",
            floor=middle(ones, "cost_us"),
            floor_is="one",
            goal=COST_GOAL,
            more_is_better=False,
        ),
        Figure(
            part=part,
            what="  CPU of PostgreSQL for each",
            value=middle(twos, "database_us"),
            unit="µs",
            floor=middle(ones, "database_us"),
            floor_is="one",
            more_is_better=False,
        ),
        *(
            Figure(
                part=part,
                what=f"  cores that {who} had",
                value=median([sum(spent.cpu_s) / spent.seconds for spent in of]),
                unit="cores",
            )
            for who, of in (("one", ones), ("two", twos))
        ),
    ]


def _move(server: Server) -> None:
    """To the other core, with all its threads."""
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {LOAD_CORE})


def _cpu_s(pid: int) -> float:
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has just ended
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
