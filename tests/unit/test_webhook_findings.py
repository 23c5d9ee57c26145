"""``session.findings``: told once a session is sealed, and again only if it came out otherwise."""

import json

from hook_world import SECOND, T0, HookWorld, in_a_world
from msgspec.structs import replace

from roomtone.findings.catalogue import MODEL
from roomtone.model.digests import Digest
from roomtone.model.facts import Happened
from roomtone.model.findings import Evidence, Finding, FindingCounts, Verdict
from roomtone.model.times import iso
from roomtone.services.hook_payloads import MAX_FINDINGS
from roomtone.services.seal import Sealer

EVIDENCE = Evidence(timestamp=iso(T0), source="event", id="x", field="y", value=1)


def finding(number, severity="warning"):
    return Finding(
        id="packet_loss",
        severity=severity,
        start=iso(T0),
        end=iso(T0 + 9 * SECOND),
        peer_id=f"peer-{number}",
        side="uplink",
        blamed_peer_id=f"peer-{number}",
        other_peer_id=None,
        stream=None,
        worst=12.5,
        unit="%",
        echo_of=None,
        title="Ann lost packets.",
        advice="Use a cable.",
        evidence=(EVIDENCE,),
    )


def digest(session, *findings, outcome="bad"):
    return Digest(
        session_id=session.id,
        app_id=session.app_id,
        started_at=session.started_at,
        closed_ms=0,
        peers=(),
        findings=findings,
        verdict=Verdict(outcome=outcome, sentences=("Ann's network lost packets.",)),
        counts=FindingCounts(warning=len(findings)),
        model="findings-1",
    )


async def a_call(world: HookWorld):
    await world.join(0)
    world.clock.t += 30 * SECOND
    await world.leave(0)
    world.clock.t += 61 * SECOND
    await world.roster.sweep()
    (session,) = await world.records.read(lambda tx: tx.sessions.unsealed_sessions(9))
    return session


async def seal(world, session, found):
    def finish(tx):
        tx.digests.put(found)
        world.outbox.sealed(tx, session)

    await world.records.write(finish)


def test_the_same_findings_are_told_once_and_others_again():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["session.findings"])
        session = await a_call(world)
        first, second = digest(session, finding(1)), digest(session, finding(1), finding(2))
        for found in (first, first, second, second, first):
            await seal(world, session, found)
        return await world.told(hook)

    told = in_a_world(scenario, base_url="https://rt.example")
    assert [len(one["findings"]) for one in told] == [1, 2]
    one = told[0]
    assert list(one) == [
        "event",
        "meeting",
        "verdict",
        "findingCounts",
        "findings",
        "findingsTotal",
        "findingsModel",
        "sessionUrl",
    ]
    assert one["event"] == "session.findings"
    assert one["meeting"]["status"] == "ENDED"
    assert one["verdict"] == {"outcome": "bad", "sentences": ["Ann's network lost packets."]}
    assert one["findingCounts"] == {"error": 0, "warning": 1, "info": 0}
    assert one["findings"][0]["title"] == "Ann lost packets."
    assert "evidence" not in one["findings"][0]
    assert one["sessionUrl"] == (
        "https://rt.example/client/v4/accounts/acc/realtime/kit/app/sessions/"
        + one["meeting"]["sessionId"]
    )


def test_a_call_without_trouble_is_told_too_and_one_that_nothing_judged_is_not():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        session = await a_call(world)
        await seal(world, session, replace(digest(session), model=""))
        before = await world.names(hook)
        await seal(world, session, digest(session, outcome="good"))
        return before, await world.names(hook)

    before, after = in_a_world(scenario)
    assert "findings" not in before
    assert after == [*before, "findings"]


def test_an_event_is_bounded_and_has_the_worst_first():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["session.findings"])
        session = await a_call(world)
        many = [finding(number, "info") for number in range(100)]
        await seal(world, session, digest(session, *many, finding(7, "error")))
        return await world.queued(hook)

    (queued,) = in_a_world(scenario)
    told = json.loads(queued.body)
    assert told["findings"][0]["severity"] == "error"
    assert (len(told["findings"]), told["findingsTotal"]) == (MAX_FINDINGS, 101)
    assert len(queued.body) < 32_000


def test_what_is_old_news_is_not_told():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["session.findings"])
        session = await a_call(world)
        world.clock.t += 25 * 3600 * SECOND
        await seal(world, session, digest(session, finding(1)))
        return await world.told(hook)

    assert in_a_world(scenario) == []


def test_erasing_a_person_erases_what_was_told_of_the_session():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["session.findings"])
        session = await a_call(world)
        await seal(world, session, digest(session, finding(1)))
        gone = await world.records.write(lambda tx: tx.hooks.erase_deliveries(session.id, "peer-0"))
        return gone, await world.told(hook)

    assert in_a_world(scenario) == (1, [])


def test_sealing_tells_once_and_late_facts_that_change_nothing_tell_nothing():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["session.findings"])
        sealer = Sealer(world.journal, world.records, world.clock, 7000, "mos", world.outbox)
        session = await a_call(world)
        await sealer.seal(session.id)
        await sealer.seal(session.id)
        # Late, and of no consequence: it unseals the session all the same.
        await world.say(0, Happened(T0 + SECOND, "tab_change", {"is_meetings_tab_active": True}))
        again = await world.records.read(lambda tx: tx.sessions.session_by_id(session.id))
        await sealer.seal(session.id)
        await sealer.rebuild(session.id)
        return again.sealed_at, await world.told(hook)

    sealed_at, told = in_a_world(scenario)
    assert sealed_at is None
    (one,) = told
    assert one["verdict"]["outcome"] in ("unknown", "good")
    assert one["findingsModel"] == MODEL
