"""Wiring: settings → a running service. The only place that knows every edge."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from starlette.applications import Starlette

from roomtone.model.errors import Failed
from roomtone.ports.blobs import Blobs
from roomtone.services.artifacts import Artifacts
from roomtone.services.collect import Collector
from roomtone.services.erasing import Eraser
from roomtone.services.hook_delivery import Deliverer
from roomtone.services.hook_keys import HookKeys
from roomtone.services.hook_outbox import Outbox
from roomtone.services.importing import Importer
from roomtone.services.links import Links
from roomtone.services.quarantine import Quarantine
from roomtone.services.rate import RateLimit
from roomtone.services.retention import Keep, Retention
from roomtone.services.rooms import Rooms
from roomtone.services.roster import CURSOR, Roster
from roomtone.services.seal import Sealer
from roomtone.services.sessions import Sessions
from roomtone.services.summaries import Summaries
from roomtone.services.tenants import Tenants
from roomtone.services.webhooks import Announcer, Webhooks
from roomtone.services.words import Words
from roomtone.settings import Settings
from roomtone.sources.user_agents import describe
from roomtone.storage.blobs import LocalBlobs, link_secret
from roomtone.storage.database import Database
from roomtone.storage.geo import Geo
from roomtone.storage.journal import SqlJournal
from roomtone.storage.records import SqlRecords
from roomtone.web.app import create_app
from roomtone.web.collector import Doors
from roomtone.web.files import Files
from roomtone.web.openapi import docs_routes
from roomtone.web.realtimekit.routes import Facade, facade_routes
from roomtone.web.well_known import well_known_routes

if TYPE_CHECKING:
    from roomtone.jobs.deliveries import DueDeliveries
    from roomtone.jobs.durable import Services
    from roomtone.ports.writer import Writer

DATABASE = "roomtone.db"
JOBS = "jobs.db"
FILES = "files"
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
        self._open_webhooks()
        self.roster = Roster(
            self.journal, self.records, self.clock, settings.silence_s, self.outbox
        )
        self.sealer = Sealer(
            self.journal,
            self.records,
            self.clock,
            settings.reading_ms,
            settings.quality_scale,
        )
        self.sessions = Sessions(self.records, self.clock, self.sealer)
        self._make_words()
        self.collector = Collector(
            self.journal,
            self.records,
            self.rooms,
            self.clock,
            self.geo.locate,
            RateLimit(settings.ingest_limit),
            self.words,
            mask=settings.mask_addresses,
            moved=self.roster.nudge,
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
        self.quarantine = Quarantine(
            self.journal, self.records, self.roster, mask=settings.mask_addresses
        )
        self._loops: list[asyncio.Task[None]] = []
        self._stop_jobs: Callable[[], Awaitable[None]] | None = None

    def _open_webhooks(self) -> None:
        settings, records = self.settings, self.records
        self.outbox = Outbox(self.clock, always_live=settings.webhooks_always_live)
        self.announcer = Announcer(records, self.outbox)
        self.webhooks = Webhooks(records, self.clock, allow_private=settings.webhooks_allow_private)
        self.hook_keys = HookKeys(records, self.clock)

    def _make_words(self) -> None:
        """What was said: rows, files, summaries, and how long all of it is kept."""
        settings = self.settings
        self.words = Words(self.journal, self.records, self.roster, self.clock)
        self.links = Links(link_secret(self.folder), settings.url)
        self.blobs = _blobs(settings, self.folder, self.links)
        self.artifacts = Artifacts(
            self.records, self.blobs, self.clock, self.announcer, settings.link_days
        )
        self.summaries = Summaries(self.records, self.artifacts, self.clock)
        self.retention = Retention(
            self.journal, self.records, self.artifacts, self.clock, _keep(settings)
        )
        self.eraser = Eraser(self.journal, self.records, self.artifacts, self.clock)

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
        # Before the queue opens: what a crash cut off begins at once.
        deliveries = self._deliveries()
        jobs = durable.DurableJobs(self.folder / JOBS, self._job_services())
        await jobs.start()

        async def stop() -> None:
            await deliveries.stop()
            await jobs.stop()

        self._stop_jobs = stop
        from roomtone.jobs.due import DueSeals, DueWords

        words = DueWords(self.records, self.clock, jobs, self.words, self.summaries)
        await asyncio.gather(
            _for_ever("seals", DueSeals(self.records, self.clock, jobs).run),
            _for_ever("words", words.run),
            _for_ever("deliveries", deliveries.run),
        )

    def _job_services(self) -> "Services":
        from roomtone.jobs.durable import Services
        from roomtone.services.summarising import Summariser

        summariser = Summariser(
            self.records,
            self.artifacts,
            self.clock,
            self.announcer,
            _writer(self.settings),
            self.settings.summary_context,
        )
        return Services(self.sealer, self.artifacts, self.summaries, summariser, self.retention)

    def _deliveries(self) -> "DueDeliveries":
        from roomtone.jobs.deliveries import DueDeliveries
        from roomtone.jobs.posting import HttpCourier

        courier = HttpCourier(allow_private=self.settings.webhooks_allow_private)
        return DueDeliveries(Deliverer(self.records, self.clock, self.hook_keys, courier))

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
            webhooks=self.webhooks,
            words=self.words,
            artifacts=self.artifacts,
            summaries=self.summaries,
        )
        return create_app(
            [
                *facade_routes(facade),
                *Doors(self.collector, self.geo.locate, trusted).routes(),
                *Files(self.blobs, self.links, self.clock).routes(),
                *docs_routes(),
                *well_known_routes(self.hook_keys.public_pem),
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


def _blobs(settings: Settings, folder: Path, links: Links) -> Blobs:
    """Where files go. The S3 client is imported only where it is used."""
    if not settings.files:
        return LocalBlobs(folder / FILES, links)
    from roomtone.storage.blobs_s3 import MAX_LINK_S, S3Blobs

    if settings.link_days * 86_400 > MAX_LINK_S:
        raise Failed(
            f"link_days={settings.link_days} is too long for S3, whose links live for 7 days.",
            "Set link_days to 7 or less, or unset files.",
        )
    return S3Blobs(settings.files, settings.files_endpoint)


def _writer(settings: Settings) -> "Writer | None":
    """The language model that the settings name, if any."""
    if not settings.summary_url:
        return None
    from roomtone.jobs.writer import writer_from

    return writer_from(settings)


def _keep(settings: Settings) -> Keep:
    return Keep(
        journal=settings.keep_journal_days,
        reports=settings.keep_reports_days,
        chat=settings.keep_chat_days,
        transcripts=settings.keep_transcripts_days,
        summaries=settings.keep_summaries_days,
        webhook_log=settings.keep_webhook_log_days,
    )


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
