"""Roomtone: every service over one data folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from roomtone.services.artifacts import Artifacts
from roomtone.services.collect import Collector
from roomtone.services.erasing import Eraser
from roomtone.services.exporting import Exporter
from roomtone.services.hook_keys import HookKeys
from roomtone.services.hook_outbox import Outbox
from roomtone.services.importing import Importer
from roomtone.services.imports import Imports
from roomtone.services.inflow import Inflow
from roomtone.services.inlets import Inlets
from roomtone.services.invitations import Invitations
from roomtone.services.links import Links
from roomtone.services.metering import UNMETERED
from roomtone.services.origins import Origins
from roomtone.services.quarantine import Quarantine
from roomtone.services.rate import RateLimit
from roomtone.services.register import Register
from roomtone.services.retention import Retention
from roomtone.services.returning import Returner
from roomtone.services.rooms import Rooms
from roomtone.services.roster import Roster
from roomtone.services.seal import Sealer
from roomtone.services.sessions import Sessions
from roomtone.services.streaming import Streams
from roomtone.services.summaries import Summaries
from roomtone.services.tenants import Tenants
from roomtone.services.thresholds import FindingThresholds
from roomtone.services.timelines import Timelines
from roomtone.services.webhooks import Announcer, Webhooks
from roomtone.services.words import Words
from roomtone.settings import Settings
from roomtone.storage.geo import Geo
from roomtone.storage.records import SqlRecords
from roomtone.web.call.hub import Hub
from roomtone.web.console.feed import Feed
from roomtone.web.console.live import row_encoder
from roomtone.wiring.loops import Loops
from roomtone.wiring.places import (
    DATABASE,
    SystemClock,
    console_keys_of,
    database_of,
    encrypt_words,
    journal_of,
    keep_of,
    metrics_of,
    secret_of,
    tracing_of,
    word_blobs_of,
    worker_id_of,
)
from roomtone.wiring.site import site


class Roomtone:
    """Every service over one data folder; ``start`` and ``stop`` for the server's loops."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.folder = Path(settings.data)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = database_of(settings, self.folder)
        self.word_keys = encrypt_words(settings, self.database)
        self.worker_id = worker_id_of(self.database)
        self.records = SqlRecords(self.database)
        self.tracing = tracing_of(settings, self.worker_id)
        self.journal = self.tracing.journal(journal_of(settings, self.database))
        self.metrics = metrics_of(settings, self.records, self.clock, self.folder / DATABASE)
        self.meter = self.metrics or UNMETERED
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
            self.outbox,
            self.meter,
        )
        self.sessions = Sessions(self.records, self.clock, self.sealer)
        self.thresholds = FindingThresholds(self.records)
        self.register = Register(self.records, self.clock, self.sealer)
        self.timelines = Timelines(self.records, self.sessions, self.clock)
        self._make_words()
        self.origins = Origins(self.records, self.clock, settings.url)
        self.collector = Collector(
            self.meter.journal(self.journal),
            self.records,
            self.rooms,
            self.clock,
            self.geo.locate,
            RateLimit(settings.ingest_limit),
            self.words,
            self.origins,
            mask=settings.mask_addresses,
            moved=self.roster.nudge,
        )
        self.hub = Hub(self.clock)
        self.feed = Feed(self.records, row_encoder(self.clock))
        self.inlets = Inlets(self.records, self.clock)
        self.inflow = Inflow(
            self.journal, self.records, self.words, self.clock, moved=self.roster.nudge
        )
        self._open_imports()
        self.streams = Streams(self.inflow, self.journal, self.records, self.clock)
        self.quarantine = Quarantine(
            self.journal, self.records, self.roster, mask=settings.mask_addresses
        )
        self.draining = False
        self.loops = Loops(self)

    def _open_webhooks(self) -> None:
        settings, records = self.settings, self.records
        live = settings.webhooks_always_live
        self.outbox = Outbox(self.clock, always_live=live, base_url=settings.url)
        self.announcer = Announcer(records, self.outbox)
        self.webhooks = Webhooks(records, self.clock, allow_private=settings.webhooks_allow_private)
        self.hook_keys = HookKeys(records, self.clock)

    def _open_imports(self) -> None:
        """Files that somebody hands over, on the command line or to the API."""
        self.importer = Importer(
            self.journal,
            self.records,
            self.rooms,
            self.roster,
            self.sealer,
            self.clock,
            self.inflow,
            mask=self.settings.mask_addresses,
        )
        self.imports = Imports(
            self.records,
            self.importer,
            self.words,
            self.artifacts,
            Returner(self.journal, self.records, self.roster, self.sealer, self.words, self.clock),
            mask=self.settings.mask_addresses,
        )
        self.exporter = Exporter(self.journal, self.records)

    def _make_words(self) -> None:
        """What was said: rows, files, summaries, and how long all of it is kept."""
        settings = self.settings
        self.words = Words(self.journal, self.records, self.roster, self.clock)
        secret = secret_of(self.database, self.folder)
        self.links = Links(secret, settings.url)
        self.console_keys = console_keys_of(self.database, secret, self.clock.now())
        self.invitations = Invitations(secret, settings.url, self.records, self.rooms, self.clock)
        self.blobs = word_blobs_of(settings, self.folder, self.links, self.word_keys)
        self.artifacts = Artifacts(
            self.records, self.blobs, self.clock, self.announcer, settings.link_days
        )
        self.summaries = Summaries(self.records, self.artifacts, self.clock)
        self.retention = Retention(
            self.journal, self.records, self.artifacts, self.clock, keep_of(settings)
        )
        self.eraser = Eraser(self.journal, self.records, self.artifacts, self.clock)

    def drain(self) -> None:
        """Be ready for no more: balancers look elsewhere, while what comes is still answered."""
        self.draining = True

    def application(self) -> Starlette:
        """The ASGI application: its lifespan starts and stops the loops."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await self.loops.start()
            yield
            await self.loops.stop()
            await self.close()

        made = site(self, lifespan)
        made.middleware_stack = self.tracing.application(made.middleware_stack)
        return made

    async def close(self) -> None:
        """Close the files."""
        await self.journal.close()
        await asyncio.to_thread(self.database.close)
        self.geo.close()
        await asyncio.to_thread(self.tracing.close)
