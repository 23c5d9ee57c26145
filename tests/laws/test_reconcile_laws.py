"""Whatever comes in whatever order, the record is the same; and it is what took place."""

import asyncio
from dataclasses import dataclass

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from reconcile_world import (
    SECOND,
    T0,
    World,
    client,
    joined,
    left,
    media,
    naive_peak,
    room,
    server,
)
from roomtone.model.sessions import Peer
from roomtone.report.linking import Seen
from roomtone.report.reconcile import reconcile
from roomtone.services.register import covered_ms

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A story is short enough to be read as it is; to shrink one takes minutes."""

# --- anything at all -----------------------------------------------------------------------------

MOMENT = st.integers(0, 120)
LATE = st.sampled_from([0, 0, 0, 1, 90, -60])
PERSON = st.integers(0, 2)
CLIENTS = st.builds(
    lambda person, tab, make, t, late: client(person, f"tab-{person}-{tab}", make(t), at=t + late),
    PERSON,
    st.integers(0, 1),
    st.sampled_from([joined, media, left]),
    MOMENT,
    LATE,
)
SERVERS = st.builds(
    lambda person, sid, what, t, late, source: server(
        person, f"{source}-{person}-{sid}", what, t, at=t + late, source=source
    ),
    PERSON,
    st.integers(0, 1),
    st.sampled_from(["joined", "media", "left", "left", "aborted"]),
    MOMENT,
    LATE,
    st.sampled_from(["livekit", "livekit", "prosody"]),
)
ROOMS = st.builds(room, st.sampled_from(["room_started", "room_ended"]), MOMENT)
STORIES = st.lists(
    CLIENTS | SERVERS | ROOMS,
    min_size=1,
    max_size=14,
    # A key that comes again is a repetition, and what counts is when its first came.
    unique_by=lambda batch: (batch.subject, batch.key),
)


def shown(peer: Peer) -> tuple[object, ...]:
    return (
        peer.joined_at,
        peer.left_at,
        peer.left_reason,
        peer.origin,
        peer.merged_into,
        peer.decided,
    )


async def outcome(world: World) -> object:
    session = await world.session()
    rows = {peer_id: shown(peer) for peer_id, peer in (await world.rows()).items()}
    if session is None:
        return rows
    return (
        rows,
        session.started_at,
        session.live_participants,
        session.max_concurrent_participants,
        session.total_participants,
        session.closed_ms,
        session.live_since_sum,
        session.empty_since,
        session.decided,
    )


@settings(max_examples=40, deadline=None, phases=UNSHRUNK)
@given(STORIES, st.randoms(use_true_random=False))
def test_the_record_does_not_depend_on_order_or_repetition(story, dice):
    async def scenario() -> None:
        at_once = await World().furnish()
        await at_once.tell(story)
        bit_by_bit = await World().furnish()
        told = story * 2
        dice.shuffle(told)
        while told:
            size = dice.randint(1, len(told))
            await bit_by_bit.tell(told[:size])
            told = told[size:]
        assert await outcome(bit_by_bit) == await outcome(at_once)

    asyncio.run(scenario())


@settings(max_examples=80, deadline=None, phases=UNSHRUNK)
@given(STORIES)
def test_the_numbers_of_a_session_are_those_of_its_connections(story):
    async def scenario() -> None:
        world = await World().furnish()
        await world.tell(story)
        session = await world.session()
        if session is None:
            return
        rows = list((await world.rows()).values())
        counted = [row for row in rows if row.counts]
        spans = [(row.joined_at, row.left_at) for row in counted]
        assert session.live_participants == sum(left_at is None for _, left_at in spans)
        assert session.max_concurrent_participants == naive_peak(spans)
        assert session.total_participants == len({row.user_id for row in counted})
        assert session.closed_ms == sum(b - a for a, b in spans if b is not None) >= 0
        assert all(b is None or b >= a for a, b in spans)
        by_id = {row.peer_id: row for row in rows}
        for row in rows:
            assert row.decided is None or set(row.decided) <= {"joined", "left"}
            if row.merged_into:
                into = by_id[row.merged_into]
                assert not into.merged_into
                assert into.left_at is None or row.left_at is not None
            if row.attempted:
                assert row.left_at is not None

    asyncio.run(scenario())


@settings(deadline=None)
@given(STORIES, st.randoms(use_true_random=False))
def test_reconciling_reads_a_set(story, dice):
    peers = {}
    for batch in story:
        peers.setdefault(batch.subject, []).append(batch.presence)
    seen = [
        Seen(subject.key, subject.peer_id, subject.participant_id, some[0])
        for subject, some in peers.items()
        if subject.participant_id
    ]
    rulings = reconcile(seen)
    dice.shuffle(seen)
    assert reconcile(seen) == rulings


# --- what took place -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Connection:
    """What really happened, second by second of the true time, and what of it was told."""

    begin: int
    end: int | None
    client: bool
    server: frozenset[str]
    """Of joined, media, left: the events that were not lost."""
    client_says_goodbye: bool


@dataclass(frozen=True)
class Someone:
    """The connections of one person, one after the other, and how far the clocks are off."""

    connections: tuple[Connection, ...]
    ahead: int
    """Of the client's clock, in seconds."""


