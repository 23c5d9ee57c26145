"""Durable work on DBOS: a queue in its own SQLite file, so that sealing survives kill -9.

DBOS runs its workflows on threads of its own; ours hand the work back to the service's event loop,
where the services live, and wait. Steps are at-least-once: everything they call is idempotent.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from roomtone.services.seal import Sealer

QUEUE = "seal"
POLL_S = 0.2
AT_ONCE = 2
"""Folding is work for a core; more at once would only wait for each other."""
STEP_TRIES = 5

log = structlog.get_logger()


class _Bench:
    """What the workflows below work with; set while :class:`DurableJobs` runs."""

    loop: asyncio.AbstractEventLoop
    sealer: Sealer


def _on_the_loop(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(work, _Bench.loop).result()


@DBOS.step(name="seal_reports", retries_allowed=True, max_attempts=STEP_TRIES)
def _seal_step(session_id: str) -> int:
    outcome = _on_the_loop(_Bench.sealer.seal(session_id))
    return -1 if outcome is None else int(outcome.peers)


@DBOS.workflow(name="seal_session")
def _seal_workflow(session_id: str) -> int:
    peers = _seal_step(session_id)
    log.info("session sealed", session_id=session_id, peers=peers)
    return peers


class DurableJobs:
    """The queue: ``start``, ``stop``, and ``seal`` to ask for work."""

    def __init__(self, file: Path, sealer: Sealer) -> None:
        self._file = file
        self._sealer = sealer
        self._running = False

    async def start(self) -> None:
        """Open the queue; work that a crash cut off goes on by itself."""
        _Bench.loop = asyncio.get_running_loop()
        _Bench.sealer = self._sealer
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
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_S)

    async def seal(self, work_id: str, session_id: str) -> None:
        """Queue the sealing of a session; the same ``work_id`` again has no effect."""

        def enqueue() -> None:
            with SetWorkflowID(work_id):
                DBOS.enqueue_workflow(QUEUE, _seal_workflow, session_id)

        await asyncio.to_thread(enqueue)

    async def stop(self) -> None:
        """Close the queue; what is unfinished goes on at the next start."""
        if self._running:
            self._running = False
            await asyncio.to_thread(DBOS.destroy)
