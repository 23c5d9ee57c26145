"""A PostgreSQL whose sessions are read-only for a while: what was connected then is not kept.

As where a standby answered in the primary's place, or somebody forbade writing to look after the
database: a session keeps what was true when it began, however long ago that has been over.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from callers import Doors
from fleet import FleetServer
from journey_server import wait_for
from ledger import Load
from outcome import Outcome

from shared_database import postgres_url, server_url

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("postgresql"),
]

READ_ONLY_S = 8.0
"""Long enough for every connection of the server to be made anew."""


class Role:
    """Whom Roomtone is to PostgreSQL, in this test alone."""

    def __init__(self) -> None:
        self.name = f"roomtone_{uuid4().hex[:12]}"
        self._run(f"CREATE ROLE {self.name} LOGIN SUPERUSER")

    def url(self, url: str) -> str:
        """The same database, as this role."""
        user = psycopg.conninfo.conninfo_to_dict(url)["user"]
        return url.replace(f"//{user}@", f"//{self.name}@")

    def read_only(self, on: bool) -> None:
        """For every session that begins from now on."""
        self._run(f"ALTER ROLE {self.name} SET default_transaction_read_only = {on}")

    def cut(self) -> None:
        """End its sessions."""
        self._run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.name}'"
        )

    def drop(self) -> None:
        """Once it owns nothing any more."""
        self._run(f"DROP OWNED BY {self.name}")
        self._run(f"DROP ROLE {self.name}")

    def _run(self, statement: str) -> None:
        with psycopg.connect(server_url(), autocommit=True) as server:
            server.execute(statement)


@pytest.fixture
def role() -> Iterator[Role]:
    made = Role()
    yield made
    made.drop()


@pytest.fixture
def server(tmp_path: Path, role: Role) -> Iterator[FleetServer]:
    with postgres_url() as url:
        running = FleetServer(tmp_path / "data", None, database=role.url(url), role="all")
        running.start()
        yield running
        running.stop()


def test_it_writes_and_seals_again_once_it_may(
    server: FleetServer, role: Role, outcome: Outcome
) -> None:
    load = Load(server, Doors([server]), outcome)
    with load:
        load.wait_for_more(20)
        load.end_call()
        server.wait_until_sealed()
        load.keep_going()
        load.wait_for_more(40)
        wait_for("the call", lambda: server.sessions(load.calls[1].meeting))
        role.read_only(True)
        role.cut()
        outcome.add(faults=1)
        wait_for("a refusal", lambda: load.asked_to_wait() > 0)
        time.sleep(READ_ONLY_S)
        assert server.sessions(load.calls[1].meeting)[0]["status"] == "LIVE"
        role.read_only(False)
        load.wait_for_more(40)
    load.settle()
    load.check()
    assert "Traceback" not in server.log.read_text()
