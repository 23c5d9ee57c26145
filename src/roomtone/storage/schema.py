"""The schema of an open database: made when it is new, migrated when it is old.

A file is migrated by whoever opens it. A shared database is not: processes of the version before
may still be at work on it, so its operator says when (``roomtone migrate``).
"""

from pathlib import Path

import sqlalchemy as sa

from roomtone.model.errors import Failed
from roomtone.storage import digest_tables, inlet_tables, report_tables, shared_tables, tables
from roomtone.storage.connections import Connection

metadata = tables.metadata
"""Every table: those of :data:`BESIDE` join those of :mod:`tables`."""
BESIDE = (digest_tables, inlet_tables, report_tables, shared_tables)

HEAD = "0007"
"""The newest migration. A test holds it to what is in migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"


def ensure(connection: Connection) -> str | None:
    """Bring the database to :data:`HEAD`, in one transaction; from where, if it had to be moved.

    Raises Failed.
    """
    if revision_of(connection) == HEAD:
        return None
    connection.begin_write(alone=True)
    try:
        # Once more, for another process may have been faster.
        revision = revision_of(connection)
        if revision is None:
            create(connection)
        elif revision != HEAD:
            upgrade(connection)
        connection.commit()
    finally:
        if connection.in_transaction:
            connection.rollback()
    return revision or "nothing"


def ensure_current(connection: Connection) -> None:
    """Make the tables of an empty database. Raises Failed if its tables are of another version."""
    revision = revision_of(connection)
    if revision is None:
        ensure(connection)
    elif revision != HEAD:
        raise Failed(
            f"The database stands at schema {revision}, this Roomtone needs {HEAD}.",
            "Run `roomtone migrate`, or the version of Roomtone that it was made with.",
        )


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


def revision_of(connection: Connection) -> str | None:
    """The migration the database stands at; None for an empty one."""
    # A fresh look each time: an inspector remembers what it saw.
    if not sa.inspect(connection.core).has_table("alembic_version"):
        return None
    found = connection.raw.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])
