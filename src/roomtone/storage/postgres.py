"""Connections to PostgreSQL, behind the face of :class:`roomtone.storage.connections.Connection`.

The same texts run on both databases: they are portable, and only the mark of a parameter changes
(``?`` → ``%s``), once a text. What SQLite gives by having one writer is asked for here: what must
be alone takes an advisory lock, which is one lock for all processes. Appends to the journal are not
alone; they hold a shared lock, so that whoever reads the tail can wait for those that have a
position but are not committed yet (:meth:`PostgresConnection.settled`).

A lost connection fails what runs on it and is made anew at the next transaction; while the database
does not answer, everything fails at once rather than waiting one after the other. So is one whose
session only reads: it stays so long after another would write.
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from sqlalchemy.pool import StaticPool

from roomtone.model.errors import Failed
from roomtone.storage.connections import EXPLAINERS, Connection, Insertion, Row

ALONE = 7_245_101
"""Advisory lock of writers that read and then write; any number that nobody else uses will do."""
APPENDING = 7_245_102
"""Advisory lock that appends share."""
CHANNEL = "roomtone"
"""Where a commit of records is told of, to every process."""
CONNECT_S = 3
ENCODING = "UTF8"
DOWN_S = 1.0
"""How long nobody tries again after a connection could not be made."""
LOCK_MS = 10_000
"""How long a writer waits for another process."""

ALIVE: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A machine that is gone without a word is noticed within some ten seconds (libpq's parameters)."""

_HINTS = (
    # SQLSTATE or its class, and what to do (PostgreSQL's Appendix A)
    ("53100", "Free some space on the disk of the database."),
    ("57014", "Something cancelled the statement: look at statement_timeout, and at who did."),
    ("58", "PostgreSQL's machine reports errors: check its disk, and its log."),
    ("53300", "Raise max_connections of PostgreSQL, or start fewer Roomtone processes."),
    ("25006", "The database is read-only: point Roomtone at the primary."),
    ("55P03", "Another process holds the database's lock; look for a long transaction."),
    ("40", "Several processes wrote at once; try again."),
    ("28", "Check the user and the password in --database."),
    ("3D", "Create the database that --database names."),
    ("42501", "Give the database user the right to create and change tables."),
    ("42P01", "Run `roomtone migrate` on this database."),
    ("57P", "PostgreSQL is starting or stopping; Roomtone goes on when it is there."),
    ("08", "Start PostgreSQL, and check --database."),
)
_REFUSALS = (
    # Who is not let in is told in words alone: libpq keeps the SQLSTATE of that to itself.
    (re.compile(r'database ".*" does not exist'), "3D"),
    (re.compile(r"password|authentication|FATAL: +role |pg_hba\.conf"), "28"),
    (re.compile(r"the database system is "), "57P"),
    (re.compile(r"too many (clients|connections)|connection slots"), "53300"),
)
_MISREAD = re.compile(r"\w+://([^@/?]*/[^@?]*@|[^@/]*@[^/?]*@)")
"""An @ or a / of the password, at which it would be cut, and its end be taken for a host's name."""
_SHARE = f"SELECT pg_advisory_xact_lock_shared({APPENDING})"
# Several statements in one message are one round trip.
_BEGIN_APPEND = f"BEGIN; {_SHARE}"
_BEGIN_ALONE = f"BEGIN; SELECT pg_advisory_xact_lock({ALONE}); {_SHARE}"
_COMMIT_ALONE = f"NOTIFY {CHANNEL}; COMMIT"
ROWS_AT_ONCE = 16
"""In one statement; each number of them is a text of its own, which stays prepared."""


def _explain(error: BaseException | None) -> Failed | None:
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.OperationalError):
        state = next((state for words, state in _REFUSALS if words.search(str(error))), "08")
    hint = next((hint for start, hint in _HINTS if state.startswith(start)), None)
    if hint is None:
        return None
    said = str(error).strip().splitlines()
    return Failed(f"PostgreSQL: {said[0] if said else type(error).__name__}", hint)


EXPLAINERS.append(_explain)


def _readable(url: str) -> str:
    with suppress(psycopg.ProgrammingError):
        conninfo_to_dict(url)
        if not _MISREAD.match(url):
            return url
    hint = "Write %40 for @, %2F for /, %25 for % and %20 for a space in the user and the password."
    raise Failed("--database is no address that can be read.", hint)


