"""Wiring: settings → a running service. The only place that knows every edge."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import structlog
from starlette.applications import Starlette

from roomtone.model.errors import Failed
from roomtone.services.collect import Collector
from roomtone.services.importing import Importer
from roomtone.services.rate import RateLimit
from roomtone.services.rooms import Rooms
from roomtone.services.roster import CURSOR, Roster
from roomtone.services.seal import Sealer
from roomtone.services.sessions import Sessions
from roomtone.services.tenants import Tenants
from roomtone.settings import Settings
from roomtone.sources.user_agents import describe
from roomtone.storage.database import Database
from roomtone.storage.geo import Geo
from roomtone.storage.journal import SqlJournal
from roomtone.storage.records import SqlRecords
from roomtone.web.app import create_app
from roomtone.web.collector import Doors
from roomtone.web.openapi import docs_routes
from roomtone.web.realtimekit.routes import Facade, facade_routes

DATABASE = "roomtone.db"
JOBS = "jobs.db"
RESTART_S = 1.0

log = structlog.get_logger()


class SystemClock:
    """The machine's time and randomness."""

    def now(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        """A UUID v4."""
        return str(uuid4())


class Roomtone:
    """Every service over one data folder; ``start`` and ``stop`` for the server's loops."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.folder = Path(settings.data)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = Database.open(self.folder / DATABASE)
        self.records = SqlRecords(self.database)
        self.journal = SqlJournal(self.database)
        self.geo = Geo(settings.geo_database, settings.asn_database, mask=settings.mask_addresses)
        self.tenants = Tenants(self.records, self.clock)
        self.rooms = Rooms(self.records, self.clock, settings.token_hours)
        self.roster = Roster(self.journal, self.records, self.clock, settings.silence_s)
        self.sealer = Sealer(
            self.journal,
            self.records,
            self.clock,
            settings.reading_ms,
            settings.quality_scale,
        )
        self.sessions = Sessions(self.records, self.clock, self.sealer)
        self.collector = Collector(
            self.journal,
            self.records,
            self.rooms,
            self.clock,
            self.geo.locate,
            RateLimit(settings.ingest_limit),
            mask=settings.mask_addresses,
            stored=self.roster.nudge,
        )
        self.importer = Importer(
            self.journal,
            self.records,
            self.rooms,
            self.roster,
            self.sealer,
            self.clock,
            mask=settings.mask_addresses,
        )
        self._loops: list[asyncio.Task[None]] = []
        self._stop_jobs: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Begin the loops; returns at once, the durable queue opens meanwhile."""
        self._loops = [
            asyncio.create_task(_for_ever("roster", self.roster.run)),
            asyncio.create_task(_for_ever("jobs", self._run_jobs)),
        ]

    async def _run_jobs(self) -> None:
        # DBOS takes most of a second to import: requests are served meanwhile.
        durable = await asyncio.to_thread(_durable)
        # The first user agent takes a third of a second: better now than in somebody's request.
        await asyncio.to_thread(describe, "", 0)
        jobs = durable.DurableJobs(self.folder / JOBS, self.sealer)
        await jobs.start()
        self._stop_jobs = jobs.stop
        from roomtone.jobs.due import DueSeals

        await DueSeals(self.records, self.clock, jobs).run()

    def application(self) -> Starlette:
        """The ASGI application: its lifespan starts and stops the loops."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await self.start()
            yield
            await self.stop()

        trusted = frozenset(filter(None, self.settings.trusted_proxies.replace(" ", "").split(",")))
        facade = Facade(
            tenants=self.tenants,
            rooms=self.rooms,
            sessions=self.sessions,
            roster=self.roster,
            clock=self.clock,
            rate=RateLimit(self.settings.rate_limit),
        )
        return create_app(
            [
                *facade_routes(facade),
                *Doors(self.collector, self.geo.locate, trusted).routes(),
                *docs_routes(),
            ],
            self._ready,
            lifespan,
        )

    async def _ready(self) -> bool:
        await self.records.read(lambda tx: tx.cursor(CURSOR))
        return True

    async def stop(self) -> None:
        """End the loops, finish what was begun, close the files."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._stop_jobs is not None:
            await self._stop_jobs()
        await self.close()

    async def close(self) -> None:
        """Close the files."""
        await asyncio.to_thread(self.database.close)
        self.geo.close()


def _durable():  # type: ignore[no-untyped-def]
    from roomtone.jobs import durable

    return durable


async def _for_ever(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Keep a loop going: what went wrong is logged, and the loop begins anew."""
    while True:
        try:
            await run()
        except Failed as failed:
            log.error("loop failed", loop=name, error=failed.message, hint=failed.hint)
        except Exception:
            log.exception("loop failed", loop=name)
        await asyncio.sleep(RESTART_S)
