"""Under load: refused early, with a time to come back, and as soon as there is room all is well."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from roomtone.web import traffic
from roomtone.web.errors import exception_handlers
from roomtone.web.traffic import Traffic


class Site:
    """An application whose requests wait until they are told to go on."""

    def __init__(self, **limits: int) -> None:
        self.go = asyncio.Event()
        self.arrived = 0

        async def slow(request: Request) -> Response:
            await request.body()
            self.arrived += 1
            await self.go.wait()
            return Response("done")

        async def stream(_: Request) -> Response:
            async def pieces() -> Any:
                yield b"begun"
                self.arrived += 1
                await self.go.wait()

            return StreamingResponse(pieces())

        async def named(_: Request) -> Response:
            return JSONResponse(get_contextvars())

        async def fine(_: Request) -> Response:
            return Response("fine")

        self.application = Starlette(
            routes=[
                Route("/slow", slow, methods=["GET", "POST"]),
                Route("/v1/collect", slow, methods=["POST"]),
                Route("/stream", stream),
                Route("/named", named),
                Route("/healthz", fine),
            ],
            middleware=[Middleware(Traffic, **limits)],
            exception_handlers=exception_handlers(),
        )

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.application)
        return httpx.AsyncClient(transport=transport, base_url="http://a.example")

    async def until(self, arrived: int) -> None:
        """Until so many requests wait."""
        for _ in range(2_000):
            if self.arrived >= arrived:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"only {self.arrived} of {arrived} came")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_comes_when_it_is_full_is_told_at_once_when_to_come_back(method: str) -> None:
    async def main() -> None:
        site = Site(most=3)
        async with site.client() as client:
            body = b"x" if method == "POST" else None
            waiting = [
                asyncio.create_task(client.request(method, "/slow", content=body)) for _ in range(3)
            ]
            await site.until(3)

            refused = await client.request(method, "/slow", content=body)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert refused.json()["success"] is False
            # Without which RealtimeKit's client keeps what it could not send.
            assert "access-control-allow-origin" not in refused.headers
            assert (await client.get("/healthz")).status_code == 200

            site.go.set()
            assert {(await one).status_code for one in waiting} == {200}
            assert (await client.get("/slow")).status_code == 200

    asyncio.run(main())


def test_batches_have_a_smaller_share_of_the_places() -> None:
    async def main() -> None:
        site = Site(most=4, most_batches=2)
        async with site.client() as client:
            batches = [
                asyncio.create_task(client.post("/v1/collect", content=b"x")) for _ in range(2)
            ]
            await site.until(2)
            assert (await client.post("/v1/collect", content=b"x")).status_code == 503
            assert (await client.get("/named")).status_code == 200
            others = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
            await site.until(4)
            assert (await client.get("/named")).status_code == 503

            site.go.set()
            answers = await asyncio.gather(*batches, *others)
            assert {one.status_code for one in answers} == {200}
            assert (await client.post("/v1/collect", content=b"x")).status_code == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        ({"content-length": "3000"}, False),
        ({"content-length": "3000000"}, True),
        ({"content-length": "3000", "expect": "100-continue"}, True),
        ({"transfer-encoding": "chunked"}, True),
    ],
)
def test_only_a_long_body_that_nobody_reads_costs_the_connection(
    headers: dict[str, str], closes: bool
) -> None:
    async def main() -> None:
        site = Site(most_batches=0)
        async with site.client() as client:
            refused = await client.post("/v1/collect", content=b"x", headers=headers)
            assert refused.status_code == 503
            assert (refused.headers.get("connection") == "close") is closes

    asyncio.run(main())


def test_who_was_refused_together_does_not_come_back_together() -> None:
    async def main() -> None:
        site = Site(most_batches=0)
        async with site.client() as client:
            pauses = {
                int((await client.post("/v1/collect", content=b"x")).headers["retry-after"])
                for _ in range(40)
            }
            assert len(pauses) > 2
            assert min(pauses) > 0

    asyncio.run(main())


def test_the_log_tells_of_refusals_and_not_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        site = Site(most_batches=0)
        async with site.client() as client:
            for _ in range(20):
                await client.post("/v1/collect", content=b"x")

    with capture_logs() as told:
        asyncio.run(main())
        assert [(one["log_level"], one["refused"]) for one in told] == [("warning", 1)]
        monkeypatch.setattr(traffic, "TOLD_EVERY_S", 0.0)
        asyncio.run(main())
    assert len(told) == 21


def test_who_dawdles_with_a_body_takes_nobodys_place() -> None:
    async def main() -> None:
        site = Site(most=1)
        more = asyncio.Event()

        async def dripping() -> Any:
            yield b"a"
            await more.wait()
            yield b"b"

        async with site.client() as client:
            dawdling = [
                asyncio.create_task(client.post("/slow", content=dripping())) for _ in range(5)
            ]
            await asyncio.sleep(0.1)
            assert (await client.get("/named")).status_code == 200
            site.go.set()
            more.set()
            assert {(await one).status_code for one in dawdling} == {200}

    asyncio.run(main())


def test_an_answer_that_goes_on_for_ever_takes_nobodys_place() -> None:
    async def main() -> None:
        site = Site(most=1)
        async with site.client() as client:
            streams = []
            for number in range(3):
                streams.append(asyncio.create_task(client.get("/stream")))
                await site.until(number + 1)
            assert (await client.get("/named")).status_code == 200
            site.go.set()
            await asyncio.gather(*streams)

    asyncio.run(main())


def test_bodies_that_are_too_much_together_are_503_and_are_forgotten() -> None:
    async def main() -> None:
        site = Site(most_bytes=1_000)
        async with site.client() as client:
            held = asyncio.create_task(client.post("/slow", content=b"x" * 900))
            await site.until(1)
            refused = await client.post("/slow", content=b"x" * 200)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert (await client.get("/named")).status_code == 200
            site.go.set()
            assert (await held).status_code == 200
            assert (await client.post("/slow", content=b"x" * 900)).status_code == 200

    asyncio.run(main())


@pytest.mark.parametrize("given", ["abc-1.2:3_4", "a" * 64])
def test_a_good_request_id_goes_through(given: str) -> None:
    async def main() -> None:
        async with Site().client() as client:
            answer = await client.get("/named", headers={"x-request-id": given})
            assert answer.headers["x-request-id"] == given
            assert answer.json()["request_id"] == given

    asyncio.run(main())


@pytest.mark.parametrize("given", [None, "", "a" * 65, "a b", "a\tb", "ä".encode(), b"\x1b[2J"])
def test_any_other_is_replaced_by_one_of_ours(given: Any) -> None:
    async def main() -> None:
        async with Site().client() as client:
            headers = {} if given is None else {"x-request-id": given}
            ids = [(await client.get("/named", headers=headers)).headers for _ in range(2)]
            made = [one["x-request-id"] for one in ids]
            assert all(len(one) == 16 and int(one, 16) >= 0 for one in made)
            assert made[0] != made[1]

    asyncio.run(main())
