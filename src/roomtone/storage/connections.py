"""Connections to a database, SQLite's own, and what errors mean to the person who runs Roomtone."""

import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from roomtone.model.errors import Failed
from roomtone.ports.cipher import Cipher
from roomtone.storage.ciphers import CLEAR

MEMORY = ":memory:"
Row = tuple[Any, ...]
"""One row of an answer."""

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


class Insertion(Struct, frozen=True):
    """How rows go into a table that has some of them already."""

    text: str
    """Passes over rows that are there."""
    key: str
    """The columns that tell rows apart."""
    last: str
    """The last number given in the table."""
    after: str
    """The keys of the rows behind a number."""


class Driver(Protocol):
    """What the driver of either database is asked for: constant texts with ``?`` for parameters."""

    def execute(self, text: str, parameters: Sequence[Any] = ..., /) -> "Found": ...
    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> "Found": ...


class Found(Protocol):
    """What a statement found, or how many rows it changed."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchmany(self, size: int = ..., /) -> list[Any]: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(ABC):
    """One connection, for the one thread that holds its lock.

    ``raw`` is the driver's, for constant SQL on hot paths; ``core`` is SQLAlchemy's on top of it.
    Neither begins a transaction of its own.
    """

    errors: tuple[type[Exception], ...]
    """What the driver raises."""
    slow_hint: str
    """What an operator looks at when a write takes long."""
    raw: Driver
    core: sa.Connection

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.cipher: Cipher = CLEAR
        """How the rows of words are written."""
        self.writing = False
        """Whether a write transaction is open, whose rows nobody else may see yet."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether one is open."""

    @abstractmethod
    def begin_read(self) -> None:
        """Open a consistent view."""

    @abstractmethod
    def begin_write(self, *, alone: bool) -> None:
        """Open a transaction that may write. ``alone``: no other of the kind runs meanwhile, so
        what was read in it still holds when it writes."""

    @abstractmethod
    def wait_for_others(self, patient: bool) -> None:
        """Whether to wait for another process that writes, or to fail at once."""

    @abstractmethod
    def insert_new(
        self, into: "Insertion", rows: Sequence[tuple[Any, ...]]
    ) -> set[tuple[Any, ...]] | None:
        """Insert what is not there yet; None: all was new, else the keys of what was."""

    @abstractmethod
    def stream(self, text: str, parameters: Sequence[Any], at_once: int) -> Iterator[list[Row]]:
        """The rows of a long answer, so many at a time."""

    def commit(self) -> None:
        """Make it durable."""
        self.raw.execute("COMMIT")

    def rollback(self) -> None:
        """Undo it."""
        self.raw.execute("ROLLBACK")

    @abstractmethod
    def close(self) -> None:
        """Close for good."""


class SqliteConnection(Connection):
    """One connection to a SQLite file, or to memory."""

    errors = (sqlite3.Error,)
    slow_hint = "Look at the disk of the data folder; senders keep what they have and try again."
    raw: sqlite3.Connection

    def __init__(self, path: str) -> None:
        super().__init__()
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

    @property
    def in_transaction(self) -> bool:
        return self.raw.in_transaction

    def begin_read(self) -> None:
        self.raw.execute("BEGIN")

    def begin_write(self, *, alone: bool) -> None:
        """SQLite has one writer, so every one of them is alone."""
        self.raw.execute("BEGIN IMMEDIATE")

    def wait_for_others(self, patient: bool) -> None:
        self.raw.execute(f"PRAGMA busy_timeout = {BUSY_MS if patient else 0}")

    def insert_new(
        self, into: "Insertion", rows: Sequence[tuple[Any, ...]]
    ) -> set[tuple[Any, ...]] | None:
        """SQLite does not say which of many rows were new; nearly always, all were."""
        last = self.raw.execute(into.last).fetchone()[0] or 0
        if self.raw.executemany(into.text, rows).rowcount == len(rows):
            return None
        return set(self.raw.execute(into.after, (last,)))

    def stream(self, text: str, parameters: Sequence[Any], at_once: int) -> Iterator[list[Row]]:
        cursor = self.raw.cursor()
        try:
            cursor.execute(text, parameters)
            while rows := cursor.fetchmany(at_once):
                yield rows
        finally:
            cursor.close()

    def close(self) -> None:
        self.core.close()
        self.raw.close()


EXPLAINERS: list[Callable[[BaseException | None], Failed | None]] = []
"""What other drivers' errors mean (postgres.py adds its own)."""


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
        return next((told for explain in EXPLAINERS if (told := explain(cause))), error)
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
