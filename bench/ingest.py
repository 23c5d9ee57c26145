"""Durable ingest: batches accepted a second, against the same server that only decodes them."""

from pathlib import Path

from bench.figures import Figure
from bench.load import Load, Make, run, until
from bench.people import Backend, Person
from bench.recorded import CLEAN, connections, encoded, entries_at, now_ms, numbered, request
from bench.servers import Server, floor, init, roomtone
from bench.turns import in_turn

GOAL = 0.6
FLOOR = "the same server, storing nothing"
BARE = "bare Starlette, decoding only"
CONNECTIONS = 16
SNAPSHOTS = 2
"""In a batch: two whole getStats() results of a two-party call are about 25 KB."""
BODIES = 8
"""Different ones for each peer, in turn."""
ROUNDS, SECONDS = 5, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.5


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Sixteen peers as fast as they are answered."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    data = folder / "ingest"
    credentials = init(data)
    with (
        roomtone(data) as subject,
        floor("same", folder, "--data", str(data)) as same,
        floor("collect", folder) as bare,
    ):
        with Backend(subject, credentials) as backend:
            people = [person for _ in range(CONNECTIONS // 4) for person in backend.meet(4)]
        requests = {person.peer_id: bodies(person) for person in people}

        def flooding(server: Server, number: int) -> Load:
            return flood(server, requests, seconds, number)

        turns = in_turn(same, subject, flooding, rounds)
        others = in_turn(bare, subject, lambda server, n: flooding(server, rounds + n), rounds)
    size = len(next(iter(requests.values()))[0]) / 1000
    what = f"durable, {size:.0f} KB, {CONNECTIONS} connections"
    p99, floor_p99 = turns.p99_ms()
    return [
        *turns.figures("ingest", what, FLOOR, GOAL),
        Figure(
            part="ingest", what="  p99", value=p99, unit="ms", floor=floor_p99, floor_is=FLOOR,
            more_is_better=False,
        ),
        *others.figures("ingest", what, BARE, None),
    ]  # fmt: skip


def bodies(person: Person) -> list[bytes]:
    """Requests of one peer, ready but for their numbers."""
    recorded = connections(CLEAN)[0]
    made = []
    for number in range(BODIES):
        end = now_ms() - (BODIES - 1 - number) * SNAPSHOTS * 1_000
        entries = entries_at(recorded, number * SNAPSHOTS, SNAPSHOTS, end)
        made.append(request("/v1/collect", person.token, encoded(person.peer_id, entries)))
    return made


def flood(server: Server, requests: dict[str, list[bytes]], seconds: float, start: int) -> Load:
    """Every peer posts as fast as it is answered."""
    return run(server.port, makes(requests, seconds, start), 202)


def makes(requests: dict[str, list[bytes]], seconds: float, start: int) -> list[Make]:
    """What each peer sends in so many seconds. ``start``: of the numbers, another for each call."""
    return [until(seconds, numbered(of_peer, start * 1_000_000)) for of_peer in requests.values()]
