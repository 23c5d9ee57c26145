"""A session's numbers: true after every change, and made from what changed alone."""

import asyncio

import pytest
from msgspec.structs import replace

from reconcile_world import PEOPLE, T0, World, client, joined, left, server
from roomtone.model.presence import Presence
from roomtone.model.sessions import Session
from roomtone.services import holding
from roomtone.services.crowds import Crowd


@pytest.fixture
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many rows each crowd was made that nothing was remembered of."""
    sizes: list[int] = []

    def counted(peers):
        peers = list(peers)
        sizes.append(len(peers))
        return Crowd(peers)

    monkeypatch.setattr(holding, "Crowd", counted)
    return sizes


async def _all_came(world: World) -> Session:
    for person in range(PEOPLE):
        await world.tell([client(person, f"tab{person}", joined(person), at=person)])
    session = await world.session()
    assert session is not None
    return session


def test_a_join_or_leave_reads_no_row_of_anybody_else(counted_anew: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        await _all_came(world)
        for person in range(PEOPLE):
            await world.tell([client(person, f"tab{person}", left(50 + person), at=60)])
        session = await world.session()
        assert (session.live_participants, session.max_concurrent_participants) == (0, PEOPLE)
        assert session.closed_ms == PEOPLE * 50_000

    asyncio.run(scenario())
    assert counted_anew == [1], "the first to come, of whose session nothing was known"


def test_what_a_server_tells_is_counted_from_what_changed_too(counted_anew: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        for person in range(PEOPLE):
            await world.tell([server(person, f"PA_{person}", "joined", person)])
        session = await world.session()
        assert session.live_participants == PEOPLE

    asyncio.run(scenario())
    assert counted_anew == [1]


def test_a_time_that_is_corrected_moves_the_peak() -> None:
    async def scenario() -> None:
        world = await World().furnish()
        await world.tell([client(0, "tab0", joined(0), left(20), at=20)])
        await world.tell([client(1, "tab1", joined(30), left(40), at=40)])
        session = await world.session()
        assert session.max_concurrent_participants == 1
        # An earlier join of the second comes late.
        await world.tell([client(1, "tab1", joined(10), at=40, key="late")])
        session = await world.session()
        assert session.max_concurrent_participants == 2

    asyncio.run(scenario())


def test_a_row_that_others_took_away_is_missed(counted_anew: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        await _all_came(world)
        gone = (await world.rows())["tab1"].subject
        await world.records.write(lambda tx: tx.sessions.drop_peer(gone))
        await world.tell([client(0, "tab0", left(50), at=50)])
        session = await world.session()
        assert (session.total_participants, session.live_participants) == (3, 2)

    asyncio.run(scenario())
    assert counted_anew == [1, PEOPLE - 1]


def test_a_session_that_others_changed_is_counted_anew(counted_anew: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        session = await _all_came(world)
        there = (await world.rows())["tab1"]
        away = replace(there, left_at=T0 + 30_000, presence=Presence())

        def change(tx) -> None:
            tx.sessions.put_peer(away)
            tx.sessions.put_session(replace(session, updated_at=session.updated_at + 1))

        await world.records.write(change)
        await world.tell([client(0, "tab0", left(50), at=50)])
        session = await world.session()
        assert session.live_participants == PEOPLE - 2

    asyncio.run(scenario())
    assert counted_anew == [1, PEOPLE]
