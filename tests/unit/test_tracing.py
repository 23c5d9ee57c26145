"""Spans, in memory: what they say, and what they keep to themselves."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.ports.courier import Answer
from roomtone.ports.journal import Batch
from roomtone.services.tracing import UNTRACED
from roomtone.storage.memory import MemoryJournal
from roomtone.web.tracing import Tracing

SECRET = "quokka"


class World:
    """Tracing whose spans stay here."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing("all", "worker", self.exporter)

    def spans(self):
        self.tracing.provider.force_flush()
        return self.exporter.get_finished_spans()


@pytest.fixture
def world() -> World:
    return World()


def test_nobody_is_told_of_anything_where_nobody_asked():
    def app() -> None:
        return None

    journal = MemoryJournal()

    assert UNTRACED.application(app) is app
    assert UNTRACED.journal(journal) is journal
    with UNTRACED.work("seal"):
        UNTRACED.close()


def test_a_request_is_named_after_its_route_and_not_its_path(world):
    async def there(request):
        with world.tracing.work("seal", of="session"):
            return Response(status_code=200, headers={"x-request-id": "r1"})

    async def fails(request):
        raise RuntimeError(f"it said {SECRET}")

    app = world.tracing.application(
        Starlette(routes=[Route("/in/{name}", there), Route("/fails", fails)])
    )

    async def ask():
        way = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=way, base_url="http://x") as client:
            headers = {"authorization": SECRET}
            await client.get(f"/in/{SECRET}?token={SECRET}", headers=headers)
            await client.request("ODD", f"/nowhere/{SECRET}")
            await client.get("/fails")

    asyncio.run(ask())

    inner, request, nowhere, failed = world.spans()
    assert inner.parent.span_id == request.context.span_id
    assert request.name == "GET /in/{name}"
    assert request.attributes["roomtone.request_id"] == "r1"
    assert nowhere.name == "_OTHER other"
    assert nowhere.attributes["http.response.status_code"] == 404
    assert nowhere.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "RuntimeError"
    assert SECRET not in "".join(span.to_json() for span in world.spans())


def test_an_append_is_a_span_with_a_number_and_no_words(world):
    journal = world.tracing.journal(MemoryJournal())
    batch = Batch(Subject("a", "m", SECRET, "p"), f"s:{SECRET}", 1, (), Presence())

    assert asyncio.run(journal.append([batch])) == [True]
    assert asyncio.run(journal.last_seq(b"")) is None  # the rest of the port is there as well
    (span,) = world.spans()
    assert span.name == "journal append"
    assert dict(span.attributes) == {"roomtone.batches": 1}


def test_a_delivery_names_the_host_and_what_came_of_it(world):
    class Courier:
        async def post(self, url, headers, body):
            if body == b"raise":
                raise TimeoutError(SECRET)
            return Answer(status=503, body=SECRET)

    courier = world.tracing.courier(Courier())
    url = f"https://user:{SECRET}@hooks.example/{SECRET}?k={SECRET}"
    asyncio.run(courier.post(url, {"authorization": SECRET}, SECRET.encode()))
    with suppress(TimeoutError):
        asyncio.run(courier.post(url, {}, b"raise"))

    answered, raised = world.spans()
    assert answered.attributes["server.address"] == "hooks.example"
    assert answered.attributes["roomtone.outcome"] == "failed"
    assert raised.attributes["error.type"] == "TimeoutError"
    assert SECRET not in answered.to_json() + raised.to_json()
