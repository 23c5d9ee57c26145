"""Connections to SQLite, and what its errors mean to the person who runs Roomtone."""

import sqlite3
import threading
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from roomtone.model.errors import Failed

MEMORY = ":memory:"

BUSY_MS = 10_000
"""How long to wait for another process that writes, such as a command line beside the server."""
_STATEMENTS = 256
"""Prepared statements kept for each connection: all the constant texts of this package fit."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # In WAL mode FULL syncs at every commit: what was accepted survives a loss of power.
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
)

_HINTS = {
    sqlite3.SQLITE_FULL: "Free some space on the disk that holds the data folder.",
    sqlite3.SQLITE_READONLY: "Give the user that runs Roomtone write access to the data folder.",
    sqlite3.SQLITE_PERM: "Give the user that runs Roomtone write access to the data folder.",
    sqlite3.SQLITE_CANTOPEN: "Create the data folder, writable for the user that runs Roomtone.",
    sqlite3.SQLITE_BUSY: "Another process holds the database; end it, or wait until it is done.",
    sqlite3.SQLITE_LOCKED: "Another process holds the database; end it, or wait until it is done.",
    sqlite3.SQLITE_IOERR: "The disk reports errors: check it, and the system's log.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: restore a backup.",
    sqlite3.SQLITE_NOTADB: "This file is no database: look at the path, or restore a backup.",
    sqlite3.SQLITE_NOMEM: "Give Roomtone more memory.",
}


class Connection:
    """One SQLite connection, for the one thread that holds its lock.

    ``raw`` is the driver's, for constant SQL on hot paths; ``core`` is SQLAlchemy's on top of it.
    Neither begins a transaction of its own.
    """

    def __init__(self, path: str) -> None:
        self.lock = threading.RLock()
        self.writing = False
        """Whether a write transaction is open, whose rows nobody else may see yet."""
        try:
            self.raw = sqlite3.connect(
                path,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )
            for pragma in _PRAGMAS:
                self.raw.execute(pragma)
        except sqlite3.Error as error:
            raise explained(error, path) from error
        engine = sa.create_engine(
            "sqlite://",
            creator=lambda: self.raw,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        self.core = engine.connect()

    def close(self) -> None:
        """Close for good."""
        self.core.close()
        self.raw.close()


def create_private(path: Path) -> None:
    """Make an empty file that only its owner reads, if there is none: it will hold signing keys."""
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        hint = "Create the data folder, writable for the user that runs Roomtone."
        raise Failed(f"{path}: {error.strerror}", hint) from error


def explained(error: BaseException, path: str = "The database") -> BaseException:
    """The error as a Failed with a hint, if it is the machine's; any other as it is."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return error
    # The low byte is the primary code; the others only say where it happened.
    hint = _HINTS.get((getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF)
    if hint is None:
        return error
    return Failed(f"{path}: {cause}", hint)


class Explained:
    """``with Explained():`` raises the machine's errors as Failed."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        told = explained(error)
        if told is not error:
            raise told from error
