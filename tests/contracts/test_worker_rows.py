"""Workers, claims, secrets and nonces hold on every database."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import database_of
from roomtone.storage.database import Database
from roomtone.storage.processes import SharedNonces, SqlWorkers, shared_secret

KINDS = ("sqlite in memory", "sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with database_of(request.param, tmp_path) as opened:
        yield opened


def test_workers_are_listed_in_the_order_of_their_coming_with_beats_that_move(
    database: Database,
) -> None:
    async def story() -> None:
        rows = SqlWorkers(database)
        await rows.beat("a")
        await rows.beat("b")
        before = {one.id: one.beats for one in await rows.beat("a")}
        after = await rows.beat("a")
        assert [one.id for one in after] == ["a", "b"]
        assert after[0].beats > before["a"]
        assert after[1].beats == before["b"]

        await rows.leave("a")
        assert {one.id: one.beats for one in await rows.beat("b")}["a"] == -1
        await rows.bury("a")
        # Who was taken for dead joins anew, behind the others.
        assert [one.id for one in await rows.beat("a")] == ["b", "a"]

    asyncio.run(story())


def test_a_webhook_is_one_workers_until_it_is_released_or_the_worker_is_buried(
    database: Database,
) -> None:
    async def story() -> None:
        rows = SqlWorkers(database)
        await rows.beat("a")
        assert await rows.claim("a", "hook")
        assert await rows.claim("a", "hook"), "again is no harm"
        assert not await rows.claim("b", "hook")
        await rows.release("b", "hook")
        assert rows.holds("a", "hook")
        await rows.release("a", "hook")
        assert await rows.claim("b", "hook")
        await rows.bury("b")
        assert not rows.holds("b", "hook")
        assert await rows.claim("a", "hook")

    asyncio.run(story())


def test_many_that_claim_at_once_are_told_yes_once(database: Database) -> None:
    async def story() -> list[bool]:
        rows = SqlWorkers(database)
        return await asyncio.gather(*(rows.claim(f"w{n}", "hook") for n in range(20)))

    assert asyncio.run(story()).count(True) == 1


def test_the_secret_is_made_once(database: Database) -> None:
    first = shared_secret(database)
    assert len(first) == 32
    assert shared_secret(database) == first


def test_a_nonce_is_used_up_once_and_forgotten_when_nobody_would_take_it(
    database: Database,
) -> None:
    nonces = SharedNonces(database)
    assert not nonces.used("n")
    assert nonces.use("n", until=100, now=1)
    assert not nonces.use("n", until=100, now=2)
    assert nonces.used("n")
    assert nonces.use("m", until=300, now=101)
    assert not nonces.used("n")
