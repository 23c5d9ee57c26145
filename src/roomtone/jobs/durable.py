"""Durable work on DBOS: queues in their own SQLite file, or beside a shared database's records in a
schema of their own, so that what was begun survives kill -9, and others take it over.

DBOS runs its workflows on threads of its own; ours hand the work back to the service's event loop,
where the services live, and wait. Steps are at-least-once: everything they call is idempotent.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import URL
from sqlalchemy.exc import DisconnectionError

from roomtone.jobs.telling import is_news
from roomtone.model.errors import Failed
from roomtone.ports.cipher import Cipher
from roomtone.services.artifacts import Artifacts
from roomtone.services.retention import Retention
from roomtone.services.seal import Sealer
from roomtone.services.summaries import Summaries
from roomtone.services.summarising import Summariser
from roomtone.services.tracing import Untraced
from roomtone.summaries.chunks import Round

QUEUE = "seal"
SUMMARY_QUEUE = "summaries"
"""Of its own: a language model that takes ten minutes must not hold up a seal."""
POLL_S = 1.0
"""Each of DBOS's looks into a queue takes milliseconds of a core, whether it finds anything or not:
at five a second they were most of what an idle server did."""
AT_ONCE = 2
"""Folding is work for a core; more at once would only wait for each other."""
IN_HAND = 8
"""Work that a process takes out of that queue before it has its turn: with no more than go on
at once, a backlog moved by two at each look, whatever the core had left. More would leave another
process without work."""
STEP_TRIES = 5
PAUSES_S = (1, 2, 4, 8, 15, 15, 15)
"""After each of the first tries of what failed because something is away: a minute in all. What is
away for longer may be so for long, and others wait for their turn."""
CONNECTIONS = 5
"""To a shared database: the queues are polled by one thread, and two pieces of work go on."""
SUMMARY_WORK = "make_summary"
STEP = "summary"
TIDIED_AT_ONCE = 100

log = structlog.get_logger()


class Services(msgspec.Struct, frozen=True):
    """What the work below is done by."""

    sealer: Sealer
    artifacts: Artifacts
    summaries: Summaries
    summariser: Summariser
    retention: Retention
    cipher: Cipher
    """Of what people said, which the steps of a summary hand on."""
    tracing: Untraced


class _Bench:
    """What the workflows work with; set while :class:`DurableJobs` runs."""

    loop: asyncio.AbstractEventLoop
    services: Services
    under_way: set["Future[Any]"]
    turns: asyncio.Semaphore
    """Of work at the queue of seals."""


class _StoppedError(BaseException):
    """Roomtone stops while work is under way. Not an Exception: DBOS writes those down as the
    work's outcome, while this leaves it unfinished, to be taken up at the next start."""


def _on_the_loop(name: str, of: str, work: Coroutine[Any, Any, Any]) -> Any:
    """``name``: what is done; ``of``: the id of the session or job that it is done for."""

    async def traced() -> Any:
        with _Bench.services.tracing.work(name, of=of):
            return await work

    future = asyncio.run_coroutine_threadsafe(traced(), _Bench.loop)
    _Bench.under_way.add(future)
    try:
        return future.result()
    except CancelledError:
        raise _StoppedError from None
    finally:
        _Bench.under_way.discard(future)


# --- the end of a session ---------------------------------------------------------------------


