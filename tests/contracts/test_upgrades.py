"""Every schema that was ever released is brought to today's, on both databases, rows and all."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from parts import require
from roomtone.model.errors import Failed
from roomtone.ports.records import StoredReport
from roomtone.storage import schema
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database, connected
from roomtone.storage.reports import SqlReports
from shared_database import postgres_url


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    return config


REVISIONS = sorted(
    script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()
)

SESSION = {
    "revision": 1,
    "id": "s1",
    "app_id": "a",
    "meeting_id": "m",
    "title": "as it was",
    "type": "meeting",
    "status": "ENDED",
    "live_participants": 0,
    "max_concurrent_participants": 1,
    "total_participants": 1,
    "closed_ms": 60_000,
    "live_since_sum": 0,
    "sort_ms": 60_000,
    "started_at": 1_767_225_600_000,
    "ended_at": 1_767_225_660_000,
    "end_reason": "ALL_LEFT",
    "created_at": 1_767_225_600_000,
    "updated_at": 1_767_225_660_000,
    "sealed_at": 1_767_225_670_000,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "postgresql":
            require("postgresql")
            yield stack.enter_context(postgres_url())
        else:
            yield str(tmp_path / "test.db")


def stand_at(place: str, revision: str) -> None:
    """Make a database of this revision, as its Roomtone would have left it, with a session."""
    connection = connected(place)
    try:
        connection.begin_write(alone=True)
        connection.core.begin()
        config = _config()
        config.attributes["connection"] = connection.core
        command.upgrade(config, revision)
        names = ", ".join(SESSION)
        marks = ", ".join("?" for _ in SESSION)
        connection.raw.execute(
            f"INSERT INTO sessions ({names}) VALUES ({marks})", tuple(SESSION.values())
        )
        connection.commit()
    finally:
        connection.close()


def difference(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection.core, opts={"compare_type": True})
    found: list[object] = compare_metadata(context, schema.metadata)
    return found


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_any_released_schema_is_brought_to_todays(place: str, revision: str) -> None:
    stand_at(place, revision)
    connection = connected(place)
    try:
        moved_from = schema.ensure(connection)
        assert moved_from == (None if revision == schema.HEAD else revision)
        assert schema.revision_of(connection) == schema.HEAD
        assert difference(connection) == []
        kept = connection.raw.execute("SELECT id, title, closed_ms FROM sessions").fetchall()
        assert [tuple(row) for row in kept] == [("s1", "as it was", 60_000)]
    finally:
        connection.close()
    Database.open(place).close()


def test_the_reports_of_an_older_database_are_there_and_will_be_packed(place: str) -> None:
    stand_at(place, "0006")
    connection = connected(place)
    body = gzip.compress(b'{"a":1}', 9, mtime=0)
    old = StoredReport(
        subject=bytes(16),
        app_id="a",
        peer_id="p",
        session_id="s1",
        model="m",
        body=body,
        sealed_at=1_767_225_670_000,
    )
    try:
        connection.begin_write(alone=True)
        connection.raw.execute(
            "INSERT INTO reports (subject, app_id, peer_id, session_id, model, body, sealed_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (old.subject, "a", "p", "s1", "m", body, old.sealed_at),
        )
        connection.commit()
        schema.ensure(connection)
        reports = SqlReports(connection)
        assert reports.sealed_as_sent("a", "p") == old
        assert reports.unpacked_reports(old.sealed_at + 1, 9) == [old]
    finally:
        connection.close()


def test_postgresql_is_migrated_by_nobody_who_merely_opens_it() -> None:
    require("postgresql")
    with postgres_url() as place:
        stand_at(place, REVISIONS[0])
        with pytest.raises(Failed) as failed:
            Database.open(place)
        assert "roomtone migrate" in failed.value.hint
        connection = connected(place)
        try:
            assert schema.revision_of(connection) == REVISIONS[0]
        finally:
            connection.close()
