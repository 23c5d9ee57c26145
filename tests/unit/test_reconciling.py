"""One connection that several sources tell of: one row, the right times, and who decided them."""

import asyncio

import pytest

from reconcile_world import (
    World,
    client,
    joined,
    left,
    media,
    room,
    seconds,
    server,
)
from roomtone.model.facts import Attempted, Described


def tell(*batches, turns: int = 1):
    """The world after all that was told, each batch by itself."""

    async def scenario() -> tuple[dict, object]:
        world = await World().furnish()
        for batch in batches * turns:
            await world.tell([batch])
        return await world.rows(), await world.session()

    return asyncio.run(scenario())


def stays(rows) -> dict[str, tuple[float | None, float | None]]:
    return {
        peer_id: (seconds(row.joined_at), seconds(row.left_at))
        for peer_id, row in rows.items()
        if row.counts
    }


CLIENT = (
    client(0, "tab", joined(1), at=1),
    client(0, "tab", media(2), at=2.2),
    client(0, "tab", media(60), at=60.2),
    client(0, "tab", left(99), at=99.2),
)


def test_server_and_client_of_one_person_are_one_connection() -> None:
    rows, session = tell(server(0, "PA_1", "joined", 0), *CLIENT, server(0, "PA_1", "left", 100))
    assert stays(rows) == {"tab": (0, 99)}
    assert rows["tab"].decided == {"joined": "livekit", "left": "client"}
    assert rows["PA_1"].merged_into == "tab"
    assert rows["PA_1"].origin == "livekit"
    assert (session.total_participants, session.max_concurrent_participants) == (1, 1)
    assert session.decided == {"started": "livekit", "ended": "client"}


def test_left_without_joined_counts_nobody_below_zero() -> None:
    rows, session = tell(server(0, "PA_1", "left", 100))
    assert stays(rows) == {"PA_1": (100, 100)}
    assert (session.live_participants, session.closed_ms) == (0, 0)
    rows, session = tell(server(0, "PA_1", "left", 100), server(0, "PA_1", "joined", 40, at=160))
    assert stays(rows) == {"PA_1": (40, 100)}
    assert session.closed_ms == 60_000


def test_joined_twice_is_there_once() -> None:
    rows, session = tell(
        server(0, "PA_1", "joined", 0),
        server(0, "PA_1", "joined", 50),
        server(0, "PA_1", "left", 100),
    )
    assert stays(rows) == {"PA_1": (0, 100)}
    assert session.max_concurrent_participants == 1


def test_a_client_that_reports_after_the_server_saw_it_leave_has_left() -> None:
    rows, _ = tell(
        server(0, "PA_1", "joined", 0),
        client(0, "tab", joined(1), media(2), at=2),
        server(0, "PA_1", "left", 50),
        client(0, "tab", media(200), at=200),
    )
    assert stays(rows) == {"tab": (0, 50)}
    assert rows["tab"].decided["left"] == "livekit"


def test_but_not_if_it_joins_again() -> None:
    rows, session = tell(
        server(0, "PA_1", "joined", 0),
        client(0, "tab", joined(1), media(2), at=2),
        server(0, "PA_1", "left", 50),
        client(0, "tab", joined(60), media(61), at=61),
    )
    assert stays(rows) == {"tab": (0, None)}
    assert session.live_participants == 1


def test_a_rejoin_within_seconds_is_another_sid_of_the_same_tab() -> None:
    rows, _ = tell(
        server(0, "PA_1", "joined", 0),
        client(0, "tab", joined(1), media(2), at=2),
        server(0, "PA_1", "left", 50),
        server(0, "PA_2", "joined", 53),
        client(0, "tab", media(80), at=80),
        server(0, "PA_2", "left", 100),
    )
    assert stays(rows) == {"tab": (0, 100)}
    assert {row.merged_into for row in rows.values()} == {None, "tab"}


