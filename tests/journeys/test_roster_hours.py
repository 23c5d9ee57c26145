"""The roster over hours: keep-alive, silence, late facts, with a clock that the tests turn."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from roomtone.model.facts import AnyFact, Joined, Left, Snapshot, Track
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import ALL_LEFT, ENDED, HOST_ENDED, LIVE, Peer, Session
from roomtone.model.stats import InboundRtp, OutboundRtp
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.services.roster import Roster
from roomtone.sources.presence import presence_of
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords

T0 = 1_790_000_000_000
SILENCE_S = 90
KEEP_ALIVE_S = 120


@dataclass
class Hall:
    """A meeting, its roster and its clock; times are seconds since T0."""

    s: int = 0
    made: int = 0
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    records: SqlRecords = field(default_factory=lambda: SqlRecords(Database.open(":memory:")))
    roster: Roster = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process over what is stored."""
        self.roster = Roster(self.journal, self.records, self, SILENCE_S)

    def now(self) -> int:
        return T0 + self.s * 1000

    def new_id(self) -> str:
        self.made += 1
        return f"00000000-0000-4000-8000-{self.made:012d}"

    async def furnish(self) -> None:
        """A meeting with two people."""

        def make(tx: Any) -> None:
            tx.rooms.put_meeting(
                Meeting(
                    id="m",
                    app_id="app",
                    session_keep_alive_time_in_secs=KEEP_ALIVE_S,
                    created_at=T0,
                    updated_at=T0,
                )
            )
            for user in ("alice", "bob"):
                tx.rooms.put_participant(
                    Participant(
                        id=user,
                        app_id="app",
                        meeting_id="m",
                        custom_participant_id=user,
                        preset_name="p",
                        created_at=T0,
                        updated_at=T0,
                    )
                )

        await self.records.write(make)

    async def told(self, user: str, peer: str, *facts: AnyFact) -> None:
        """What a client says, arriving now; nothing arrives before it happened."""
        self.s = max([self.s, *((fact.t - T0) // 1000 for fact in facts)])
        self.made += 1
        await self.journal.append(
            [
                Batch(
                    Subject("app", "m", user, peer),
                    f"h:{self.made}",
                    self.now(),
                    facts,
                    presence_of(facts, self.now()),
                )
            ]
        )
        await self.roster.catch_up()

    async def at(self, s: int) -> None:
        """Turn the clock, and let the roster look."""
        self.s = s
        await self.roster.sweep()

    async def sessions(self) -> list[Session]:
        """Oldest first."""

        def ask(tx: Any) -> list[Session]:
            return [tx.sessions.session_by_id(one) for one in tx.sessions.all_session_ids()]

        return sorted(await self.records.read(ask), key=lambda one: one.started_at)

    async def peer(self, peer_id: str) -> Peer:
        found = await self.records.read(lambda tx: tx.sessions.peer("app", peer_id))
        assert found is not None
        return found


def join(s: float) -> Joined:
    return Joined(T0 + round(s * 1000), "call_join")


def leave(s: float) -> Left:
    return Left(T0 + round(s * 1000), "disconnect")


def ping(s: float, hears: str = "", last_s: float | None = None) -> Snapshot:
    """Something is sent; something of ``hears`` was received, last at ``last_s``."""
    t = T0 + round(s * 1000)
    sent = OutboundRtp(id="O", timestamp=t, ssrc=1, kind="audio", packets_sent=50 * s)
    if not hears:
        return Snapshot(t, "pc", "producing", (sent,))
    last = T0 + round((s if last_s is None else last_s) * 1000)
    got = InboundRtp(
        id="I",
        timestamp=t,
        ssrc=2,
        kind="audio",
        packets_received=50 * s,
        last_packet_received_timestamp=last,
    )
    return Snapshot(t, "pc", "both", (sent, got), (Track("ssrc:2", peer_id=hears),))


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_an_empty_session_ends_after_its_keep_alive_at_the_time_it_emptied() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0))
        await hall.at(30)
        await hall.told("alice", "a", leave(30))
        for s in (31, 60, 30 + KEEP_ALIVE_S - 1):
            await hall.at(s)
            (session,) = await hall.sessions()
            assert (session.status, session.live_participants) == (LIVE, 0)
        await hall.at(30 + KEEP_ALIVE_S)
        (session,) = await hall.sessions()
        assert (session.status, session.end_reason) == (ENDED, ALL_LEFT)
        assert session.ended_at == T0 + 30_000
        assert session.used_ms(hall.now()) == 30_000

    run(story())


def test_somebody_who_comes_within_the_keep_alive_comes_into_the_same_session() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), leave(30))
        await hall.at(30 + KEEP_ALIVE_S - 10)
        await hall.told("bob", "b", join(hall.s))
        await hall.at(200)
        (session,) = await hall.sessions()
        assert (session.status, session.live_participants) == (LIVE, 1)
        assert session.max_concurrent_participants == 1

    run(story())


def test_somebody_who_comes_after_the_end_begins_another_session() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), leave(30))
        await hall.at(30 + KEEP_ALIVE_S)
        await hall.at(600)
        await hall.told("bob", "b", join(600))
        first, second = await hall.sessions()
        assert (first.status, second.status) == (ENDED, LIVE)
        assert (await hall.peer("b")).session_id == second.id

    run(story())


