"""A clock that is set back or forth by an hour, a day, a year: who is there stays, who is gone
goes, nothing waits for the clock to catch up, and nothing is thrown away because of it."""

from types import SimpleNamespace

import pytest
import structlog
from hook_world import DAY, SECOND, T0, HookWorld, in_a_world

from roomtone.cli.repetitions import EVERY_S, Repetitions
from roomtone.jobs.due import DueSeals
from roomtone.model.facts import Snapshot
from roomtone.model.hooks import PENDING
from roomtone.model.sessions import ENDED, LIVE
from roomtone.model.times import holds
from roomtone.ports.courier import Answer
from roomtone.services import roster
from roomtone.services.rate import WINDOW_MS, RateLimit
from roomtone.services.retention import Keep, Retention
from roomtone.services.roster import Roster
from roomtone.services.steps import Steps

HOUR = 3600 * SECOND
STEPS = pytest.mark.parametrize("step", [-DAY, -HOUR, HOUR, DAY])
SILENCE_S = 90


class Machine:
    """Real time goes on; somebody sets the clock. Peers keep clocks of their own."""

    def __init__(self, world: HookWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.steady_s = 1_000.0
        monkeypatch.setattr(roster, "time", SimpleNamespace(monotonic=lambda: self.steady_s))

    def set_by(self, step: int) -> None:
        self.world.clock.t += step

    async def pass_time(self, seconds: int, *talking: int) -> None:
        """Every two seconds those who talk are heard of, and the roster looks round."""
        for _ in range(seconds // 2):
            self.steady_s += 2
            self.world.clock.t += 2 * SECOND
            t = T0 + round((self.steady_s - 1_000) * SECOND)
            for peer in talking:
                await self.world.say(peer, Snapshot(t, "pc", "both", ()))
            await self.world.roster.look_round()


def peers_of(world: HookWorld):
    def ask(tx):
        (session,) = tx.sessions.sessions_of("m")
        return session, {peer.peer_id: peer for peer in tx.sessions.peers(session.id)}

    return world.records.peek(ask)


@STEPS
def test_who_talks_on_stays_and_who_fell_silent_leaves_in_time(step, monkeypatch):
    async def scenario(world: HookWorld):
        machine = Machine(world, monkeypatch)
        for peer in (0, 1, 2):
            await world.join(peer)
        await machine.pass_time(20, 0, 1, 2)
        machine.set_by(step)
        # Nobody hears of the third again.
        await machine.pass_time(SILENCE_S - 10, 0, 1)
        early = peers_of(world)
        await machine.pass_time(SILENCE_S + 20, 0, 1)
        return early, peers_of(world)

    (early, before), (late, after) = in_a_world(scenario)

    assert [peer.left_at for peer in before.values()] == [None] * 3
    assert [peer.left_reason for peer in after.values()] == [None, None, "silence"]
    assert (early.status, late.status) == (LIVE, LIVE)
    assert late.live_participants == 2
    assert all(peer.duration_ms(peer.left_at or 0) >= 0 for peer in after.values())


@STEPS
@pytest.mark.parametrize("restarted", [False, True])
def test_a_session_ends_in_time_once_everybody_is_gone(step, restarted, monkeypatch):
    async def scenario(world: HookWorld):
        machine = Machine(world, monkeypatch)
        await world.join(0)
        await world.join(1)
        await machine.pass_time(20, 0, 1)
        await world.leave(1)
        machine.set_by(step)
        if restarted:
            world.roster = Roster(
                world.journal, world.records, world.clock, SILENCE_S, world.outbox
            )
        await machine.pass_time(2 * SILENCE_S + 120)
        return peers_of(world)[0]

    session = in_a_world(scenario)

    assert session.status == ENDED
    assert session.ended_at - session.started_at >= 0
    assert 0 <= session.closed_ms <= 2 * 20 * SECOND + 2 * SILENCE_S * SECOND


@pytest.mark.parametrize("step", [-DAY, -HOUR])
def test_a_seal_does_not_wait_for_the_clock(step):
    async def scenario(world: HookWorld):
        queued = []

        async def seal(work_id: str, session_id: str, as_of: int) -> None:
            queued.append(session_id)

        await world.join(0)
        await world.roster.kick_all("app", "m")
        due = DueSeals(world.records, world.clock, SimpleNamespace(seal=seal))
        assert await due.tick() == 0  # it has only just ended
        world.clock.t += step
        return await due.tick(), queued

    assert in_a_world(scenario)[0] == 1


@pytest.mark.parametrize("step", [-DAY, -HOUR])
def test_webhooks_do_not_wait_for_the_clock(step):
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["meeting.started"])
        await world.join(0)
        world.clock.t += step
        assert await world.deliverer.due() == []
        await world.deliverer.recall()
        return await world.deliverer.due(), hook.id, await world.deliverer.drain(hook.id)

    due, hook_id, tries = in_a_world(scenario)
    assert (due, tries) == ([hook_id], 1)


def test_a_delivery_is_not_given_up_because_the_clock_leapt():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["meeting.started"])
        await world.join(0)
        world.courier.answer = lambda url, body: Answer(error="no answer within 10 s")
        await world.deliverer.drain(hook.id)
        world.clock.t += 2 * DAY
        await world.deliverer.drain(hook.id)
        (row,) = await world.queued(hook)
        return row

    row = in_a_world(scenario)
    assert (row.status, row.tries) == (PENDING, 2)