def test_two_tabs_and_two_sids_are_two_connections_of_one_person() -> None:
    rows, session = tell(
        server(0, "PA_1", "joined", 0, source="janus"),
        client(0, "one", joined(0.5), media(2), at=2),
        server(0, "PA_2", "joined", 30, source="janus"),
        client(0, "two", joined(31), media(32), at=32),
    )
    assert stays(rows) == {"one": (0, None), "two": (30, None)}
    assert (session.total_participants, session.live_participants) == (1, 2)


def test_a_reload_is_two_connections_though_a_leave_was_lost() -> None:
    rows, session = tell(
        server(0, "PA_1", "joined", 0),
        client(0, "one", joined(1), media(2), media(48), at=48),
        server(0, "PA_2", "joined", 52),
        client(0, "two", joined(53), media(54), at=54),
    )
    assert stays(rows) == {"one": (0, 52), "two": (52, None)}
    assert session.live_participants == 1


@pytest.mark.parametrize("ahead", [-180, 180])
def test_a_servers_clock_may_be_minutes_off(ahead: int) -> None:
    def off(what, t):
        return server(0, "PA_1", what, t + ahead, at=t + 0.2)

    rows, _ = tell(off("joined", 0), *CLIENT, off("media", 3), off("left", 100))
    ((joined_at, left_at),) = stays(rows).values()
    assert joined_at == pytest.approx(0, abs=1)
    assert left_at == 99


@pytest.mark.parametrize("ahead", [-120, 120])
def test_a_clients_clock_may_be_minutes_off(ahead: int) -> None:
    rows, _ = tell(
        server(0, "PA_1", "joined", 0),
        client(0, "tab", joined(1 + ahead), media(2 + ahead), at=2.2),
        client(0, "tab", media(60 + ahead), at=60.2),
        server(0, "PA_1", "left", 100),
    )
    assert stays(rows) == {"tab": (0, 100)}


def test_webhooks_that_come_minutes_late_change_nothing() -> None:
    rows, session = tell(
        *CLIENT,
        server(0, "PA_1", "joined", 0, at=400),
        server(0, "PA_1", "left", 100, at=401),
    )
    assert len(stays(rows)) == 1
    assert stays(rows)["tab"] == (0, 99)
    assert session.closed_ms == 99_000


def test_the_room_ended_and_no_leave_was_told() -> None:
    story = (
        server(0, "PA_1", "joined", 0),
        server(1, "PA_2", "joined", 10),
        *CLIENT[:3],
        room("room_ended", 100),
    )
    for order in (story, story[::-1]):
        rows, session = tell(*order)
        assert stays(rows) == {"tab": (0, 100), "PA_2": (10, 100)}
        assert rows["PA_2"].left_reason == "room_ended"
        assert session.live_participants == 0
        assert session.decided["ended"] == "livekit"


def test_a_room_that_starts_anew_has_lost_everybody() -> None:
    rows, session = tell(
        room("room_started", 0),
        server(0, "PA_1", "joined", 0),
        room("room_started", 300),
        server(0, "PA_2", "joined", 301),
        server(1, "PA_3", "joined", 302),
    )
    assert stays(rows) == {"PA_1": (0, 300), "PA_2": (301, None), "PA_3": (302, None)}
    assert session.live_participants == 2


def test_an_aborted_connection_is_an_attempt() -> None:
    rows, session = tell(
        server(1, "PA_2", "joined", 0),
        server(0, "PA_1", "joined", 5),
        server(0, "PA_1", "aborted", 20),
    )
    assert stays(rows) == {"PA_2": (0, None)}
    assert rows["PA_1"].attempted
    assert rows["PA_1"].left_reason == "attempted"
    assert (session.total_participants, session.live_participants) == (1, 1)


def test_so_it_is_if_the_client_says_that_it_joined_but_not_if_media_flowed() -> None:
    aborted = (server(0, "PA_1", "joined", 5), server(0, "PA_1", "aborted", 20))
    rows, _ = tell(client(0, "tab", joined(6), at=6), *aborted)
    assert rows["tab"].attempted
    rows, _ = tell(client(0, "tab", joined(6), media(8), at=8), *aborted)
    assert rows["tab"].counts


