"""Ingest where several processes could share the work: on PostgreSQL, and on JetStream.

Both servers are the ones that the tests use; a line is left out where one does not answer. They run
on the same machine as Roomtone, so the figures tell what a small deployment does on two cores.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from bench.figures import Figure
from bench.ingest import CONNECTIONS, bodies, flood
from bench.people import Backend
from bench.servers import Server, init, roomtone

POSTGRESQL = os.environ.get(
    "ROOMTONE_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
NATS = os.environ.get("ROOMTONE_TEST_NATS", "nats://127.0.0.1:4222")
SECONDS, QUICK_SECONDS = 5.0, 1.5


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Sixteen peers as fast as they are answered."""
    if not _there(POSTGRESQL, 5432):
        return []
    seconds = QUICK_SECONDS if quick else SECONDS
    found = []
    for name, journal in (("PostgreSQL", ""), ("PostgreSQL, JetStream", NATS)):
        if journal and not _there(journal, 4222):
            continue
        data = folder / name.lower().replace(", ", "-")
        with _schema() as database:
            settings = {"database": database, "journal": journal}
            credentials = init(data, **settings)
            with roomtone(data, **settings) as server, Backend(server, credentials) as backend:
                people = [person for _ in range(CONNECTIONS // 4) for person in backend.meet(4)]
                requests = {person.peer_id: bodies(person) for person in people}
                flood(server, requests, 1.0, 1)
                found += _figures(name, server, requests, seconds)
    return found


def _figures(
    name: str, server: Server, requests: dict[str, list[bytes]], seconds: float
) -> list[Figure]:
    before = server.cpu_s()
    load = flood(server, requests, seconds, 2)
    cpu_us = (server.cpu_s() - before) / max(1, load.answers) * 1e6
    what = f"durable on {name}, one process"
    return [
        Figure(part="ingest", what=what, value=load.rate, unit="/s"),
        Figure(part="ingest", what="  CPU for each", value=cpu_us, unit="µs", more_is_better=False),
        Figure(part="ingest", what="  p99", value=load.p(0.99), unit="ms", more_is_better=False),
    ]


@contextmanager
def _schema() -> Iterator[str]:
    name = f"roomtone_bench_{uuid4().hex[:8]}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {name}".encode())
        try:
            yield f"{POSTGRESQL}?options=-csearch_path%3D{name}"
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE".encode())
            server.execute(f"DROP SCHEMA IF EXISTS {name}_jobs CASCADE".encode())


def _there(url: str, port: int) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or port), timeout=2).close()
    except OSError:
        return False
    return True
