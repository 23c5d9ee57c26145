"""The schema of an open database: made when it is new, migrated when it is old."""

import sqlite3
from pathlib import Path

from roomtone.model.errors import Failed
from roomtone.storage.connections import Connection
from roomtone.storage.tables import metadata

HEAD = "0001"
"""The newest migration. A test holds it to what is in migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"


def ensure(connection: Connection) -> None:
    """Bring the database to :data:`HEAD`, in one transaction. Raises Failed."""
    if _revision(connection) == HEAD:
        return
    raw = connection.raw
    raw.execute("BEGIN IMMEDIATE")
    try:
        # Once more, for another process may have been faster.
        revision = _revision(connection)
        if revision is None:
            create(connection)
        elif revision != HEAD:
            upgrade(connection)
        raw.execute("COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")


def create(connection: Connection) -> None:
    """Make every table at once, as all the migrations together would."""
    metadata.create_all(connection.core, checkfirst=False)
    connection.raw.execute(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.raw.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing."""
    # Imported only when needed: Alembic takes as long to import as all of Roomtone's storage.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection.core
    if not connection.core.in_transaction():
        connection.core.begin()  # else Alembic takes the transaction for its own, and commits it
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Failed(
            f"The database cannot be migrated: {error}",
            "It was last used by a newer Roomtone: run that version, or restore a backup.",
        ) from error


def _revision(connection: Connection) -> str | None:
    """The migration the database stands at; None for an empty one."""
    try:
        found = connection.raw.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    return None if found is None else str(found[0])
