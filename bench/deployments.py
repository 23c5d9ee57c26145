"""Ingest and seals where several processes share the work: on PostgreSQL, and on JetStream.

PostgreSQL is the one that the tests use; NATS is started here, so that nothing of others is in the
stream. A line is left out where one is not there. They run on the same machine as Roomtone, so the
figures tell what a small deployment does on two cores.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from bench.figures import Figure
from bench.ingest import CONNECTIONS, FLOOR, GOAL, bodies, flood
from bench.load import Load
from bench.people import Backend
from bench.servers import HOST, Server, floor, free_port, init, roomtone
from bench.turns import in_turn
from bench.workers import Watch, collecting, sealing

POSTGRESQL = os.environ.get(
    "ROOMTONE_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
ROUNDS, SECONDS = 5, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.5
NATS_SERVER = "nats-server"
STARTS_WITHIN_S = 20.0


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Sixteen peers as fast as they are answered, by one process and two; then a backlog."""
    if not answers(POSTGRESQL, 5432):
        return []
    with schema() as database:
        found = _ingest(folder, "PostgreSQL", database, "", quick=quick)
    if shutil.which(NATS_SERVER):
        with _nats(folder / "nats") as journal, schema() as database:
            found += _ingest(folder, "PostgreSQL, JetStream", database, journal, quick=quick)
    with schema() as database:
        data = folder / "sealing"
        credentials = init(data, database=database)
        watch = Watch(database, _name_of(database))
        found += sealing(data, credentials, watch, quick=quick, database=database)
    return found


def _ingest(folder: Path, name: str, database: str, journal: str, *, quick: bool) -> list[Figure]:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    data = folder / name.lower().replace(", ", "-")
    settings = {"database": database, "journal": journal}
    credentials = init(data, **settings)
    with (
        roomtone(data, **settings) as subject,
        floor("same", folder, "--data", str(data), "--database", database) as same,
    ):
        with Backend(subject, credentials) as backend:
            people = [person for _ in range(CONNECTIONS // 4) for person in backend.meet(4)]
        requests = {person.peer_id: bodies(person) for person in people}

        def flooding(server: Server, number: int) -> Load:
            return flood(server, requests, seconds, number)

        turns = in_turn(same, subject, flooding, rounds)
        p99, floor_p99 = turns.p99_ms()
        watch = Watch(database, _name_of(database))
        with same.asleep():
            pair = collecting(subject, requests, seconds, watch, data=str(data), **settings)
        return [
            *turns.figures("ingest", f"durable on {name}", FLOOR, GOAL),
            Figure(
                part="ingest", what="  p99", value=p99, unit="ms", floor=floor_p99, floor_is=FLOOR,
                more_is_better=False,
            ),
            *pair,
        ]  # fmt: skip


@contextmanager
def schema() -> Iterator[str]:
    """The address of a database of its own, which is gone afterwards."""
    name = f"roomtone_bench_{uuid4().hex[:8]}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {name}".encode())
        try:
            yield f"{POSTGRESQL}?options=-csearch_path%3D{name}&application_name={name}"
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE".encode())
            server.execute(f"DROP SCHEMA IF EXISTS {name}_jobs CASCADE".encode())


def _name_of(database: str) -> str:
    """By which :func:`schema` has PostgreSQL know the connections."""
    return database.rpartition("application_name=")[2]


@contextmanager
def _nats(folder: Path) -> Iterator[str]:
    url = f"nats://{HOST}:{(port := free_port())}"
    command = [NATS_SERVER, "-js", "-sd", str(folder), "-a", HOST, "-p", str(port)]
    with folder.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not answers(url, port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{NATS_SERVER} did not start; see {folder.with_suffix('.log')}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str, port: int) -> bool:
    """Whether somebody listens there; ``port``: if the address names none."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or port), timeout=2).close()
    except OSError:
        return False
    return True
