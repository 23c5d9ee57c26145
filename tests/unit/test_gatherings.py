"""What settling remembers: the same rows as without it, from a few rows a change."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile_world import PEOPLE, World, client, joined, left, media, server
from roomtone.report.linking import Seen
from roomtone.services import reconciling
from roomtone.services.gatherings import Gathering, Held
from roomtone.services.roster import Roster


@pytest.fixture
def ruled_on(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many peers each settling ruled on."""
    sizes: list[int] = []
    real = reconciling.reconcile

    def counted(peers, clocks=None):
        sizes.append(len(peers))
        return real(peers, clocks)

    monkeypatch.setattr(reconciling, "reconcile", counted)
    return sizes


async def _call(world: World, connections: int) -> None:
    """Everybody is in the room again and again, by their own word and a server's."""
    for n in range(connections):
        person, t = n % PEOPLE, 100 * n
        await world.tell([server(person, f"PA_{n}", "joined", t)])
        await world.tell([client(person, f"tab{n}", joined(t + 1), media(t + 2), at=t + 2)])
        await world.tell([client(person, f"tab{n}", left(t + 50), at=t + 50)])
        await world.tell([server(person, f"PA_{n}", "left", t + 50)])


def test_a_change_touches_the_one_whom_it_is_about(ruled_on: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        for person in range(PEOPLE):
            await world.tell([server(person, f"PA_{person}", "joined", person)])
        del ruled_on[:]
        for person in range(PEOPLE):
            await world.tell([server(person, f"PA_{person}", "media", 10 + person)])
            await world.tell([server(person, f"PA_{person}", "left", 20 + person)])
        session = await world.session()
        assert session.decided == {"started": "livekit", "ended": "livekit"}
        assert (session.total_participants, session.live_participants) == (PEOPLE, 0)

    asyncio.run(scenario())
    assert ruled_on == [1] * (2 * PEOPLE)


def test_a_clock_that_turns_out_to_be_off_touches_everybody(ruled_on: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        for person in range(PEOPLE):
            await world.tell([server(person, f"PA_{person}", "joined", 100 + person)])
        del ruled_on[:]
        # Told a minute before it happened: the server's clock is ahead, for all of them.
        await world.tell([server(0, "PA_0", "media", 200, at=140)])
        rows = await world.rows()
        first = rows["PA_1"].joined_at
        assert first == rows["PA_2"].joined_at - 1_000

    asyncio.run(scenario())
    assert ruled_on == [PEOPLE]


def test_rows_that_were_taken_away_are_not_believed_in(ruled_on: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        for person in range(PEOPLE):
            await world.tell([server(person, f"PA_{person}", "joined", person)])
        gone = (await world.rows())["PA_1"].subject
        await world.records.write(lambda tx: tx.sessions.drop_peer(gone))
        del ruled_on[:]
        await world.tell([server(0, "PA_0", "left", 20)])
        assert set(await world.rows()) == {"PA_0", "PA_2", "PA_3"}

    asyncio.run(scenario())
    assert ruled_on == [PEOPLE - 1]


def test_a_roster_that_another_overtook_begins_anew(ruled_on: list[int]) -> None:
    async def scenario() -> None:
        world = await World().furnish()
        for person in range(2):
            await world.tell([server(person, f"PA_{person}", "joined", person)])
        ours, theirs = world.roster, Roster(world.journal, world.records, world.clock, 90)
        world.roster = theirs
        await world.tell([server(2, "PA_2", "joined", 2)])
        world.roster = ours
        del ruled_on[:]
        await world.tell([server(0, "PA_0", "left", 20)])

    asyncio.run(scenario())
    assert ruled_on == [3]


def shown(rows) -> dict[str, tuple[object, ...]]:
    return {
        peer_id: (row.joined_at, row.left_at, row.left_reason, row.merged_into, row.decided)
        for peer_id, row in rows.items()
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3 * PEOPLE))
def test_remembering_changes_nothing(connections: int) -> None:
    async def scenario() -> None:
        remembering = await World().furnish()
        await _call(remembering, connections)
        forgetful = await World().furnish()
        # What no transaction confirms is forgotten.
        forgetful.roster._gatherings.committed = lambda _: None  # type: ignore[method-assign]
        await _call(forgetful, connections)
        assert shown(await remembering.rows()) == shown(await forgetful.rows())

    asyncio.run(scenario())


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roomtone.services.gatherings.MAX_GATHERED", 5)
    held: Held[Gathering] = Held()
    for name in "abc":
        held.begin(believed=True)
        batch = server(0, "PA", "joined", 1).presence
        peers = [Seen(f"{name}{n}".encode(), f"p{n}", f"u{n}", batch) for n in range(2)]
        held.keep(name, Gathering(peers))
        held.committed()
    held.begin(believed=True)
    assert held.take("a") is None
    assert len(held.take("c") or ()) == 2