def test_in_and_out_without_media_is_an_attempt_where_media_would_be_told() -> None:
    def visit(source: str):
        return (
            server(0, "PA_1", "joined", 5, source=source),
            server(0, "PA_1", "left", 8, source=source),
        )

    rows, session = tell(*visit("livekit"))
    assert rows["PA_1"].attempted
    assert (session.total_participants, session.closed_ms) == (0, 0)
    rows, _ = tell(*visit("prosody"))
    assert rows["PA_1"].counts
    rows, _ = tell(*visit("livekit"), server(0, "PA_1", "media", 6))
    assert rows["PA_1"].counts


def test_a_client_that_tried_is_an_attempt_until_it_joins() -> None:
    tried = client(0, "tab", Attempted(1_700_000_001_000, "rtcstats"), at=1)
    rows, session = tell(tried)
    assert rows["tab"].attempted
    assert (session.total_participants, session.live_participants) == (0, 0)
    rows, session = tell(tried, client(0, "tab", joined(3), at=3))
    assert stays(rows) == {"tab": (3, None)}
    assert session.live_participants == 1
    rows, session = tell(client(0, "tab", Described(1_700_000_001_000), at=1))
    assert rows == {}


def test_tracks_that_both_name_link_two_identities() -> None:
    rows, session = tell(
        server(0, "PA_1", "joined", 0),
        server(0, "PA_1", "media", 3, same_as=("track-1",)),
        client(1, "tab", joined(1), named("track-1", 4), at=4),
        server(0, "PA_1", "left", 100),
    )
    assert stays(rows) == {"tab": (0, 100)}
    assert session.total_participants == 1


def named(track: str, t: float):
    from msgspec.structs import replace

    from roomtone.model.stats import MediaSource

    snapshot = media(t)
    source = MediaSource(id="s", timestamp=float(snapshot.t), kind="audio", track_identifier=track)
    return replace(snapshot, stats=(*snapshot.stats, source))


def test_two_servers_and_no_client_are_one_connection() -> None:
    rows, _ = tell(
        server(0, "PA_1", "joined", 0),
        server(0, "x-1", "joined", 1, source="generic"),
        server(0, "PA_1", "left", 100),
        server(0, "x-1", "left", 101, source="generic"),
    )
    assert len(stays(rows)) == 1


def test_silence_is_overruled_by_what_a_server_saw_later() -> None:
    async def scenario() -> None:
        world = await World().furnish()
        await world.tell([server(0, "PA_1", "joined", 0)])
        await world.tell([client(0, "tab", joined(1), media(2), media(30), at=30)])
        await world.roster.sweep()
        rows = await world.rows()
        assert seconds(rows["tab"].left_at) == 30
        assert rows["tab"].decided["left"] == "roomtone"
        await world.tell([server(0, "PA_1", "left", 500)])
        rows = await world.rows()
        assert seconds(rows["tab"].left_at) == 500
        assert rows["tab"].decided["left"] == "livekit"

    asyncio.run(scenario())


def test_a_server_that_is_quiet_for_minutes_has_not_lost_anybody() -> None:
    async def scenario() -> None:
        world = await World().furnish()
        await world.tell([server(0, "PA_1", "joined", 0), server(1, "PA_2", "joined", 1)])
        await world.roster.sweep()
        assert len([row for row in await world.counted() if row.left_at is None]) == 2
        world.clock.time += 13 * 3600 * 1000
        await world.roster.sweep()
        assert [row.left_reason for row in await world.counted()] == ["silence"] * 2

    asyncio.run(scenario())


def test_what_is_told_twice_changes_nothing() -> None:
    story = (server(0, "PA_1", "joined", 0), *CLIENT, server(0, "PA_1", "left", 100))
    assert stays(tell(*story)[0]) == stays(tell(*story, turns=3)[0])
