"""The origins of an app, in every adapter of the records."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from databases import database_of
from roomtone.model.tenancy import App
from roomtone.ports.records import Records
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Any) -> Any:
    return asyncio.run(records.write(change))


def read(records: Records, ask: Any) -> Any:
    return asyncio.run(records.read(ask))


def test_origins_outlive_a_change_of_their_app_and_are_of_it_alone(records: Records) -> None:
    one = App(id="one", account_id="a", name="One", signing_key="00", created_at=T0)
    write(records, lambda tx: tx.tenants.put_app(one))
    write(records, lambda tx: tx.tenants.put_app(replace(one, id="two")))
    assert read(records, lambda tx: tx.tenants.origins("one")) == ()
    write(records, lambda tx: tx.tenants.put_origins("one", ("https://a", "https://b")))
    write(records, lambda tx: tx.tenants.put_app(replace(one, name="Uno")))
    assert read(records, lambda tx: tx.tenants.origins("one")) == ("https://a", "https://b")
    assert read(records, lambda tx: tx.tenants.origins("two")) == ()
    assert read(records, lambda tx: tx.tenants.origins("three")) == ()
    write(records, lambda tx: tx.tenants.put_origins("one", ()))
    assert read(records, lambda tx: tx.tenants.origins("one")) == ()