TOLD = st.sampled_from(
    [frozenset({"joined", "media", "left"})] * 3
    + [frozenset(), frozenset({"joined", "media"}), frozenset({"media", "left"})]
)


@st.composite
def someones(draw) -> Someone:
    connections, t = [], draw(st.integers(0, 60))
    for _ in range(draw(st.integers(1, 3))):
        lasts = draw(st.integers(30, 300))
        by_client, told = draw(st.booleans()), draw(TOLD)
        if not told and not all("left" in one.server for one in connections):
            # A leave lost and then a join lost is a connection whose telemetry began late.
            told = frozenset({"joined", "media", "left"})
        by_client = by_client or not told
        # A tab that nobody saw leave may be the one that a server sees come in next.
        goodbye = draw(st.booleans()) or "left" not in told
        connections.append(Connection(t, t + lasts, by_client, told, goodbye))
        t += lasts + draw(st.integers(15, 120))
    return Someone(tuple(connections), draw(st.sampled_from([0, 0, 90, -90])))


@st.composite
def meetings(draw) -> tuple[list[Someone], int]:
    return draw(st.lists(someones(), min_size=1, max_size=3)), draw(st.sampled_from([0, 0, 240]))


NEVER_LOST = 2_000
"""When the room ends, in true seconds; that event always comes."""
SLACK = 12 * SECOND


def events_of(people: list[Someone], server_ahead: int):
    """All that is told, each with the true second when Roomtone gets it."""
    for person, someone in enumerate(people):
        for number, one in enumerate(someone.connections):
            sid = f"PA_{person}_{number}"
            for what, t in (("joined", one.begin), ("media", one.begin + 2), ("left", one.end)):
                if what in one.server:
                    yield server(person, sid, what, t + server_ahead, at=t)
            if one.client:
                tab = f"tab-{person}-{number}"
                times = [one.begin + 1, *range(one.begin + 3, one.end - 1, 10), one.end - 1]
                yield client(person, tab, joined(times[0] + someone.ahead), at=times[0])
                for t in times[1:]:
                    yield client(person, tab, media(t + someone.ahead), at=t)
                if one.client_says_goodbye:
                    t = one.end
                    yield client(person, tab, left(t + someone.ahead), at=t)
    yield room("room_ended", NEVER_LOST + server_ahead, at=NEVER_LOST)


def expected(people: list[Someone]) -> list[list[tuple[int, int | None]]]:
    """(begin, end) of each person's connections, by hand; end None: nobody can know it."""
    told = []
    for someone in people:
        spans = []
        for number, one in enumerate(someone.connections):
            ended_by_next = any(
                "joined" in later.server for later in someone.connections[number + 1 :]
            )
            known = (
                "left" in one.server
                or (one.client and one.client_says_goodbye)
                or (bool(one.server) and ended_by_next)
            )
            spans.append((one.begin, one.end if known and not _late(one, ended_by_next) else None))
        told.append(spans)
    return told


def _late(one: Connection, ended_by_next: bool) -> bool:
    """Whether only the next join ended it: some time after it really did."""
    return "left" not in one.server and not (one.client and one.client_says_goodbye)


@settings(max_examples=80, deadline=None, phases=UNSHRUNK)
@given(meetings(), st.randoms(use_true_random=False))
def test_the_record_is_what_took_place(meeting, dice):
    people, server_ahead = meeting
    note(f"{people} {server_ahead}")
    story = list(events_of(people, server_ahead)) * 2
    dice.shuffle(story)

    async def scenario() -> None:
        world = await World().furnish()
        await world.tell(story)
        await world.roster.sweep()
        counted = await world.counted()
        for person, spans in enumerate(expected(people)):
            own = sorted(
                (row for row in counted if row.user_id == f"u{person}"),
                key=lambda row: row.joined_at,
            )
            assert len(own) == len(spans), [shown(row) for row in own]
            for row, (begin, end) in zip(own, spans, strict=True):
                assert abs(row.joined_at - T0 - begin * SECOND) <= SLACK
                assert row.left_at is not None
                if end is not None:
                    assert abs(row.left_at - T0 - end * SECOND) <= SLACK
            present = covered_ms([(row.joined_at, row.left_at) for row in own])
            assert present <= (NEVER_LOST - spans[0][0]) * SECOND + SLACK
        session = await world.session()
        assert session.live_participants == 0
        assert session.total_participants == len(people)

    asyncio.run(scenario())
