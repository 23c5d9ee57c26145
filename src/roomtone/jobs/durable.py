"""Durable work on DBOS: queues in their own SQLite file, so that what was begun survives kill -9.

DBOS runs its workflows on threads of its own; ours hand the work back to the service's event loop,
where the services live, and wait. Steps are at-least-once: everything they call is idempotent.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from roomtone.services.artifacts import Artifacts
from roomtone.services.retention import Retention
from roomtone.services.seal import Sealer
from roomtone.services.summaries import Summaries
from roomtone.services.summarising import Summariser
from roomtone.summaries.chunks import Round

QUEUE = "seal"
SUMMARY_QUEUE = "summaries"
"""Of its own: a language model that takes ten minutes must not hold up a seal."""
POLL_S = 0.2
AT_ONCE = 2
"""Folding is work for a core; more at once would only wait for each other."""
STEP_TRIES = 5
SUMMARY_WORK = "make_summary"
TIDIED_AT_ONCE = 100

log = structlog.get_logger()


class Services(msgspec.Struct, frozen=True):
    """What the work below is done by."""

    sealer: Sealer
    artifacts: Artifacts
    summaries: Summaries
    summariser: Summariser
    retention: Retention


class _Bench:
    """What the workflows work with; set while :class:`DurableJobs` runs."""

    loop: asyncio.AbstractEventLoop
    services: Services
    under_way: set["Future[Any]"]


class _StoppedError(BaseException):
    """Roomtone stops while work is under way. Not an Exception: DBOS writes those down as the
    work's outcome, while this leaves it unfinished, to be taken up at the next start."""


def _on_the_loop(work: Coroutine[Any, Any, Any]) -> Any:
    future = asyncio.run_coroutine_threadsafe(work, _Bench.loop)
    _Bench.under_way.add(future)
    try:
        return future.result()
    except CancelledError:
        raise _StoppedError from None
    finally:
        _Bench.under_way.discard(future)


# --- the end of a session ---------------------------------------------------------------------


@DBOS.step(name="seal_reports", retries_allowed=True, max_attempts=STEP_TRIES)
def _seal_step(session_id: str) -> int:
    outcome = _on_the_loop(_Bench.services.sealer.seal(session_id))
    return -1 if outcome is None else int(outcome.peers)


@DBOS.step(name="publish_words", retries_allowed=True, max_attempts=STEP_TRIES)
def _publish_step(session_id: str) -> bool:
    return bool(_on_the_loop(_Bench.services.artifacts.publish(session_id)))


@DBOS.step(name="summarize_on_end", retries_allowed=True, max_attempts=STEP_TRIES)
def _order_step(session_id: str) -> bool:
    return _on_the_loop(_Bench.services.summaries.order_at_end(session_id)) is not None


@DBOS.workflow(name="seal_session")
def _seal_workflow(session_id: str) -> int:
    peers = _seal_step(session_id)
    log.info("session sealed", session_id=session_id, peers=peers)
    _publish_step(session_id)
    _order_step(session_id)
    return peers


@DBOS.workflow(name="publish_late_words")
def _publish_workflow(session_id: str) -> None:
    _publish_step(session_id)
    _order_step(session_id)


# --- summaries --------------------------------------------------------------------------------


@DBOS.step(name="begin_summary", retries_allowed=True, max_attempts=STEP_TRIES)
def _begin_step(job_id: str) -> str | None:
    begun: str | None = _on_the_loop(_Bench.services.summariser.begin(job_id))
    return begun


@DBOS.step(name="ask_writer", retries_allowed=True, max_attempts=STEP_TRIES)
def _ask_step(job_id: str, asked: str, number: int) -> str | None:
    answer: str | None = _on_the_loop(_Bench.services.summariser.ask(job_id, asked, number))
    return answer


@DBOS.step(name="follow_summary", retries_allowed=True, max_attempts=STEP_TRIES)
def _follow_step(job_id: str, asked: str, answers: list[str]) -> str | None:
    came: str | None = _on_the_loop(_Bench.services.summariser.follow(job_id, asked, answers))
    return came


@DBOS.workflow(name=SUMMARY_WORK)
def _summary_workflow(job_id: str) -> None:
    asked = _begin_step(job_id)
    while asked is not None:
        answers: list[str] = []
        for number in range(len(msgspec.json.decode(asked, type=Round).prompts)):
            answer = _ask_step(job_id, asked, number)
            if answer is None:
                return
            answers.append(answer)
        asked = _follow_step(job_id, asked, answers)


# --- retention --------------------------------------------------------------------------------


@DBOS.step(name="drop_a_bite", retries_allowed=True, max_attempts=STEP_TRIES)
def _retention_step() -> int:
    return int(_on_the_loop(_Bench.services.retention.bite()))


@DBOS.workflow(name="retention")
def _retention_workflow() -> int:
    dropped = 0
    while bite := _retention_step():
        dropped += bite
    return dropped


class DurableJobs:
    """The queues: ``start``, ``stop``, and a method for each kind of work to ask for."""

    def __init__(self, file: Path, services: Services) -> None:
        self._file = file
        self._services = services
        self._running = False

    async def start(self) -> None:
        """Open the queues; work that a crash cut off goes on by itself."""
        _Bench.loop = asyncio.get_running_loop()
        _Bench.services = self._services
        _Bench.under_way = set()
        await asyncio.to_thread(self._launch)
        self._running = True

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": "roomtone",
            "system_database_url": f"sqlite:///{self._file}",
            "log_level": "WARNING",
            # One version for ever: work queued by an older Roomtone is taken up by a newer one.
            "application_version": "1",
            "executor_id": "local",
        }
        DBOS(config=config)
        DBOS.launch()
        for queue in (QUEUE, SUMMARY_QUEUE):
            DBOS.register_queue(queue, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_S)

    async def seal(self, work_id: str, session_id: str) -> None:
        """Queue the sealing of a session; the same ``work_id`` again has no effect."""
        await asyncio.to_thread(_enqueue, QUEUE, work_id, _seal_workflow, session_id)

    async def publish(self, work_id: str, session_id: str) -> None:
        """Queue the writing of files that are older than their words."""
        await asyncio.to_thread(_enqueue, QUEUE, work_id, _publish_workflow, session_id)

    async def summarise(self, job_id: str) -> None:
        """Queue the making of a summary."""
        work_id = f"summary:{job_id}"
        await asyncio.to_thread(_enqueue, SUMMARY_QUEUE, work_id, _summary_workflow, job_id)

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


def _enqueue(queue: str, work_id: str, workflow: Any, *arguments: str) -> None:
    with SetWorkflowID(work_id):
        DBOS.enqueue_workflow(queue, workflow, *arguments)


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