class Dropper:
    """A retention whose rounds can be told: there is one old journal to take away, always."""

    def __init__(self, world: HookWorld) -> None:
        self.took = 0
        self.retention = Retention(self, world.records, None, world.clock, Keep(journal=30))

    async def oldest(self, before: int, limit: int) -> list:
        self.took += 1
        return []


def test_a_clock_that_leaps_a_year_deletes_nothing_until_somebody_could_notice():
    async def scenario(world: HookWorld):
        dropper, rounds = Dropper(world), []

        async def round_after(ms: int) -> None:
            world.clock.t += ms
            before = dropper.took
            await dropper.retention.bite()
            rounds.append(dropper.took > before)

        await round_after(0)
        await round_after(HOUR)
        await round_after(365 * DAY)  # somebody sets the clock
        await round_after(HOUR)
        await round_after(-365 * DAY)  # and sets it right
        await round_after(HOUR)
        await round_after(365 * DAY)  # again, and nobody notices
        for _ in range(23):
            await round_after(HOUR)
        await round_after(HOUR)
        return rounds

    rounds = in_a_world(scenario)
    assert rounds == [True, True, False, False, True, True, False, *[False] * 23, True]


def test_what_is_believed_for_a_while_ends_when_the_clock_is_set_back():
    assert holds(10, 12, 3)
    assert not holds(12, 12, 3)
    assert not holds(12 - DAY, 12, 3)


def test_a_limit_of_requests_begins_anew_when_the_clock_is_set_back():
    limit = RateLimit(2)
    now = 100 * WINDOW_MS
    assert [limit.allow("a", now) for _ in range(3)] == [True, True, False]
    assert [limit.allow("a", now - DAY) for _ in range(3)] == [True, True, False]


def test_only_a_clock_that_is_set_has_steps():
    clock = SimpleNamespace(t=T0, now=lambda: clock.t)
    steps = Steps(clock)
    assert steps.look(5.0) == 0
    clock.t += 60 * SECOND + 30
    assert steps.look(65.0) == 0
    clock.t += 10 * SECOND - HOUR
    assert steps.look(75.0) == -HOUR


def test_the_same_trouble_is_told_once_and_then_how_often():
    at = [0.0]
    told = Repetitions(lambda: at[0])
    full = {"event": "a request failed", "error": "full", "hint": "free some space"}
    assert "more" not in told(None, "error", {**full, "path": "/a"})
    for _ in range(3):
        with pytest.raises(structlog.DropEvent):
            told(None, "error", {**full, "path": "/b"})
    assert told(None, "error", {**full, "error": "other"})["error"] == "other"
    assert told(None, "error", {"event": "a request failed"})  # no hint: nobody can help it
    assert told(None, "error", {"event": "a request failed"})
    at[0] = EVERY_S
    assert told(None, "error", dict(full))["more"] == 3
    # Once it was over, the next is news, however soon it comes.
    assert told(None, "info", {"event": "it is back", "away_s": 1.0})
    assert "more" not in told(None, "error", dict(full))


def test_a_clock_that_is_set_twice_is_told_twice():
    told = Repetitions(lambda: 0.0)
    first = {"event": "the clock was set", "by_s": 3600.0, "hint": "look at it"}
    assert told(None, "warning", dict(first))
    assert told(None, "warning", {**first, "by_s": -3600.0})
    with pytest.raises(structlog.DropEvent):
        told(None, "warning", dict(first))