def _patiently(name: str, of: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any | None:
    """Try until nothing that the work needs is away; None: it is put off, and the loop that found
    it due asks for it again."""

    async def tried() -> Any | None:
        for pause_s in (*PAUSES_S, None):
            try:
                async with _Bench.turns:
                    return await work()
            except Failed as failed:
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
                    continue
                told = {"error": failed.message, "hint": failed.hint}
                log.error("work is put off", work=name, of=of, **told)
        return None

    return _on_the_loop(name, of, tried())


@DBOS.step(name="seal_reports", retries_allowed=True, max_attempts=STEP_TRIES)
def _seal_step(session_id: str, as_of: int | None) -> int | None:
    async def seal() -> int:
        outcome = await _Bench.services.sealer.seal(session_id, as_of)
        return -1 if outcome is None else int(outcome.peers)

    return _patiently("seal", session_id, seal)


@DBOS.step(name="publish_words", retries_allowed=True, max_attempts=STEP_TRIES)
def _publish_step(session_id: str) -> bool | None:
    publish = partial(_Bench.services.artifacts.publish, session_id)
    return _patiently("publish words", session_id, publish)


@DBOS.step(name="summarize_on_end", retries_allowed=True, max_attempts=STEP_TRIES)
def _order_step(session_id: str) -> bool | None:
    async def order() -> bool:
        return await _Bench.services.summaries.order_at_end(session_id) is not None

    return _patiently("order summary", session_id, order)


@DBOS.workflow(name="seal_session")
def _seal_workflow(session_id: str, as_of: int | None = None) -> int | None:
    # An older Roomtone's work does not say as of when.
    peers = _seal_step(session_id, as_of)
    if peers is None or peers < 0:
        return peers
    log.info("session sealed", session_id=session_id, peers=peers)
    if _publish_step(session_id) is not None:
        _order_step(session_id)
    return peers


@DBOS.workflow(name="publish_late_words")
def _publish_workflow(session_id: str) -> None:
    if _publish_step(session_id) is not None:
        _order_step(session_id)


# --- summaries --------------------------------------------------------------------------------


@DBOS.step(name="begin_summary", retries_allowed=True, max_attempts=STEP_TRIES)
def _begin_step(job_id: str) -> str | None:
    work = _Bench.services.summariser.begin(job_id)
    begun: str | None = _on_the_loop("begin summary", job_id, work)
    return _hidden(job_id, begun)


@DBOS.step(name="ask_writer", retries_allowed=True, max_attempts=STEP_TRIES)
def _ask_step(job_id: str, asked: str, number: int) -> str | None:
    work = _Bench.services.summariser.ask(job_id, _shown(job_id, asked), number)
    answer: str | None = _on_the_loop("ask for summary", job_id, work)
    return _hidden(job_id, answer)


@DBOS.step(name="follow_summary", retries_allowed=True, max_attempts=STEP_TRIES)
def _follow_step(job_id: str, asked: str, answers: list[str]) -> str | None:
    told = [_shown(job_id, answer) for answer in answers]
    work = _Bench.services.summariser.follow(job_id, _shown(job_id, asked), told)
    came: str | None = _on_the_loop("follow summary", job_id, work)
    return _hidden(job_id, came)


def _hidden(job_id: str, text: str | None) -> str | None:
    """What a step leaves in the queue's own database."""
    return None if text is None else _Bench.services.cipher.encrypt_text((STEP, job_id), text)


def _shown(job_id: str, text: str) -> str:
    return _Bench.services.cipher.decrypt_text((STEP, job_id), text)


@DBOS.workflow(name=SUMMARY_WORK)
def _summary_workflow(job_id: str) -> None:
    asked = _begin_step(job_id)
    while asked is not None:
        answers: list[str] = []
        for number in range(len(msgspec.json.decode(_shown(job_id, asked), type=Round).prompts)):
            answer = _ask_step(job_id, asked, number)
            if answer is None:
                return
            answers.append(answer)
        asked = _follow_step(job_id, asked, answers)


# --- retention --------------------------------------------------------------------------------


@DBOS.step(name="drop_a_bite", retries_allowed=True, max_attempts=STEP_TRIES)
def _retention_step() -> int | None:
    return _patiently("retain", "", _Bench.services.retention.bite)


@DBOS.workflow(name="retention")
def _retention_workflow() -> int:
    dropped = 0
    while bite := _retention_step():
        dropped += bite
    return dropped


class Place(msgspec.Struct, frozen=True):
    """Where the queues lie, and as whom this process works at them."""

    url: str
    """SQLAlchemy's, of SQLite or PostgreSQL."""
    worker_id: str = "local"
    schema: str | None = None
    """Of PostgreSQL."""
    only_reads: Callable[[Any], bool] = lambda _: False
    """Whether a connection to it takes no writes."""

    @classmethod
    def file(cls, file: Path) -> "Place":
        """A SQLite file, which one process uses."""
        return cls(f"sqlite:///{file}")

    @classmethod
    def shared(
        cls,
        url: str,
        worker_id: str,
        schema: str,
        also: Mapping[str, Any],
        only_reads: Callable[[Any], bool],
    ) -> "Place":
        """A schema of PostgreSQL. ``url`` is libpq's, which may name several hosts; SQLAlchemy
        takes those as parameters only. ``also``: libpq's parameters that the url may overrule, but
        for this: a queue is of no use to who may only read it, and DBOS tries again for as long as
        it cannot connect, while a write that is refused would end the work."""
        from psycopg.conninfo import conninfo_to_dict  # where PostgreSQL is used, not elsewhere

        told = {**also, **conninfo_to_dict(url), "target_session_attrs": "read-write"}
        parts = {name: str(value) for name, value in told.items()}
        user, password = parts.pop("user", None), parts.pop("password", None)
        made = URL.create(
            "postgresql", user, password, database=parts.pop("dbname", None), query=parts
        )
        return cls(made.render_as_string(hide_password=False), worker_id, schema, only_reads)


class DurableJobs:
    """The queues: ``start``, ``stop``, and a method for each kind of work to ask for."""

    def __init__(self, place: Place, services: Services) -> None:
        self._place = place
        self._services = services
        self._running = False
        self._summarises = False

    async def start(self) -> None:
        """Open the queues; work that a crash cut off goes on by itself."""
        _Bench.loop = asyncio.get_running_loop()
        _Bench.services = self._services
        _Bench.under_way = set()
        _Bench.turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.to_thread(self._launch)
        self._running = True

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": "roomtone",
            "system_database_url": self._place.url,
            # While the disk is full or the database away, its warnings are a hundred a second, and
            # what is behind them is told elsewhere.
            "log_level": "ERROR",
            # One version for ever: work queued by an older Roomtone is taken up by a newer one.
            "application_version": "1",
            "executor_id": self._place.worker_id,
            "sys_db_pool_size": CONNECTIONS,
        }
        if self._place.schema is not None:
            config["dbos_system_schema"] = self._place.schema
            lend = partial(_lend, self._place.only_reads)
            config["db_engine_kwargs"] = {"pool_events": [(lend, "checkout")]}
        logging.getLogger("dbos").addFilter(is_news)
        DBOS(config=config)
        try:
            DBOS.launch()
        except BaseException:
            DBOS.destroy()  # else the next try would be told that it runs already
            raise
        _register(QUEUE, IN_HAND)
        if DBOS.retrieve_queue(SUMMARY_QUEUE) is not None:
            _register(SUMMARY_QUEUE)  # an older Roomtone's looked into five times a second

    async def seal(self, work_id: str, session_id: str, as_of: int) -> None:
        """Queue the sealing of a session as it stands; the same ``work_id`` again has no effect.
        ``as_of``: see :meth:`Sealer.seal`."""
        await asyncio.to_thread(_enqueue, QUEUE, work_id, _seal_workflow, session_id, as_of)

    async def publish(self, work_id: str, session_id: str) -> None:
        """Queue the writing of files that are older than their words."""
        await asyncio.to_thread(_enqueue, QUEUE, work_id, _publish_workflow, session_id)

    async def summarise(self, job_id: str) -> None:
        """Queue the making of a summary."""
        if not self._summarises:
            # Only now: who has no summaries made pays for no polling.
            await asyncio.to_thread(_register, SUMMARY_QUEUE)
            self._summarises = True
        work_id = f"summary:{job_id}"
        await asyncio.to_thread(_enqueue, SUMMARY_QUEUE, work_id, _summary_workflow, job_id)

    async def take_over(self, worker_id: str) -> None:
        """Put what another worker had begun back into the queues: it is dead, or has left."""
        taken = await asyncio.to_thread(_take_over, worker_id)
        if taken:
            log.info("work taken over", worker=worker_id, count=taken)

    async def retain(self, work_id: str) -> None:
        """Queue a round of retention."""
        await asyncio.to_thread(_enqueue, QUEUE, work_id, _retention_workflow)

    async def tidy(self) -> None:
        """Forget finished summaries: their steps hold what people said."""
        await asyncio.to_thread(_tidy)

    async def stop(self) -> None:
        """Close the queues; what is unfinished goes on at the next start."""
        if self._running:
            self._running = False
            for future in list(_Bench.under_way):
                future.cancel()
            await asyncio.to_thread(DBOS.destroy)


def _register(queue: str, at_once: int = AT_ONCE) -> None:
    DBOS.register_queue(queue, worker_concurrency=at_once, polling_interval_sec=POLL_S)


def _lend(only_reads: Callable[[Any], bool], driver: Any, *_: object) -> None:
    """What has become a connection that only reads, or has remained one, is not lent out: the pool
    makes it anew. Raises DisconnectionError, which asks for that."""
    if only_reads(driver):
        raise DisconnectionError


def _enqueue(queue: str, work_id: str, workflow: Any, *arguments: str | int) -> None:
    with SetWorkflowID(work_id):
        DBOS.enqueue_workflow(queue, workflow, *arguments)


def _take_over(worker_id: str) -> int:
    begun = DBOS.list_workflows(
        status="PENDING", executor_id=worker_id, load_input=False, load_output=False
    )
    for work in begun:
        DBOS.resume_workflow(work.workflow_id, queue_name=work.queue_name)
    return len(begun)


def _tidy() -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    finished = DBOS.list_workflows(
        name=SUMMARY_WORK,
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before.isoformat(),
        limit=TIDIED_AT_ONCE,
        load_input=False,
        load_output=False,
    )
    DBOS.delete_workflows([workflow.workflow_id for workflow in finished])