def test_late_facts_of_an_ended_session_move_its_end_and_unseal_it() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), leave(30))
        await hall.at(500)
        (session,) = await hall.sessions()
        await hall.records.write(lambda tx: tx.sessions.put_session(_sealed(session)))
        # Bob was offline, and tells now that he had been there too.
        await hall.told("bob", "b", join(10), leave(50))
        (session,) = await hall.sessions()
        assert session.status == ENDED
        assert session.ended_at == T0 + 50_000
        assert session.sealed_at is None
        assert session.max_concurrent_participants == 2
        assert session.total_participants == 2
        assert session.used_ms(hall.now()) == 70_000

    run(story())


def _sealed(session: Session) -> Session:
    return replace(session, sealed_at=T0 + 400_000)


def test_who_says_nothing_for_long_counts_as_left_at_the_last_sign_of_life() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0))
        await hall.at(40)
        await hall.told("alice", "a", ping(40))
        await hall.at(40 + SILENCE_S)
        assert (await hall.peer("a")).left_at is None
        await hall.at(41 + SILENCE_S)
        gone = await hall.peer("a")
        assert (gone.left_at, gone.left_reason) == (T0 + 40_000, "silence")
        # It was only the network.
        hall.s = 200
        await hall.told("alice", "a", ping(200))
        back = await hall.peer("a")
        assert (back.left_at, back.left_reason) == (None, None)
        (session,) = await hall.sessions()
        assert (session.status, session.live_participants) == (LIVE, 1)
        assert back.joined_at == T0

    run(story())


def test_who_is_still_received_by_others_has_not_left() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), ping(0))
        await hall.told("bob", "b", join(0), ping(0))
        for s in range(7, 701, 7):
            hall.s = s
            await hall.told("bob", "b", ping(s, hears="a"))
            await hall.at(s)
            assert (await hall.peer("a")).left_at is None, s
        # Then nothing of hers comes any more, though Bob goes on.
        last = hall.s
        for s in range(last + 7, last + 300, 7):
            hall.s = s
            await hall.told("bob", "b", ping(s, hears="a", last_s=last))
            await hall.at(s)
        gone = await hall.peer("a")
        assert gone.left_reason == "silence"
        assert gone.left_at is not None
        assert T0 + (last - 30) * 1000 <= gone.left_at <= T0 + last * 1000
        assert (await hall.peer("b")).left_at is None

    run(story())


def test_who_counted_as_silent_is_back_when_others_receive_them_again() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), ping(0))
        await hall.told("bob", "b", join(0), ping(0))
        for s in range(10, 201, 10):
            hall.s = s
            await hall.told("bob", "b", ping(s))
            await hall.at(s)
        assert (await hall.peer("a")).left_reason == "silence"
        hall.s = 210
        await hall.told("bob", "b", ping(210, hears="a"))
        await hall.roster.catch_up()
        assert (await hall.peer("a")).left_at is None
        (session,) = await hall.sessions()
        assert session.live_participants == 2

    run(story())


def test_nobody_vouches_for_a_peer_of_another_session() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0), leave(1))
        await hall.at(1_000)
        await hall.told("bob", "b", join(1_000), ping(1_000, hears="a"))
        assert (await hall.peer("a")).left_at == T0 + 1_000
        first, _ = await hall.sessions()
        assert first.status == ENDED

    run(story())


def test_a_restart_between_being_told_and_looking_loses_nothing() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0))
        batch = Batch(
            Subject("app", "m", "bob", "b"),
            "s:1",
            hall.now(),
            (join(1),),
            presence_of((join(1),), hall.now()),
        )
        await hall.journal.append([batch])  # and the process dies before the roster looks
        hall.restart()
        await hall.roster.catch_up()
        (session,) = await hall.sessions()
        assert (session.live_participants, session.max_concurrent_participants) == (2, 2)
        before = session
        hall.restart()
        await hall.roster.catch_up()
        assert await hall.sessions() == [before]

    run(story())


def test_kick_and_kick_all_end_as_they_say() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.furnish()
        await hall.told("alice", "a", join(0))
        await hall.told("bob", "b", join(0))
        await hall.at(10)
        assert await hall.roster.kick("app", "m", ["bob"], []) == ["bob"]
        assert await hall.roster.kick("app", "m", ["bob"], []) == []
        assert await hall.roster.kick("other app", "m", ["alice"], []) is None
        bob = await hall.peer("b")
        assert (bob.left_at, bob.left_reason) == (T0 + 10_000, "kicked")
        await hall.at(20)
        await hall.told("bob", "b", ping(20))  # the page does not know yet
        assert (await hall.peer("b")).left_reason == "kicked"
        assert await hall.roster.kick_all("app", "m") == 1
        (session,) = await hall.sessions()
        assert (session.status, session.end_reason) == (ENDED, HOST_ENDED)
        assert session.ended_at == T0 + 20_000
        assert (await hall.peer("a")).left_reason == "host_ended"
        assert await hall.roster.kick_all("app", "m") is None
        # Within what would have been the keep-alive: over is over.
        hall.s = 25
        await hall.told("alice", "a2", join(25))
        first, second = await hall.sessions()
        assert (first.status, second.status) == (ENDED, LIVE)

    run(story())