@lru_cache(maxsize=1_024)
def _translated(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")


@lru_cache(maxsize=1_024)
def _inserting(into: Insertion, count: int) -> str:
    """The statement for so many rows, which tells the keys of those that were not there."""
    head, values, one = into.text.partition("VALUES ")
    row, end, tail = one.partition(")")
    rows = ", ".join([row + end] * count)
    return _translated(f"{head}{values}{rows}{tail} RETURNING {into.key}")


def _storable(values: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's texts cannot hold NUL, which some client may well send in a name."""
    if any(type(value) is str and "\0" in value for value in values):
        return [v.replace("\0", "\ufffd") if type(v) is str else v for v in values]
    return values


class _Raw:
    """The driver, taking texts with ``?``."""

    __slots__ = ("driver",)

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver

    def execute(self, text: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        if not parameters:
            return self.driver.execute(text)
        return self.driver.execute(_translated(text), _storable(parameters))

    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> psycopg.Cursor[Any]:
        cursor = self.driver.cursor()
        cursor.executemany(_translated(text), [_storable(row) for row in rows])
        return cursor


class PostgresConnection(Connection):
    """One connection to PostgreSQL."""

    errors = (psycopg.Error,)
    slow_hint = (
        "Look at wait_event in pg_stat_activity: SyncRep is a synchronous standby that is gone "
        "(docs/howto/scale-out.md); else a lock, or the database's disk."
    )
    raw: _Raw

    def __init__(self, url: str) -> None:
        """Raises Failed, which shows nothing of a URL that cannot be read: it holds a password."""
        super().__init__()
        self._url = _readable(url)
        self._down_until = 0.0
        self._reads_until = 0.0
        self._alone = False
        self._names = count()
        self._connect()

    def _connect(self) -> None:
        if time.monotonic() < self._down_until:
            raise psycopg.OperationalError("it did not answer a moment ago")
        try:
            driver = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_S,
                client_encoding=ENCODING,
                **ALIVE,
            )
            driver.execute(f"SET lock_timeout = {LOCK_MS}")
        except psycopg.Error:
            self._down_until = time.monotonic() + DOWN_S
            raise
        _check_encoding(driver)
        self.raw = _Raw(driver)
        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: driver,
            poolclass=StaticPool,
            isolation_level="AUTOCOMMIT",
            # Else letting go of a connection that was lost would be an error in the log.
            pool_reset_on_return=None,
        )
        self.core = engine.connect()

    def _begin(self, text: str) -> None:
        """Begin, on a new connection if the old one is of no use. Raises psycopg.Error."""
        if self._is_of_use():
            try:
                self.raw.execute(text)
                return
            except psycopg.OperationalError:
                if not self.raw.driver.closed:
                    raise
        self._connect()
        self.raw.execute(text)

    def _is_of_use(self) -> bool:
        """Whether to go on with this connection; one that only reads is good for a second more."""
        driver, now = self.raw.driver, time.monotonic()
        if driver.closed:
            return False
        if now < self._reads_until or not only_reads(driver):
            return True
        self._reads_until = now + DOWN_S
        driver.close()
        return False

    @property
    def in_transaction(self) -> bool:
        driver = self.raw.driver
        if driver.closed:
            return False
        return driver.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    def begin_read(self) -> None:
        self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_write(self, *, alone: bool) -> None:
        self._alone = alone
        self._begin(_BEGIN_ALONE if alone else _BEGIN_APPEND)

    def commit(self) -> None:
        self.raw.execute(_COMMIT_ALONE if self._alone else "COMMIT")

    def begin_settled(self) -> None:
        """Open a view in which no append is under way: what has a number is in it, or never will
        be. Appends wait for as long as it takes to take the view, not for what is read in it."""
        self._begin(f"SELECT pg_advisory_lock({APPENDING})")
        try:
            self.raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self.raw.execute("SELECT 1")
        finally:
            if not self.raw.driver.closed:
                self.raw.execute(f"SELECT pg_advisory_unlock({APPENDING})")

    def renew(self) -> None:
        """Connect anew, whatever became of the old connection. Raises psycopg.Error."""
        self.raw.driver.close()
        self._down_until = 0.0
        self._connect()

    def check(self) -> None:
        """Raises psycopg.Error at once if the connection was lost."""
        if self.raw.driver.closed:
            raise psycopg.OperationalError("the connection was lost")

    def wait_for_others(self, patient: bool) -> None:
        """Always patient: nothing is written on the event loop's thread here."""

    def insert_new(
        self, into: Insertion, rows: Sequence[tuple[Any, ...]]
    ) -> set[tuple[Any, ...]] | None:
        """In one order everywhere, so that no two processes wait for each other."""
        stored: set[tuple[Any, ...]] = set()
        left = sorted(rows, key=lambda row: row[:2])
        while left:
            some, left = left[:ROWS_AT_ONCE], left[ROWS_AT_ONCE:]
            values = _storable([value for row in some for value in row])
            stored.update(self.raw.driver.execute(_inserting(into, len(some)), values).fetchall())
        return None if len(stored) == len(rows) else stored

    def stream(self, text: str, parameters: Sequence[Any], at_once: int) -> Iterator[list[Row]]:
        """Through a cursor of the server's, which needs a transaction, if it may be long."""
        driver = self.raw.driver
        if not self.in_transaction:
            yield from _fetched(self.raw.execute(text, parameters), at_once)
            return
        with driver.cursor(name=f"roomtone_{next(self._names)}") as cursor:
            cursor.itersize = at_once
            cursor.execute(_translated(text), _storable(parameters))
            yield from _fetched(cursor, at_once)

    def close(self) -> None:
        self.core.close()
        self.raw.driver.close()


def _check_encoding(driver: psycopg.Connection[Any]) -> None:
    """Raises Failed for a database that could not keep every name and every message as it came."""
    encoding = driver.info.parameter_status("server_encoding")
    if encoding == ENCODING:
        return
    driver.close()
    raise Failed(
        f"PostgreSQL: the database's encoding is {encoding}, which cannot hold every text.",
        "Create one with ENCODING 'UTF8' TEMPLATE template0, and name that in --database.",
    )


def only_reads(driver: psycopg.Connection[Any]) -> bool:
    """Whether a session takes no writes: it is a standby's, or began while that was forbidden. The
    server tells it unasked (from PostgreSQL 14 on)."""
    told = driver.info.parameter_status
    return "on" in (told("in_hot_standby"), told("default_transaction_read_only"))


def _fetched(cursor: Any, at_once: int) -> Iterator[list[Row]]:
    while rows := cursor.fetchmany(at_once):
        yield rows
