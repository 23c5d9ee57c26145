"""A database made by all migrations equals the one made from the tables."""

import ast
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from roomtone.model.errors import Failed
from roomtone.storage import schema
from roomtone.storage.connections import SqliteConnection
from roomtone.storage.database import Database
from roomtone.storage.tables import metadata


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[SqliteConnection]:
    connection = SqliteConnection(str(tmp_path / "test.db"))
    yield connection
    connection.close()


Shape = dict[str, object]


def shape(connection: SqliteConnection) -> Shape:
    """Every table, column and index, as SQLite itself tells them."""

    def told(pragma: str) -> list[tuple[object, ...]]:
        return connection.raw.execute(f"PRAGMA {pragma}").fetchall()

    tables = [row[1] for row in told("table_list") if not row[1].startswith("sqlite_")]
    result: Shape = {
        "autoincrement": "journal"
        in str(
            connection.raw.execute(
                "SELECT group_concat(name) FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
            ).fetchone()
        )
    }
    for table in tables:
        result[table] = told(f"table_info({table})")
        for index in told(f"index_list({table})"):
            result[f"{table}.{index[1]}"] = (index[2:], told(f"index_info({index[1]})"))
    return result


def made(connection: SqliteConnection, make: Callable[[SqliteConnection], None]) -> Shape:
    connection.raw.execute("BEGIN IMMEDIATE")
    make(connection)
    connection.raw.execute("COMMIT")
    return shape(connection)


def test_all_migrations_together_make_the_tables(empty: SqliteConnection, tmp_path: Path) -> None:
    migrated = made(empty, schema.upgrade)
    context = MigrationContext.configure(empty.core, opts={"compare_type": True})
    assert compare_metadata(context, metadata) == []
    other = SqliteConnection(str(tmp_path / "other.db"))
    assert migrated == made(other, schema.create)
    other.close()


def test_the_head_that_the_code_knows_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_a_migrated_database_and_a_new_one_stand_at_the_head(empty: SqliteConnection) -> None:
    made(empty, schema.upgrade)
    schema.ensure(empty)
    found = empty.raw.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(schema.HEAD,)]


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    Database.open(tmp_path / "test.db").close()
    before = sqlite3.connect(tmp_path / "test.db").execute("PRAGMA schema_version").fetchone()
    Database.open(tmp_path / "test.db").close()
    after = sqlite3.connect(tmp_path / "test.db").execute("PRAGMA schema_version").fetchone()
    assert before == after


def test_a_database_of_a_newer_version_is_left_alone_with_a_hint(tmp_path: Path) -> None:
    Database.open(tmp_path / "test.db").close()
    with sqlite3.connect(tmp_path / "test.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Failed) as failed:
        Database.open(tmp_path / "test.db")
    assert "newer Roomtone" in failed.value.hint


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    empty: SqliteConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: SqliteConnection) -> None:
        connection.raw.execute("CREATE TABLE half (a)")
        raise KeyError

    monkeypatch.setattr(schema, "create", half)
    with pytest.raises(KeyError):
        schema.ensure(empty)
    assert empty.raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_alembic_is_not_loaded_by_a_start_that_migrates_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from roomtone.storage.database import Database; "
        f"Database.open({str(tmp_path / 'test.db')!r}).close(); print('alembic' in sys.modules)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert ast.literal_eval(done.stdout) is False


def test_the_tables_are_valid_for_postgresql_too() -> None:
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert index.name is not None
            assert len(index.name) <= 63  # where PostgreSQL cuts names
            assert str(CreateIndex(index).compile(dialect=postgresql.dialect()))
