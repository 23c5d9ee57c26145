"""``/metrics``: every count is documented, and moves when what it counts happens."""

import asyncio
import math
import re
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hook_world import MovedClock
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from roomtone.model.digests import Digest
from roomtone.model.errors import Failed
from roomtone.model.findings import Finding
from roomtone.model.sessions import ENDED, Session
from roomtone.ports.courier import Answer
from roomtone.services.metering import outcome_of
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords
from roomtone.web.app import create_app
from roomtone.web.metrics import OUTCOMES, ROWS, Metrics

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
T0 = 1_767_225_600_000


@asynccontextmanager
async def nothing(_: Starlette) -> Any:
    yield


async def ready() -> bool:
    return True


class World:
    """A page of metrics over an empty database, beside a door that answers what it is told."""

    def __init__(self, folder: Path, token: str = "") -> None:
        self.clock = MovedClock()
        self.database = Database.open(folder / "roomtone.db")
        self.records = SqlRecords(self.database)
        self.metrics = Metrics(self.records, self.clock, folder / "roomtone.db", token)
        self.status = 202

        async def door(request: Any) -> Response:
            return Response(status_code=self.status)

        routes = self.metrics.doors([Route("/v1/collect", door, methods=["POST"])])
        application = create_app(
            [*routes, *self.metrics.routes()],
            ready,
            nothing,
            turned_away=self.metrics.turned_away,
        )
        self.traffic = application.middleware_stack
        self.client = TestClient(application, raise_server_exceptions=False)

    def told(self) -> dict[str, float]:
        """Every sample by its name and labels."""
        page = self.client.get("/metrics")
        assert page.status_code == 200, page.text
        return {
            sample.name + "".join(f" {label}={value}" for label, value in sample.labels.items()):
            sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
        }  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


def test_every_metric_is_documented_and_nothing_else_is(world: World) -> None:
    page = world.client.get("/metrics").text
    told = set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
    documented = set(re.findall(r"^\| `((?:roomtone|process)_\w+)", DOCUMENT.read_text(), re.M))

    assert told == documented


def test_every_label_is_documented(world: World) -> None:
    rows = DOCUMENT.read_text()
    for family in world.metrics.registry.collect():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        for row in re.findall(rf"^\| `{family.name}\w*` .*$", rows, re.MULTILINE):
            assert {label for label in labels if f"`{label}`" not in row} == set()


def test_a_batch_counts_as_accepted_or_by_why_it_was_refused(world: World) -> None:
    for status in (202, 202, 422, 429, 503):
        world.status = status
        world.client.post("/v1/collect")
    told = world.told()

    assert told["roomtone_batches_accepted_total door=collect"] == 2
    for reason in ("invalid", "too_many", "unavailable"):
        assert told[f"roomtone_batches_refused_total door=collect reason={reason}"] == 1
    assert told["roomtone_batches_refused_total door=message reason=invalid"] == 0


def test_what_is_turned_away_before_it_is_read_is_counted_as_well(world: World) -> None:
    world.traffic._most = 0
    for path in ("/v1/collect", "/in/an-inlet", "/api/v1/message"):
        assert world.client.post(path, content=b"{}").status_code == 503
    for _ in range(2):
        assert world.client.get("/sessions").status_code == 503
    told = world.told()

    for door in ("collect", "message", "inlets"):
        assert told[f"roomtone_batches_refused_total door={door} reason=busy"] == 1
    assert told["roomtone_batches_refused_total door=collect reason=unavailable"] == 0
    assert told["roomtone_requests_refused_total"] == 2


def test_appends_are_timed(world: World) -> None:
    journal = world.metrics.journal(MemoryJournal())
    asyncio.run(journal.append([]))

    assert asyncio.run(journal.last_seq(b"nobody")) is None
    assert world.told()["roomtone_append_seconds_count"] == 1


def test_a_sealed_session_counts_with_what_was_found_but_echoes(world: World) -> None:
    finding = Finding(
        id="uplink_loss", severity="error", start="", end=None, peer_id="p", side="uplink",
        blamed_peer_id="p", other_peer_id=None, stream=None, worst=None, unit=None, echo_of=None,
        title="", advice="", evidence=(),
    )  # fmt: skip
    echo = replace(finding, id="remote_uplink_loss", severity="info", echo_of="uplink_loss@p")
    session = Session(
        id="s", app_id="a", meeting_id="m", title="", status=ENDED, started_at=T0,
        created_at=T0, updated_at=T0, sealed_at=T0 + 1_500,
    )  # fmt: skip
    digest = Digest(
        session_id="s", app_id="a", started_at=T0, closed_ms=0, peers=(), findings=(finding, echo)
    )
    world.metrics.sealed(session, digest)
    told = world.told()

    assert told["roomtone_findings_total id=uplink_loss severity=error"] == 1
    assert told["roomtone_findings_total id=remote_uplink_loss severity=info"] == 0
    assert told["roomtone_sealing_seconds_sum"] == 1.5


def test_gauges_say_how_the_rows_stand(world: World) -> None:
    plain = {"app_id": "a", "meeting_id": "m", "title": "", "started_at": T0, "created_at": T0}

    def put(tx: Any) -> None:
        live = Session(id="live", live_participants=3, updated_at=T0, **plain)
        late = Session(id="late", status=ENDED, updated_at=world.clock.t - 90_000, **plain)
        tx.sessions.put_session(live)
        tx.sessions.put_session(late)

    asyncio.run(world.records.write(put))
    told = world.told()

    assert told["roomtone_sessions_live"] == 1
    assert told["roomtone_peers_live"] == 3
    assert told["roomtone_sessions_unsealed"] == 1
    assert told["roomtone_sealing_lag_seconds"] == 90
    assert told["roomtone_database_bytes"] > 4_096


def test_while_the_database_is_away_the_counters_are_told_and_the_gauges_are_no_numbers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any) -> None:
        raise Failed("PostgreSQL: it did not answer a moment ago", "Start it.")

    assert world.told()["roomtone_database_up"] == 1
    world.client.post("/v1/collect")
    with monkeypatch.context() as patched:
        patched.setattr(world.records, "read", away)
        told = world.told()

    assert told["roomtone_database_up"] == 0
    assert told["roomtone_batches_accepted_total door=collect"] == 1
    assert {name for name, value in told.items() if math.isnan(value)} == set(ROWS)
    back = world.told()
    assert back["roomtone_database_up"] == 1
    assert back["roomtone_sessions_live"] == 0


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(status=204), "delivered"),
        (Answer(status=404), "refused"),
        (Answer(status=301), "refused"),
        (Answer(status=502), "failed"),
        (Answer(error="no such host"), "unreachable"),
        (Answer(forbidden=True, error="a private address"), "forbidden"),
    ],
)
def test_a_try_to_deliver_counts_by_what_came_of_it(
    world: World, answer: Answer, outcome: str
) -> None:
    class Courier:
        async def post(self, url: str, headers: Any, body: bytes) -> Answer:
            return answer

    told = asyncio.run(world.metrics.courier(Courier()).post("", {}, b""))

    assert (told, outcome_of(answer)) == (answer, outcome)
    assert world.told()[f"roomtone_webhook_tries_total outcome={outcome}"] == 1
    assert outcome in OUTCOMES


def test_with_a_token_only_who_sends_it_may_read(tmp_path: Path) -> None:
    world = World(tmp_path, token="a scraper's token")
    answers = [
        world.client.get("/metrics", headers={"authorization": said}).status_code
        for said in ("", "Bearer ", "Bearer another", "Bearer a scraper's token")
    ]
    world.database.close()

    assert answers == [401, 401, 401, 200]
