"""The loop that notices webhooks with something due, and their durable work.

One piece of work empties what is due to one webhook, in order; DBOS keeps it to one at a time for
each webhook, whoever does it, and takes up again what a crash cut off. Webhooks do not wait for
each other: the work is asynchronous, and as much of it goes on at once as there are webhooks.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import structlog
from dbos import DBOS, SetEnqueueOptions

from roomtone.jobs.news import News
from roomtone.model.errors import Failed
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records
from roomtone.services.hook_delivery import Deliverer
from roomtone.services.steps import Steps

QUEUE = "webhooks"
WORK = "deliver_to_webhook"
TICK_S = 0.2
LINGER_S = 1.0
AT_LEAST_S = 1.0
"""The longest time without a look: a second try is due by the clock alone."""
POLL_S = 0.5
"""Each of DBOS's looks into a queue takes milliseconds, so it is not made more often than that."""
ASKED_S = 1.0
"""Work that was asked for is asked for again if it has not begun by then."""
FAILED_S = 5.0
"""A pause when our own database or disk fails."""
FINISH_S = 3.0
"""How long a delivery that is under way may take when Roomtone stops: cut off, it is made again."""
SETTLE_S = 0.3
"""How long DBOS gets to write down that work which was let go is over."""
TIDY_S = 600.0
KEPT_HOURS = 1
TIDIED_AT_ONCE = 1_000

log = structlog.get_logger()


class _Bench:
    """Who does the work below; set while a :class:`DueDeliveries` lives."""

    deliveries: "DueDeliveries"


@DBOS.workflow(name=WORK, max_recovery_attempts=None)
async def _deliver(webhook_id: str) -> int:
    # DBOS has a loop of its own; the services live on ours.
    deliveries = _Bench.deliveries
    work = asyncio.run_coroutine_threadsafe(deliveries.work(webhook_id), deliveries.loop)
    return await asyncio.wrap_future(work)


class DueDeliveries:
    """Looks for what is due; every look is a tick. Made before DBOS is launched."""

    def __init__(self, deliverer: Deliverer, records: Records, clock: Clock) -> None:
        self._steps = Steps(clock)
        self._news = News(records, linger_s=LINGER_S, at_least_s=AT_LEAST_S)
        self._registered = False
        self.loop = asyncio.get_running_loop()
        self._deliverer = deliverer
        self._working: dict[str, asyncio.Task[int] | None] = {}
        self._asked: dict[str, float] = {}
        self._stopping = False
        _Bench.deliveries = self

    async def run(self) -> None:
        """Tick for ever, whenever it may be of use; DBOS has been launched."""
        tidied = self.loop.time()
        self._steps.look(time.monotonic())
        await asyncio.to_thread(_register_again)
        await self._deliverer.recall()
        while True:
            if self._steps.look(time.monotonic()) < 0:
                await self._deliverer.recall()
            if self._news.worth_a_look():
                await self.tick()
            if self.loop.time() - tidied >= TIDY_S:
                tidied = self.loop.time()
                await asyncio.to_thread(_tidy)
            await asyncio.sleep(TICK_S)

    async def tick(self) -> int:
        """Queue work for webhooks that have something due; how much."""
        now = self.loop.time()
        wanted = [
            webhook_id
            for webhook_id in await self._deliverer.due()
            if webhook_id not in self._working
            and now - self._asked.get(webhook_id, -ASKED_S) >= ASKED_S
        ]
        if wanted and not self._registered:
            # Who has no webhooks pays for no polling.
            await asyncio.to_thread(_register)
            self._registered = True
        for webhook_id in wanted:
            self._asked[webhook_id] = now
            await asyncio.to_thread(_enqueue, webhook_id)
        return len(wanted)

    async def work(self, webhook_id: str) -> int:
        """Empty what is due to one webhook; how many tries."""
        if self._stopping or webhook_id in self._working:
            return 0
        self._working[webhook_id] = asyncio.current_task()
        try:
            return await self._deliverer.drain(webhook_id)
        except Failed as failed:
            log.error("deliveries wait", webhook_id=webhook_id, error=failed.message)
            await asyncio.sleep(FAILED_S)
            return 0
        except asyncio.CancelledError:
            # Asked to stop: what was being sent is sent again after the next start.
            return 0
        finally:
            del self._working[webhook_id]
            self._asked.pop(webhook_id, None)

    async def stop(self) -> None:
        """Let what is being sent arrive, or let go of it; DBOS is stopped next."""
        self._stopping = True
        self._deliverer.finish()
        tasks = [task for task in self._working.values() if task is not None]
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=FINISH_S)
            for task in slow:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(SETTLE_S)


def _register() -> None:
    # No limit of its own: one slow receiver more must not be one fast receiver less.
    DBOS.register_queue(QUEUE, polling_interval_sec=POLL_S)


def _register_again() -> None:
    if DBOS.retrieve_queue(QUEUE) is not None:
        _register()  # an older Roomtone's looked into five times a second


def _enqueue(webhook_id: str) -> None:
    with SetEnqueueOptions(deduplication_id=webhook_id, duplication_policy="return-existing"):
        DBOS.enqueue_workflow(QUEUE, _deliver, webhook_id)


def _tidy() -> None:
    """Forget finished work: the log of deliveries is in our own table."""
    before = datetime.now(UTC) - timedelta(hours=KEPT_HOURS)
    finished = DBOS.list_workflows(
        name=WORK,
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before.isoformat(),
        limit=TIDIED_AT_ONCE,
        load_input=False,
        load_output=False,
    )
    DBOS.delete_workflows([workflow.workflow_id for workflow in finished])
