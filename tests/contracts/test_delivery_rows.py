"""What webhooks were told of one session: every adapter keeps what ports/records.py promises."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from databases import database_of
from roomtone.model.hooks import DELIVERED, Delivery
from roomtone.ports.records import Records, Transaction
from roomtone.storage.records import SqlRecords

T = TypeVar("T")
T0 = 1_700_000_000_000


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Callable[[Transaction], T]) -> T:
    return asyncio.run(records.write(change))


def delivery(delivery_id: str, **more: Any) -> Delivery:
    plain = {
        "webhook_id": "w1",
        "app_id": "app",
        "event": "meeting.started",
        "session_id": "s1",
        "cause": f"started:{delivery_id}",
        "body": b"{}",
        **dict.fromkeys(("created_at", "updated_at", "queued_at", "next_try_at"), T0),
    }
    return Delivery(id=delivery_id, **(plain | more))


def told(
    records: Records, session_id: str = "s1", app_id: str = "app", limit: int = 9
) -> list[str]:
    found = asyncio.run(
        records.read(lambda tx: tx.hooks.session_deliveries(app_id, session_id, limit))
    )
    return [one.id for one in found]


@pytest.fixture
def four(records: Records) -> list[Delivery]:
    """In the order in which they are queued; not that of their ids or times."""
    some = [
        delivery("d3"),
        delivery("d1", webhook_id="w2", created_at=T0 - 9),
        delivery("d2", event="meeting.ended"),
        delivery("d0", session_id="s2"),
    ]

    def queue(tx: Transaction) -> None:
        for one in some:
            assert tx.hooks.add_delivery(one)

    write(records, queue)
    return some


def test_those_of_every_webhook_come_latest_first_and_no_others(
    records: Records, four: list[Delivery]
) -> None:
    assert told(records) == ["d2", "d1", "d3"]
    assert told(records, limit=2) == ["d2", "d1"]
    assert told(records, "s2") == ["d0"]
    assert told(records, "s3") == []


def test_the_same_cause_is_queued_once_a_webhook(records: Records, four: list[Delivery]) -> None:
    again = delivery("d9", cause="started:d3")

    assert write(records, lambda tx: tx.hooks.add_delivery(again)) is False
    assert told(records) == ["d2", "d1", "d3"]


def test_another_apps_see_none_of_them(records: Records, four: list[Delivery]) -> None:
    assert told(records, app_id="other") == []


def test_a_try_changes_a_delivery_where_it_stands(records: Records, four: list[Delivery]) -> None:
    tried = replace(four[0], status=DELIVERED, tries=1, response_status=200, delivered_at=T0 + 7)
    write(records, lambda tx: tx.hooks.put_delivery(tried))

    assert told(records) == ["d2", "d1", "d3"]
    last = asyncio.run(records.read(lambda tx: tx.hooks.session_deliveries("app", "s1", 9)))[-1]
    assert last == tried
