"""The loops: what a running Roomtone does without being asked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from roomtone.model.errors import Failed
from roomtone.services.hook_delivery import Deliverer
from roomtone.services.packing import ReportPacker
from roomtone.services.workers import Leadership, Membership
from roomtone.sources.user_agents import describe
from roomtone.storage.connections import Explained, explained
from roomtone.storage.processes import SqlWorkers
from roomtone.storage.report_packing import pack_report
from roomtone.wiring.places import jobs_place_of, writer_of

if TYPE_CHECKING:
    from roomtone.jobs.deliveries import DueDeliveries
    from roomtone.jobs.durable import Services
    from roomtone.wiring.service import Roomtone

RESTART_S = 1.0
CLOSE_S = 0.25
"""How often the roster looks for what other processes took in."""

log = structlog.get_logger()

Run = Callable[[], Awaitable[None]]


class Loops:
    """Started and stopped with the server. A process that does not work has none."""

    def __init__(self, of: "Roomtone") -> None:
        self._of = of
        self._running: list[asyncio.Task[None]] = []
        self._stop_jobs: Callable[[], Awaitable[None]] | None = None
        self._workers = SqlWorkers(of.database) if of.database.shared else None
        if self._workers is not None:
            of.roster.follow_closely(CLOSE_S)

    async def start(self) -> None:
        """Begin; returns at once, the durable queue opens meanwhile."""
        if self._of.settings.role in ("all", "work"):
            jobs = for_ever("jobs", self._run_jobs)
        else:
            jobs = _warm()
        self._running = [asyncio.create_task(jobs)]
        if self._workers is None:
            self._running.append(asyncio.create_task(for_ever("roster", self._of.roster.run)))

    async def stop(self) -> None:
        """End, and finish what was begun."""
        for loop in self._running:
            loop.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._stop_jobs is not None:
            await self._stop_jobs()

    async def _run_jobs(self) -> None:
        if self._stop_jobs is not None:
            await self._stop_jobs()
            self._stop_jobs = None
        # DBOS takes most of a second to import: requests are served meanwhile.
        durable = await asyncio.to_thread(_durable)
        # The first user agent takes a third of a second: better now than in somebody's request.
        await _warm()
        # Before the queue opens: what a crash cut off begins at once.
        deliveries = self._deliveries()
        of = self._of
        place = jobs_place_of(of.settings, of.database, of.folder, of.worker_id)
        jobs = durable.DurableJobs(place, self._job_services())
        with Explained():
            await jobs.start()
        member = self._member(jobs.take_over)

        async def stop() -> None:
            await deliveries.stop()
            await jobs.stop()
            if member is not None:
                with suppress(Failed):  # the others notice all the same, some seconds later
                    await member.leave()

        self._stop_jobs = stop
        from roomtone.jobs.due import DueSeals, DueWords
        from roomtone.jobs.packing import DuePacking

        words = DueWords(self._of.records, self._of.clock, jobs, self._of.words, self._of.summaries)
        loops: dict[str, Run] = {
            "seals": DueSeals(self._of.records, self._of.clock, jobs).run,
            "words": words.run,
            "deliveries": deliveries.run,
            "packing": DuePacking(ReportPacker(of.records, of.clock, pack_report)).run,
        }
        if member is None:
            await asyncio.gather(*(for_ever(name, run) for name, run in loops.items()))
            return
        loops["roster"] = self._of.roster.run
        await asyncio.gather(
            for_ever("membership", member.run),
            *(
                for_ever(name, _while_leading(member.leadership, run))
                for name, run in loops.items()
            ),
        )

    def _member(self, take_over: Callable[[str], Awaitable[None]]) -> Membership | None:
        if self._workers is None:
            return None
        return Membership(self._workers, self._of.worker_id, take_over)

    def _job_services(self) -> "Services":
        from roomtone.jobs.durable import Services
        from roomtone.services.summarising import Summariser

        summariser = Summariser(
            self._of.records,
            self._of.artifacts,
            self._of.clock,
            self._of.announcer,
            writer_of(self._of.settings),
            self._of.settings.summary_context,
        )
        return Services(
            self._of.sealer,
            self._of.artifacts,
            self._of.summaries,
            summariser,
            self._of.retention,
            self._of.database.cipher,
            self._of.tracing,
        )

    def _deliveries(self) -> "DueDeliveries":
        from roomtone.jobs.deliveries import DueDeliveries
        from roomtone.jobs.posting import HttpCourier

        of = self._of
        posting = HttpCourier(allow_private=of.settings.webhooks_allow_private)
        courier = of.tracing.courier(of.meter.courier(posting))
        deliverer = Deliverer(
            of.records, of.clock, of.hook_keys, courier, self._workers, of.worker_id
        )
        return DueDeliveries(deliverer, of.records, of.clock)


async def _warm() -> None:
    await asyncio.to_thread(describe, "", 0)


def _durable():  # type: ignore[no-untyped-def]
    from roomtone.jobs import durable

    return durable


def _while_leading(leadership: Leadership, run: Run) -> Run:
    """A loop that runs only where, and as long as, this process leads."""

    async def led() -> None:
        await leadership.gained.wait()
        work = asyncio.ensure_future(run())
        lost = asyncio.ensure_future(leadership.lost.wait())
        try:
            await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            work.cancel()
            done = await asyncio.gather(work, return_exceptions=True)
        if done and isinstance(done[0], Exception):
            raise done[0]

    return led


async def for_ever(name: str, run: Run) -> None:
    """Keep a loop going: what went wrong is logged, and the loop begins anew."""
    while True:
        try:
            await run()
        except Failed as failed:
            log.error("loop failed", loop=name, error=failed.message, hint=failed.hint)
        except Exception as error:
            told = explained(error)
            if isinstance(told, Failed):  # a library's, of a database that went away under it
                log.error("loop failed", loop=name, error=told.message, hint=told.hint)
            else:
                log.exception("loop failed", loop=name)
        await asyncio.sleep(RESTART_S)
