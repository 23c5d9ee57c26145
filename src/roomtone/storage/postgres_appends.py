"""Appends: rows of the journal into PostgreSQL, from the event loop, without a thread.

All batches that wait go in with one statement, sent as one message; the commit's answer wakes the
loop. One group is under way at a time, so the next one gathers meanwhile, and grows with the load.

Only what is plainly new is stored: of a peer that is known and of whom nothing was packed, under a
key that is not there. All else (the first of a peer, a repetition, what comes late), and everything
while the connection is lost or refuses, is the caller's to write the long way, by the writer's
thread (group_commit.py), which tells apart who is at fault. A group whose commit was cut off may be
stored all the same; written again, it is a repetition.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from struct import pack
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from roomtone.storage.connections import Row
from roomtone.storage.pace import Pace
from roomtone.storage.postgres import ALIVE, APPENDING, CONNECT_S, DOWN_S, LOCK_MS

MAX_ROWS = 64
"""In one statement: half a millisecond of the loop's."""
MAX_WAITING = 10_000
"""Jobs in memory; see group_commit.py."""
LOOK_S = 1.0
"""How often the connection is read from though nothing is said to have come. Of a socket with an
error the event loop tells once, and what is read then may be the server's last words, and no error;
libpq keeps the error of a later write for the next read, too."""

_NAME = b"roomtone_append"
_BYTEA, _TEXT, _INT8 = 17, 25, 20
"""OIDs (pg_type.dat)."""
_COLUMNS = (_BYTEA, _TEXT, _INT8, _INT8, _INT8, _BYTEA, _BYTEA)
_BINARY = [1] * len(_COLUMNS)
_PREPARE = f"""
PREPARE {_NAME.decode()} (bytea[], text[], int8[], int8[], int8[], bytea[], bytea[]) AS
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared({APPENDING}))
INSERT INTO journal (subject, key, received_at, t_min, t_max, presence, facts)
SELECT new.* FROM turn, unnest($1, $2, $3, $4, $5, $6, $7)
    AS new (subject, key, received_at, t_min, t_max, presence, facts)
WHERE (SELECT packed_keys IS NULL FROM journal_subjects known WHERE known.subject = new.subject)
ON CONFLICT (subject, key) DO NOTHING RETURNING subject, key
"""  # noqa: S608 - constants
"""The lock is held before any position is given. The rows' order, which is the same everywhere so
that no two processes wait for each other, is kept by looking peers up one by one."""


class _Job:
    """Rows that are to go in together, and who waits for them."""

    __slots__ = ("future", "rows")

    def __init__(self, rows: Sequence[Row], loop: asyncio.AbstractEventLoop) -> None:
        self.rows = rows
        self.future: asyncio.Future[list[bool]] = loop.create_future()

    def answer(self, stored: list[bool]) -> None:
        if not self.future.done():  # else whoever waited was cancelled
            self.future.set_result(stored)


