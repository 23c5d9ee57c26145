"""Facts that come after a session was sealed unseal it, whoever they are of."""

from hook_world import SECOND, T0, HookWorld, in_a_world
from msgspec.structs import replace

from roomtone.model.facts import Joined, ServerSaw, Snapshot
from roomtone.model.sessions import ENDED
from roomtone.services.seal import Sealer


def session_of(world: HookWorld):
    (session,) = world.records.peek(lambda tx: list(tx.sessions.sessions_of("m")))
    assert (session.status, session.live_participants) == (ENDED, 0)
    return session


async def seal(world: HookWorld) -> None:
    session = replace(session_of(world), sealed_at=world.clock.t)
    await world.records.write(lambda tx: tx.sessions.put_session(session))


async def end_with_two(world: HookWorld) -> None:
    """The host ends a call; of one who was in it nothing had arrived by then."""
    await world.join(0)
    world.clock.t += 20 * SECOND
    await world.roster.kick_all("app", "m")
    await world.say(1, Joined(T0 + SECOND, "call_join"))


def test_facts_of_one_who_was_removed():
    async def scenario(world):
        await end_with_two(world)
        await seal(world)
        await world.say(0, Snapshot(T0 + 2 * SECOND, "pc", "both", ()))
        return session_of(world).sealed_at

    assert in_a_world(scenario) is None


def test_facts_of_one_who_was_first_heard_of_after_the_end():
    async def scenario(world):
        await end_with_two(world)
        await seal(world)
        before = session_of(world)
        world.clock.t += SECOND
        await world.say(1, Snapshot(T0 + 2 * SECOND, "pc", "both", ()))
        return before, session_of(world)

    before, after = in_a_world(scenario)
    assert (before.sealed_at is None, after.sealed_at is None) == (False, True)
    # A seal that was under way meanwhile can tell.
    assert after.updated_at > before.updated_at
    assert after.total_participants == 2


def test_facts_of_one_who_was_first_heard_of_after_the_end_where_a_server_tells_too():
    async def scenario(world):
        await world.say(0, ServerSaw(T0, "livekit", "joined", "c0"))
        await end_with_two(world)
        await seal(world)
        world.clock.t += SECOND
        await world.say(1, Snapshot(T0 + 2 * SECOND, "pc", "both", ()))
        return session_of(world).sealed_at

    assert in_a_world(scenario) is None


def test_a_seal_that_was_queued_before_they_came_leaves_it_to_the_next():
    async def scenario(world):
        await end_with_two(world)
        sealer = Sealer(world.journal, world.records, world.clock, 5 * SECOND, "mos")
        queued_at = session_of(world).updated_at
        world.clock.t += SECOND
        await world.say(1, Snapshot(T0 + 2 * SECOND, "pc", "both", ()))
        session = session_of(world)
        stale = await sealer.seal(session.id, queued_at)
        assert session_of(world).sealed_at is None
        fresh = await sealer.seal(session.id, session.updated_at)
        again = await sealer.seal(session.id, session.updated_at)  # its worker died, say
        return stale, fresh.peers, again.changed, session_of(world).sealed_at

    assert in_a_world(scenario) == (None, 2, 0, T0 + 21 * SECOND)
