"""GroupCommit: one thread writes, and all that waits for it shares one transaction and one sync.

A sync of the disk costs as much as a hundred rows, so the thread takes everything that is queued,
begins, lets each function run, commits once, and then tells all who wait, one wake-up per event
loop. While it commits, the next group gathers: the busier, the larger the groups.

Each function runs inside a savepoint: one that raises is undone and told so, and harms nobody else.
Functions queued with the same ``together`` run as one, on the list of their items.
"""

import asyncio
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import DBAPIError

from roomtone.model.errors import Failed
from roomtone.storage.connections import Connection, explained

T = TypeVar("T")
R = TypeVar("R")

MAX_WAITING = 10_000
"""Writes in the queue; at 20,000 small ones a second that is half a second's worth. Past it the
disk does not keep up, and senders must hold their data rather than the memory of this process."""
MAX_GROUP = 1_000
"""Writes in one transaction: bounds how long the first of them waits for the last."""


class _Job(Generic[R]):
    """A function that is to run, and who waits for what it gives."""

    __slots__ = ("answer", "error", "future", "item", "loop", "run", "together")

    def __init__(self, run: Callable[..., Any], item: Any, together: bool) -> None:
        self.run = run
        self.item = item
        self.together = together
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[R] = self.loop.create_future()
        self.answer: Any = None
        self.error: BaseException | None = None


class _Attempt:
    """Keeps what is raised inside ``with``, so that it can be handed to whoever waits."""

    error: BaseException | None = None

    def __enter__(self) -> "_Attempt":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        # A future cannot carry StopIteration.
        self.error = RuntimeError("StopIteration") if isinstance(error, StopIteration) else error
        return True


class GroupCommit:
    """The writer. It owns its connection's write transactions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="roomtone-writer", daemon=True)
        self._thread.start()

    async def write(self, run: Callable[[Connection], R]) -> R:
        """Run in a transaction; durable on return. Raises what ``run`` raises, or Failed."""
        return await self._queued(_Job(run, None, together=False))

    async def write_together(self, run: Callable[[Connection, list[T]], list[R]], item: T) -> R:
        """As ``write``, but ``run`` gets all items queued with it at once; one answer for each."""
        return await self._queued(_Job(run, item, together=True))

    def close(self) -> None:
        """Finish what is queued, then stop. What comes later is refused."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    async def _queued(self, job: _Job[R]) -> R:
        if self._queue.qsize() >= MAX_WAITING:
            raise Failed(
                f"{MAX_WAITING} writes are waiting for the disk.",
                "Use a faster disk, or PostgreSQL; senders may try again in a moment.",
            )
        with self._gate:
            if self._closed:
                raise Failed("The database is closed.", "Roomtone is shutting down.")
            self._queue.put(job)
        return await job.future

    # --- on the writer's thread

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            group: list[_Job[Any]] = []
            job = self._queue.get()
            while job is not None:
                group.append(job)
                if len(group) >= MAX_GROUP:
                    break
                try:
                    job = self._queue.get_nowait()
                except Empty:
                    break
            goes_on = job is not None
            if group:
                self._commit(group)
                _tell(group)

    def _commit(self, group: list[_Job[Any]]) -> None:
        raw = self._connection.raw
        with self._connection.lock:
            self._connection.writing = True
            try:
                raw.execute("BEGIN IMMEDIATE")
                for jobs in _units(group):
                    self._run(jobs)
                raw.execute("COMMIT")
            except sqlite3.Error as error:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                for job in group:
                    job.error = explained(error)
            finally:
                self._connection.writing = False

    def _run(self, jobs: list[_Job[Any]]) -> None:
        """Run one function, on one item or many. Raises when SQLite gave up the transaction."""
        raw = self._connection.raw
        raw.execute("SAVEPOINT one")
        with _Attempt() as attempt:
            if jobs[0].together:
                answers = jobs[0].run(self._connection, [job.item for job in jobs])
            else:
                answers = [jobs[0].run(self._connection)]
            for job, answer in zip(jobs, answers, strict=True):
                job.answer = answer
        error = attempt.error
        if error is None:
            raw.execute("RELEASE one")
            return
        if not raw.in_transaction:
            # A full disk, for one, rolls back everything that the group has done.
            lost = error.orig if isinstance(error, DBAPIError) else error
            raise lost if isinstance(lost, sqlite3.Error) else sqlite3.OperationalError(str(lost))
        raw.execute("ROLLBACK TO one")
        raw.execute("RELEASE one")
        if len(jobs) == 1:
            jobs[0].error = explained(error)
            return
        for job in jobs:
            self._run([job])


def _units(group: list[_Job[Any]]) -> list[list[_Job[Any]]]:
    """What runs as one, in the order in which the first of each was queued."""
    units: defaultdict[Any, list[_Job[Any]]] = defaultdict(list)
    for job in group:
        units[job.run if job.together else id(job)].append(job)
    return list(units.values())


def _tell(group: list[_Job[Any]]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Job[Any]]] = defaultdict(list)
    for job in group:
        by_loop[job.loop].append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:
            continue  # this loop is closed: nobody waits there any more


def _resolve(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # whoever waited was cancelled
        if job.error is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(job.error)
