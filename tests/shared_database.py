"""A PostgreSQL database for one test: a schema of its own on the server of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

import psycopg

DEFAULT = "postgresql://postgres@127.0.0.1:5432/postgres"


def server_url() -> str:
    """The server of this run: this machine's, or one lent for the run (lent_servers.py)."""
    return os.environ.get("ROOMTONE_TEST_POSTGRESQL", DEFAULT)


@cache
def here() -> bool:
    """Whether a server answers."""
    try:
        psycopg.connect(server_url(), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


@contextmanager
def postgres_url() -> Iterator[str]:
    """The URL of an empty schema, gone afterwards."""
    name = f"roomtone_{uuid4().hex[:12]}"
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{server_url()}?options=-csearch_path%3D{name}"
        finally:
            # Whoever still has it open must not hold the next test up.
            server.execute("SET lock_timeout = '5s'")
            server.execute(f"DROP SCHEMA {name} CASCADE")
            server.execute(f"DROP SCHEMA IF EXISTS {name}_jobs CASCADE")
