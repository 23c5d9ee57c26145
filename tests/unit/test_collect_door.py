"""What a page of another origin can see of the collector's answers."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from roomtone.model.errors import Failed, TooMany
from roomtone.model.facts import Located
from roomtone.services.collect import Receipt
from roomtone.web.collector import Doors


class Answering:
    """A collector that does one thing with every batch."""

    def __init__(self, what: Receipt | Exception) -> None:
        self._what = what

    def expect(self, *_: Any) -> None:
        """Anybody."""

    async def collect(self, *_: Any) -> Receipt:
        """As told."""
        if isinstance(self._what, Exception):
            raise self._what
        return self._what


def posted(what: Receipt | Exception) -> httpx.Response:
    doors = Doors(Answering(what), lambda _address, t: Located(t), frozenset())  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=doors.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as client:
            return await client.post("/v1/collect?token=t", content=b"{}")

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (Receipt(1, 2, False), 202),
        (TooMany("Too many.", 7), 429),
        (Failed("the disk is full", "make room"), 503),
    ],
)
def test_a_page_sees_the_answer_and_when_to_come_back(
    what: Receipt | Exception, status: int
) -> None:
    answer = posted(what)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "retry-after"
    assert ("retry-after" in answer.headers) == (status != 202)
    assert "disk" not in answer.text
