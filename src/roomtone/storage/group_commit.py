"""GroupCommit: one thread writes, and all that waits for it shares one transaction and one sync.

A sync of the disk costs as much as a hundred rows, so the thread takes everything that is queued,
begins, lets each function run, commits once, and then tells all who wait, one wake-up per event
loop. While it commits, the next group gathers: the busier, the larger the groups.

Each function runs inside a savepoint, unless it is alone in its transaction: one that raises is
undone and told so, and harms nobody else.

What is written ``together`` (the journal's appends, the hottest path there is) takes a shorter way:
its rows go in on the event loop's own thread, all that are ready in one statement, and only the
commit, which waits for the disk, is the writer's. Handing every row from thread to thread cost more
than writing it: two threads of one Python pass its global lock back and forth at each statement.
``_owner`` says whose transaction is open. Whatever goes wrong on the short way is undone, and takes
the long one, which tells apart who is at fault.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.exc import DBAPIError

from roomtone.model.errors import Failed
from roomtone.storage.connections import Connection, explained
from roomtone.storage.pace import Pace

T = TypeVar("T")
R = TypeVar("R")

MAX_WAITING = 10_000
"""Writes in the queue; at 20,000 small ones a second that is half a second's worth. Past it the
disk does not keep up, and senders must hold their data rather than the memory of this process."""
WORTH_A_COMMIT = 16
"""Writes that wait for no more: if there is more, the next commit follows at once."""
MAX_SHORT = 64
"""Writes that go in on the event loop at once: a millisecond during which it does nothing else."""
TOLD_AT_ONCE = 8
"""Who is told in one turn of the loop: each then answers somebody, and nobody else is meanwhile."""
HANDED_OVER_S = 0.001
"""How often the writer looks whether the loop has handed its transaction over."""
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


class _HandedOver:
    """Tells the writer that the loop's transaction is to be committed."""


_HANDED_OVER = _HandedOver()