class Appends:
    """One connection, on the first event loop that appends; any other takes the long way."""

    def __init__(self, url: str, hint: str) -> None:
        """``hint``: what the operator is to look at when a write takes long."""
        self.pace = Pace(hint)
        self._url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._driver: psycopg.AsyncConnection[Any] | None = None
        self._watched = -1
        """A descriptor of our own of the connection's socket: libpq closes its own once it is lost,
        and the loop must forget a descriptor before another socket gets its number."""
        self._connecting: asyncio.Task[None] | None = None
        self._down_until = 0.0
        self._closed = False
        self._waiting: list[_Job] = []
        self._under_way: list[_Job] = []
        self._result: PGresult | None = None

    async def put(self, rows: Sequence[Row]) -> list[bool]:
        """Store what is plainly new; for each row, whether it was. Durable on return. Raises Failed
        while a write takes too long."""
        self.pace.check()
        loop = asyncio.get_running_loop()
        if len(rows) > MAX_ROWS or len(self._waiting) >= MAX_WAITING or not self._is_ready(loop):
            return [False] * len(rows)
        job = _Job(rows, loop)
        self._waiting.append(job)
        if len(self._waiting) == 1 and not self._under_way:
            loop.call_soon(self._gather, 1)
        return await job.future

    def close(self) -> None:
        """Disconnect; what waits goes the long way, which tells it so."""
        self._closed = True
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._drop)
        except RuntimeError:  # that loop is closed
            self._drop()

    # --- connecting

    def _is_ready(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is a connection on this loop; if not, one is made meanwhile."""
        if self._loop is loop and self._driver is not None:
            return True
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                return False
            self._drop()
            self._loop, self._connecting, self._down_until = loop, None, 0.0
        if self._connecting is None and not self._closed and loop.time() >= self._down_until:
            self._connecting = loop.create_task(self._connect(loop))
        return False

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            async with asyncio.timeout(2 * CONNECT_S):
                driver = await self._prepared()
        except (psycopg.Error, TimeoutError):  # whoever appends meanwhile is told why
            self._down_until = loop.time() + DOWN_S
        else:
            if self._closed:
                driver.pgconn.finish()
                return
            self._driver = driver
            self._watched = os.dup(driver.pgconn.socket)
            loop.add_reader(self._watched, self._read)
            loop.call_later(LOOK_S, self._look, driver)
        finally:
            self._connecting = None

    async def _prepared(self) -> psycopg.AsyncConnection[Any]:
        driver = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_S, **ALIVE
        )
        try:
            await driver.execute(f"SET lock_timeout = {LOCK_MS}")
            await driver.execute("SET plan_cache_mode = force_generic_plan")
            await driver.execute(_PREPARE)
        except BaseException:
            driver.pgconn.finish()
            raise
        return driver

    def _drop(self) -> None:
        """Do without the connection, until there is another. What it was to store goes the long
        way."""
        driver, self._driver = self._driver, None
        if driver is not None and self._loop is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._watched)
                self._loop.remove_writer(self._watched)
            os.close(self._watched)
            driver.pgconn.finish()
        self._give_up([*self._under_way, *self._waiting])
        self._waiting.clear()
        self._end()

    def _end(self) -> None:
        self._under_way, self._result = [], None
        self.pace.end()

    # --- a group

    def _gather(self, seen: int) -> None:
        """Wait as long as every turn of the loop brings more: they all share one commit."""
        if self._loop is None or self._under_way or not self._waiting:
            return
        if seen < len(self._waiting) < MAX_ROWS:
            self._loop.call_soon(self._gather, len(self._waiting))
        else:
            self._send()

    def _send(self) -> None:
        if self._driver is None:
            return
        jobs = _some(self._waiting)
        del self._waiting[: len(jobs)]
        rows = sorted(chain.from_iterable(job.rows for job in jobs), key=lambda row: row[:2])
        try:
            columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
            values = [_array(oid, column) for oid, column in columns]
        except (UnicodeEncodeError, OverflowError):  # whose value that is, is told the long way
            self._give_up(jobs)
            self._again()
            return
        self._under_way = jobs
        self.pace.begin()
        try:
            self._driver.pgconn.send_query_prepared(_NAME, values, _BINARY, 1)
            self._flush()
        except psycopg.Error:
            self._drop()

    def _flush(self) -> None:
        """Send what is left of a message that the system did not take at once."""
        if self._driver is None or self._loop is None:
            return
        pgconn = self._driver.pgconn
        if pgconn.flush():
            self._loop.add_writer(self._watched, self._go_on)
        else:
            self._loop.remove_writer(self._watched)

    def _go_on(self) -> None:
        try:
            self._flush()
        except psycopg.Error:
            self._drop()

    def _read(self) -> None:
        if self._driver is None:
            return
        pgconn = self._driver.pgconn
        try:
            pgconn.consume_input()
            while self._under_way and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._finish()
                else:
                    self._result = result
        except psycopg.Error:
            self._drop()

    def _look(self, driver: psycopg.AsyncConnection[Any]) -> None:
        if self._driver is driver and self._loop is not None:
            self._loop.call_later(LOOK_S, self._look, driver)
            self._read()

    def _finish(self) -> None:
        result, jobs = self._result, self._under_way
        if result is None or result.status != ExecStatus.TUPLES_OK:
            self._drop()
            return
        self._end()
        if result.ntuples == sum(len(job.rows) for job in jobs):
            for job in jobs:
                job.answer([True] * len(job.rows))
        else:
            _tell(jobs, result)
        self._again()

    def _again(self) -> None:
        if self._waiting and self._loop is not None:
            self._loop.call_soon(self._gather, len(self._waiting))

    def _give_up(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            with suppress(RuntimeError):  # of a loop that is closed
                job.answer([False] * len(job.rows))


def _some(waiting: Sequence[_Job]) -> list[_Job]:
    """As many jobs as fit into one statement."""
    jobs: list[_Job] = []
    count = 0
    for job in waiting:
        count += len(job.rows)
        if count > MAX_ROWS:
            break
        jobs.append(job)
    return jobs


def _tell(jobs: Sequence[_Job], result: PGresult) -> None:
    """Each which of its rows were new; of a key that came twice at once, the first is."""
    stored = {
        (result.get_value(at, 0), (result.get_value(at, 1) or b"").decode())
        for at in range(result.ntuples)
    }
    for job in jobs:
        answers = []
        for row in job.rows:
            answers.append(row[:2] in stored)
            stored.discard(row[:2])
        job.answer(answers)


def _array(oid: int, values: Sequence[Any]) -> bytes:
    """A column as PostgreSQL's binary array of one dimension."""
    parts = [pack("!5i", 1, 1, oid, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(b"\xff\xff\xff\xff")
        elif oid == _INT8:
            parts.append(b"\0\0\0\x08" + value.to_bytes(8, "big", signed=True))
        else:
            data = value if oid == _BYTEA else value.replace("\0", "\ufffd").encode()
            parts += (pack("!i", len(data)), data)
    return b"".join(parts)
