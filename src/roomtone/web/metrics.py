"""``/metrics``: counts for Prometheus, in its own registry. docs/operations.md tells of each.

Counters live in memory and begin at 0 with the process. Gauges are read from the rows when they are
asked for; while the database is away they are no number, and the counters are told all the same. It
names no person, app or session.
"""

import hmac
import math
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roomtone import __version__
from roomtone.findings.catalogue import DETECTORS
from roomtone.model.digests import Digest
from roomtone.model.errors import Failed, Unauthenticated
from roomtone.model.sessions import Session
from roomtone.ports.clock import Clock
from roomtone.ports.courier import Courier
from roomtone.ports.journal import Journal
from roomtone.ports.records import Records
from roomtone.ports.vitals import Vitals
from roomtone.services.metering import CountedCourier, Unmetered, timed

DOORS = {"/v1/collect": "collect", "/api/v1/message": "message"}
REASONS = {
    400: "unreadable",
    401: "unauthenticated",
    403: "forbidden",
    404: "unknown",
    413: "too_large",
    415: "media_type",
    422: "invalid",
    429: "too_many",
    500: "failed",
    503: "unavailable",
}
INLETS = "inlets"
"""The door of all paths under ``/in/``, of which only what is turned away is counted."""
BUSY = "busy"
"""Why batches are turned away before they are read (:mod:`roomtone.web.traffic`)."""
OUTCOMES = ("delivered", "refused", "failed", "unreachable", "forbidden")
ANSWERS = "roomtone_database_up"
ROWS = {
    "roomtone_sessions_live": "Sessions that are LIVE.",
    "roomtone_peers_live": "Peers that are connected.",
    "roomtone_sessions_unsealed": "Ended sessions whose reports are not stored yet.",
    "roomtone_sealing_lag_seconds": "How long the oldest of those has been waiting.",
    "roomtone_quarantined": "Bodies in quarantine.",
    "roomtone_journal_position": "Batches taken in since the first start.",
}
"""Gauges that are read from the database."""
APPEND_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
SEALING_BUCKETS = (1, 2, 3, 5, 10, 30, 60, 300, 1_800)