class GroupCommit:
    """The writer. It owns its connection's write transactions."""

    def __init__(self, connection: Connection, *, short_way: bool) -> None:
        """``short_way`` needs a connection that nobody else uses."""
        self._connection = connection
        self._short_way = short_way
        self._queue: SimpleQueue[_Job[Any] | _HandedOver | None] = SimpleQueue()
        self._handed_over: SimpleQueue[list[_Job[Any]]] = SimpleQueue()
        self._gathered: list[_Job[Any]] = []
        self._owner = threading.Lock()
        self.pace = Pace(connection.slow_hint)
        self._flush_wanted = False
        self._gate = threading.Lock()
        self._closed = False
        self.failed: Failed | None = None
        """What was wrong with the machine at the last commit, if anything was."""
        if short_way:
            connection.wait_for_others(False)
        self._thread = threading.Thread(target=self._work, name="roomtone-writer", daemon=True)
        self._thread.start()

    async def write(self, run: Callable[[Connection], R]) -> R:
        """Run in a transaction; durable on return. Raises what ``run`` raises, or Failed."""
        return await self._queued(_Job(run, None, together=False))

    async def write_together(self, run: Callable[[Connection, list[T]], list[R]], item: T) -> R:
        """As ``write``, but ``run`` gets all items queued with it at once; one answer for each."""
        job: _Job[R] = _Job(run, item, together=True)
        gathered = self._gathered
        if not self._short_way or (gathered and gathered[0].loop is not job.loop):
            return await self._queued(job)
        self._check()
        gathered.append(job)
        if len(gathered) == 1:
            job.loop.call_soon(self._gather, 1)
        return await job.future

    def close(self) -> None:
        """Finish what is queued, then stop. What comes later is refused."""
        with self._gate:
            if not self._closed:
                self._closed = True
                for job in self._gathered:
                    self._queue.put(job)
                self._gathered.clear()
                self._queue.put(None)
        self._thread.join()

    def check(self) -> None:
        """Raise Failed while nothing is written: one write takes too long, or the thread ended."""
        self.pace.check()
        if not self._thread.is_alive() and not self._closed:
            raise Failed("Nothing can be written any more.", "Restart Roomtone: its log says why.")

    async def _queued(self, job: _Job[R]) -> R:
        self._check()
        self._queue.put(job)
        return await job.future

    def _check(self) -> None:
        self.check()
        if self._queue.qsize() + len(self._gathered) >= MAX_WAITING:
            raise Failed(
                f"{MAX_WAITING} writes are waiting for the disk.",
                "Use a faster disk, or PostgreSQL; senders may try again in a moment.",
            )
        with self._gate:
            if self._closed:
                raise Failed("The database is closed.", "Roomtone is shutting down.")

    # --- the short way, on the event loop's thread

    def _gather(self, seen: int) -> None:
        """Wait as long as every turn of the loop brings more: they all share one commit."""
        if not self._gathered:
            return
        if seen < len(self._gathered) < WORTH_A_COMMIT:
            self._gathered[0].loop.call_soon(self._gather, len(self._gathered))
        else:
            self._flush()

    def _flush(self) -> None:
        """Write what is gathered, and hand the open transaction over to be committed."""
        if not self._gathered:
            return
        if not self._owner.acquire(blocking=False):
            self._flush_wanted = True
            # The writer may have let go just before it could see that.
            if not self._owner.acquire(blocking=False):
                return
        self._flush_wanted = False
        jobs = self._gathered[:MAX_SHORT]
        del self._gathered[:MAX_SHORT]
        with _Attempt() as attempt:
            self._connection.begin_write(alone=False)
            self._connection.writing = True
            for unit in _units(jobs):
                answers = unit[0].run(self._connection, [job.item for job in unit])
                for job, answer in zip(unit, answers, strict=True):
                    job.answer = answer
        if attempt.error is None:
            self._handed_over.put(jobs)
            self._queue.put(_HANDED_OVER)
        else:
            self._roll_back()
            self._connection.writing = False
            self._owner.release()
            for job in jobs:
                self._queue.put(job)
        if self._gathered:
            self._gathered[0].loop.call_soon(self._flush)

    # --- on the writer's thread

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            group: list[_Job[Any]] = []
            job = self._queue.get()
            while job is not None:
                if isinstance(job, _HandedOver):
                    self._finish_handed_over()
                else:
                    group.append(job)
                if len(group) >= MAX_GROUP:
                    break
                try:
                    job = self._queue.get_nowait()
                except Empty:
                    break
            goes_on = job is not None
            if group:
                self._take_over()
                with self.pace:
                    self._commit(group)
                self._let_go(group)

    def _take_over(self) -> None:
        """Wait until no transaction is open; one that the loop has written is committed first."""
        while not self._owner.acquire(timeout=HANDED_OVER_S):
            self._finish_handed_over()

    def _let_go(self, group: list[_Job[Any]]) -> None:
        self._owner.release()
        _tell(group)
        if not self._flush_wanted:
            return
        for job in self._gathered[:1]:  # at once: the loop may be taking them this moment
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                job.loop.call_soon_threadsafe(self._flush)

    def _finish_handed_over(self) -> None:
        try:
            jobs = self._handed_over.get_nowait()
        except Empty:
            return
        try:
            with self.pace:
                self._connection.commit()
        except self._connection.errors as error:
            self._undo(jobs, error)
        self._connection.writing = False
        self._note(jobs)
        self._let_go(jobs)

    def _undo(self, group: list[_Job[Any]], error: Exception) -> None:
        self._roll_back()
        for job in group:
            job.error = explained(error)

    def _roll_back(self) -> None:
        with suppress(*self._connection.errors):  # a connection that is lost has nothing to undo
            if self._connection.in_transaction:
                self._connection.rollback()

    def _note(self, group: list[_Job[Any]]) -> None:
        """Whether the machine failed any of them."""
        self.failed = next((job.error for job in group if isinstance(job.error, Failed)), None)

    def _commit(self, group: list[_Job[Any]]) -> None:
        connection = self._connection
        with connection.lock:
            connection.writing = True
            try:
                # The loop's thread must never wait for another process; this one may.
                connection.wait_for_others(True)
                connection.begin_write(alone=not all(job.together for job in group))
                units = _units(group)
                if len(units) > 1:
                    for jobs in units:
                        self._run(jobs)
                elif not self._run_alone(units[0]):
                    return
                connection.commit()
            except connection.errors as error:
                self._undo(group, error)
            finally:
                if self._short_way:
                    connection.wait_for_others(False)
                connection.writing = False
                self._note(group)

    def _run_alone(self, jobs: list[_Job[Any]]) -> bool:
        """Run the one function of a transaction, which needs no savepoint; False if nothing is left
        to commit. Raises when the transaction is lost."""
        error = self._tried(jobs)
        if error is None:
            return True
        self._connection.rollback()
        if len(jobs) == 1:
            jobs[0].error = explained(error)
            return False
        self._connection.begin_write(alone=False)
        for job in jobs:
            self._run([job])
        return True

    def _run(self, jobs: list[_Job[Any]]) -> None:
        """Run one function, on one item or many. Raises when the transaction is lost."""
        raw = self._connection.raw
        raw.execute("SAVEPOINT one")
        error = self._tried(jobs)
        if error is None:
            raw.execute("RELEASE one")
            return
        raw.execute("ROLLBACK TO one")
        raw.execute("RELEASE one")
        if len(jobs) == 1:
            jobs[0].error = explained(error)
            return
        for job in jobs:
            self._run([job])

    def _tried(self, jobs: list[_Job[Any]]) -> BaseException | None:
        """What came of one function but answers. Raises when the transaction is lost."""
        connection = self._connection
        with _Attempt() as attempt:
            if jobs[0].together:
                answers = jobs[0].run(connection, [job.item for job in jobs])
            else:
                answers = [jobs[0].run(connection)]
            for job, answer in zip(jobs, answers, strict=True):
                job.answer = answer
        error = attempt.error
        if error is not None and not connection.in_transaction:
            # A full disk, for one, rolls back everything that the group has done.
            lost = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(lost, connection.errors):
                raise lost
            raise connection.errors[0](str(lost))
        return error


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
            loop.call_soon_threadsafe(_line_up, loop, jobs)
        except RuntimeError:
            continue  # this loop is closed: nobody waits there any more


_TOLD: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[_Job[Any]]] = WeakKeyDictionary()
"""By loop: who is to be told, of all groups that were committed."""


def _line_up(loop: asyncio.AbstractEventLoop, jobs: list[_Job[Any]]) -> None:
    line = _TOLD.setdefault(loop, deque())
    idle = not line
    line.extend(jobs)
    if idle:
        _resolve(loop, line)


def _resolve(loop: asyncio.AbstractEventLoop, line: deque[_Job[Any]]) -> None:
    for _ in range(min(TOLD_AT_ONCE, len(line))):
        job = line.popleft()
        if job.future.done():
            continue  # whoever waited was cancelled
        if job.error is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(job.error)
    if line:
        loop.call_soon(_resolve, loop, line)
