"""A sealed peer report, against a bare server that returns the same bytes."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import httpx

from bench.calls import Call
from bench.figures import Figure
from bench.load import Load, each, run, until
from bench.people import Backend, Person
from bench.recorded import now_ms
from bench.servers import HOST, Credentials, Server, floor, init, roomtone
from bench.turns import Flood, in_turn

GOAL = 0.8
CONNECTIONS = 16
PEOPLE = 4
MINUTES = 10.0
ROUNDS, SECONDS = 5, 2.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
SEALED_WITHIN_S = 60.0
POLL_S = 0.1
WAIT_S = 30.0
DATABASE = "roomtone.db"
COPIES, QUICK_COPIES = 5_000, 2_000
FOR_EVER = 1_000_000
"""Seconds of silence: a call that is told afterwards would count as silent at once."""
SDK_HEADERS = {
    "accept": "application/json",
    "user-agent": "AsyncCloudflare/Python 5.9.0",
    "x-stainless-lang": "python",
    "x-stainless-package-version": "5.9.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "CPython",
    "x-stainless-runtime-version": "3.11.9",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "60",
    "api-version": "2026-11-22",
}


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """With gzip, as every SDK asks for it, and without."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    data = folder / "reports"
    credentials = init(data)
    figures: list[Figure] = []
    with roomtone(data, silence_s=FOR_EVER) as subject:
        with Backend(subject, credentials) as backend:
            people = backend.meet(PEOPLE)
            tell(subject, Call(people, seed=1), MINUTES)
            backend.end(people[0].meeting_id)
            wait_until_sealed(backend, people)
        one = people[0].peer_id
        many = _copied(data / DATABASE, one, QUICK_COPIES if quick else COPIES)
        for what, encoding, peer_ids, goal in (
            # Stricter than the goal, which speaks of one report: nobody could remember these.
            (f"{len(many):,} in turn", "gzip", many, None),
            ("one again and again", "gzip", [one], GOAL),
            ("one, inflated", "identity", [one], None),
        ):
            questions = [asking(credentials, peer_id, encoding) for peer_id in peer_ids]
            body = run(subject.port, [each(questions[:1])]).last.partition(b"\r\n\r\n")[2]
            file = folder / f"report-{encoding}"
            file.write_bytes(body)
            said = ["--file", str(file), "--copies", str(len(peer_ids))]
            said += ["--plain"] if encoding == "identity" else []
            with floor("report", folder, *said) as bare:
                turns = in_turn(bare, subject, _flooding(questions, seconds), rounds)
            size = f"{what}, {len(body) / 1000:.0f} KB {encoding}"
            figures += turns.figures("reports", size, "bare, same bytes", goal)
    return figures


def _flooding(questions: list[bytes], seconds: float) -> Flood:
    turn = cycle(questions)

    def flood(server: Server, _: int) -> Load:
        return run(server.port, [until(seconds, lambda: next(turn)) for _ in range(CONNECTIONS)])

    return flood


def _copied(database: Path, peer_id: str, count: int) -> list[str]:
    """Copies of a sealed session, four peers each, under other names; the peer ids.

    Whoever reads reports reads each of them once: what the server may remember of the one it has
    just sent must not be all that is measured.
    """
    names = [{"peer_id": str(uuid4()), "subject": uuid4().bytes} for _ in range(count)]
    for first in range(0, count, PEOPLE):
        session_id = str(uuid4())
        for name in names[first : first + PEOPLE]:
            name["session_id"] = session_id
    with closing(sqlite3.connect(database, timeout=WAIT_S)) as conn, conn:
        found = conn.execute("SELECT session_id FROM peers WHERE peer_id = ?", (peer_id,))
        (session_id,) = found.fetchone()
        sessions = [{"id": name["session_id"]} for name in names[::PEOPLE]]
        _copy(conn, "sessions", "id", session_id, sessions)
        _copy(conn, "peers", "peer_id", peer_id, names)
        _copy(conn, "reports", "peer_id", peer_id, names)
    return [str(name["peer_id"]) for name in names]


def _copy(
    conn: sqlite3.Connection, table: str, key: str, of: str, names: Sequence[Mapping[str, object]]
) -> None:
    """Insert the row again under each of the names; a number that counts up is left to count."""
    columns = [c for _, c, *_ in conn.execute(f"PRAGMA table_info({table})") if c != "ordinal"]
    values = ", ".join(f":{c}" if c in names[0] else c for c in columns)
    conn.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}"  # noqa: S608
        f" WHERE {key} = :of",
        ({**name, "of": of} for name in names),
    )


def asking(credentials: Credentials, peer_id: str, encoding: str) -> bytes:
    """The SDK's request for a peer report, as bytes."""
    lines = [
        f"GET {credentials.api}{path_of(peer_id)} HTTP/1.1",
        f"host: {HOST}",
        f"accept-encoding: {encoding}",
        f"authorization: Bearer {credentials.api_token}",
        *(f"{name}: {value}" for name, value in SDK_HEADERS.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def path_of(peer_id: str) -> str:
    """Below the app."""
    return f"/sessions/peer-report/{peer_id}"


def tell(server: Server, call: Call, minutes: float) -> None:
    """Post a whole call that ends now; each person on a connection of their own."""
    by_person: dict[int, list[bytes]] = {}
    for number, post in call.posts(now_ms(), minutes):
        by_person.setdefault(number, []).append(post)
    load = run(server.port, [each(posts) for posts in by_person.values()], 202)
    if load.wrong:
        raise SystemExit(f"a call was not taken: {load.wrong}: {load.last!r}")


def wait_until_sealed(backend: Backend, people: list[Person]) -> None:
    """Only what is stored is served as gzip: that tells."""
    deadline = time.monotonic() + SEALED_WITHIN_S
    waiting = list(people)
    while waiting:
        answer: httpx.Response = backend.get(path_of(waiting[0].peer_id))
        if answer.status_code == 200 and answer.headers.get("content-encoding") == "gzip":
            waiting.pop(0)
        elif time.monotonic() > deadline:
            raise SystemExit(f"not sealed in {SEALED_WITHIN_S:.0f} s: {answer.text[:400]}")
        else:
            time.sleep(POLL_S)