class Metrics(Unmetered):
    """Everything that is counted, and the page that tells it."""

    def __init__(self, records: Records, clock: Clock, database: Path, token: str) -> None:
        """``database``: the file whose size is told, if there is one; ``token``: what a scraper
        must send, empty for nothing."""
        self._records = records
        self._clock = clock
        self._files = (database, database.with_name(database.name + "-wal"))
        self._token = token.encode()
        # Each counter would have a second line that says since when; the process says it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self._accepted = Counter(
            "roomtone_batches_accepted", "Batches taken in.", ["door"], registry=registry
        )
        self._refused = Counter(
            "roomtone_batches_refused", "Batches refused.", ["door", "reason"], registry=registry
        )
        self._others_refused = Counter(
            "roomtone_requests_refused", "Other requests turned away.", registry=registry
        )
        self._append = Histogram(
            "roomtone_append_seconds",
            "From a batch to its durability.",
            buckets=APPEND_BUCKETS,
            registry=registry,
        )
        self._sealing = Histogram(
            "roomtone_sealing_seconds",
            "From the last change of an ended session to its stored reports.",
            buckets=SEALING_BUCKETS,
            registry=registry,
        )
        self._findings = Counter(
            "roomtone_findings", "Findings of sealed sessions.", ["id", "severity"],
            registry=registry,
        )  # fmt: skip
        self._tries = Counter(
            "roomtone_webhook_tries", "Tries to deliver.", ["outcome"], registry=registry
        )
        self._gauges = _gauges(registry)
        self._taken: dict[str, Callable[[], None]] = {}
        """By door: looked up once, as the labels cost more than the counting."""
        self._turned: dict[str, Callable[[], None]] = {}
        ProcessCollector(registry=registry)
        self._begin()

    def _begin(self) -> None:
        """Counters that are known beforehand begin at 0, so that a first rise is seen as one."""
        for door in DOORS.values():
            self._taken[door] = self._accepted.labels(door).inc
            for reason in REASONS.values():
                self._refused.labels(door, reason)
        for door in (*DOORS.values(), INLETS):
            self._turned[door] = self._refused.labels(door, BUSY).inc
        for outcome in OUTCOMES:
            self._tries.labels(outcome)
        for detector in DETECTORS:
            for severity in (detector.severity, detector.second_severity):
                if severity is not None:
                    self._findings.labels(detector.id, severity)

    # --- what is told

    def journal(self, journal: Journal) -> Journal:
        """See Unmetered."""
        return timed(journal, self._append.observe)

    def courier(self, courier: Courier) -> Courier:
        """See Unmetered."""
        return CountedCourier(courier, lambda outcome: self._tries.labels(outcome).inc())

    def sealed(self, session: Session | None, digest: Digest | None) -> None:
        """See Unmetered."""
        if session is not None and session.sealed_at is not None:
            self._sealing.observe(max(0, session.sealed_at - session.updated_at) / 1000)
        for finding in () if digest is None else digest.findings:
            if finding.echo_of is None:
                self._findings.labels(finding.id, finding.severity).inc()

    def doors(self, routes: Sequence[BaseRoute]) -> list[BaseRoute]:
        """The collector's routes, with what is accepted and refused counted."""
        return [
            Route(route.path, _Counted(route.app, self, DOORS[route.path]))
            if isinstance(route, Route) and route.path in DOORS
            else route
            for route in routes
        ]

    def answered(self, door: str, status: int) -> None:
        """A batch was answered."""
        if status < 300:
            self._taken[door]()
        else:
            self._refused.labels(door, REASONS.get(status, str(status))).inc()

    def turned_away(self, path: str) -> None:
        """There was no room for what came to a path."""
        door = INLETS if path.startswith("/in/") else DOORS.get(path)
        if door is None:
            self._others_refused.inc()
        else:
            self._turned[door]()

    # --- the page

    def routes(self) -> list[BaseRoute]:
        """Where the page stands."""
        return [Route("/metrics", self.page, methods=["GET"])]

    async def page(self, request: Request) -> Response:
        """All of it, as text. Raises Unauthenticated."""
        self._admit(request)
        await self._look()
        return Response(
            generate_latest(self.registry), headers={"content-type": CONTENT_TYPE_PLAIN_1_0_0}
        )

    def _admit(self, request: Request) -> None:
        if not self._token:
            return
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        sent = token.strip().encode() if kind.lower() == "bearer" else b""
        if not hmac.compare_digest(sent, self._token):
            raise Unauthenticated("Send the metrics token: Authorization: Bearer …")

    async def _look(self) -> None:
        self._gauges["roomtone_database_bytes"].set(sum(map(_size, self._files)))
        try:
            vitals = await self._records.read(lambda tx: tx.vitals())
        except Failed:
            self._gauges[ANSWERS].set(0)
            for name in ROWS:
                self._gauges[name].set(math.nan)
            return
        self._gauges[ANSWERS].set(1)
        for name, value in _values(vitals, self._clock.now()).items():
            self._gauges[name].set(value)


class _Counted:
    """A door as an ASGI application that tells how each POST was answered."""

    def __init__(self, app: ASGIApp, metrics: Metrics, door: str) -> None:
        self._app = app
        self._metrics = metrics
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            self._metrics.answered(self._door, status)


def _values(vitals: Vitals, now: int) -> dict[str, float]:
    """What the gauges of :data:`ROWS` stand at."""
    waits = 0 if vitals.unsealed_since is None else now - vitals.unsealed_since
    return {
        "roomtone_sessions_live": vitals.live_sessions,
        "roomtone_peers_live": vitals.live_peers,
        "roomtone_sessions_unsealed": vitals.unsealed_sessions,
        "roomtone_sealing_lag_seconds": max(0, waits) / 1000,
        "roomtone_quarantined": vitals.quarantined,
        "roomtone_journal_position": vitals.journal_position,
    }


def _gauges(registry: CollectorRegistry) -> dict[str, Gauge]:
    told = {
        **ROWS,
        ANSWERS: "1 where the database answers this process, else 0.",
        "roomtone_database_bytes": "Size of the SQLite database and its log.",
    }
    gauges = {name: Gauge(name, words, registry=registry) for name, words in told.items()}
    build = Gauge("roomtone_build_info", "1.", ["version", "python"], registry=registry)
    build.labels(__version__, platform.python_version()).set(1)
    return gauges


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
