"""Reports of a session that does not fit into memory are those of one that does."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hook_world import HookWorld, in_a_world
from msgspec.structs import replace

from made_calls import Stream
from recorded_calls import call_facts
from roomtone.model.facts import AnyFact, Identified, Joined, Snapshot
from roomtone.services import folding, seal
from roomtone.services.folding import Folder
from roomtone.services.seal import Sealer

RECORDED = "mesh3-clean"
"""Three people, each directly connected with the others: found by ssrc and ports alone."""
NAMED = 6
"""Others, of whom all receive the first, as their clients say."""
STEP_MS = 5_000
STEPS = 6


def _recorded() -> dict[str, list[AnyFact]]:
    facts = call_facts(RECORDED)
    return {
        label: [
            replace(fact, tracks=()) if isinstance(fact, Snapshot) else fact
            for fact in of_peer
            if not isinstance(fact, Identified)
        ]
        for label, of_peer in facts.items()
    }


def _named(number: int, start: int) -> list[AnyFact]:
    """Sends a voice of its own, and receives that of the first; one loses some of it, and then
    all."""
    lossy = [{"packets_lost": 90}] * (STEPS - 2) + [{"packets_received": 0}] * 2
    own = Stream("out", "audio", 100 + number, [{}] * STEPS)
    steps = lossy if number == 2 else [{}] * STEPS
    heard = Stream("in", "audio", 100, steps, sender="peer-3") if number else None
    streams = [own] if heard is None else [own, heard]
    totals = [stream.totals() for stream in streams]
    told: list[AnyFact] = [Joined(start, "call_join")]
    for step in range(STEPS + 1):
        t = start + step * STEP_MS
        stats = [s for n, one in enumerate(streams) for s in one.stats(totals[n][step], float(t))]
        tracks = tuple(one.track() for one in streams)
        told.append(Snapshot(t, "t", "both", tuple(stats), tracks))
    return told


async def _held(world: HookWorld) -> str:
    """A call of them all; its session."""
    recorded = _recorded()
    start = min(fact.t for of_peer in recorded.values() for fact in of_peer)
    world.clock.t = start
    for number, facts in enumerate([*recorded.values(), *(_named(n, start) for n in range(NAMED))]):
        world.clock.t = max(world.clock.t, max(fact.t for fact in facts))
        await world.append(number, *facts)
    await world.roster.catch_up()
    (session,) = await world.records.read(lambda tx: list(tx.sessions.live_sessions()))
    return session.id


def _sealer(world: HookWorld) -> Sealer:
    return Sealer(world.journal, world.records, world.clock, STEP_MS, "mos")


async def _live(world: HookWorld, session_id: str) -> dict[str, bytes]:
    """Every report, each asked for by itself."""
    peers = await world.records.read(lambda tx: tx.sessions.peers(session_id))
    sealer = _sealer(world)
    return {one.peer_id: msgspec.json.encode(await sealer.live_report(one)) for one in peers}


async def _sealed(world: HookWorld, session_id: str) -> list[Any]:
    """Every stored report, and the digest."""
    world.clock.t += 200_000
    await world.roster.sweep()
    world.clock.t += 200_000
    await world.roster.sweep()
    outcome = await _sealer(world).seal(session_id)
    assert outcome is not None
    assert outcome.peers == NAMED + 3

    def stored(tx: Any) -> list[Any]:
        found = [tx.reports.report("app", one.peer_id) for one in tx.sessions.peers(session_id)]
        return [*((one.body, one.model) for one in found), tx.digests.digest(session_id)]

    return await world.records.read(stored)


def told(ask: Callable[[HookWorld, str], Awaitable[Any]]) -> Any:
    found: list[Any] = []

    async def scenario(world: HookWorld) -> None:
        found.append(await ask(world, await _held(world)))

    in_a_world(scenario)
    return found[0]


@pytest.mark.parametrize("kept", [0, 400])
def test_what_was_folded_twice_gives_the_same_bytes(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(_sealed)
    monkeypatch.setattr(folding, "KEPT_READINGS", kept)
    assert told(_sealed) == whole


def test_a_live_report_of_a_large_session_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(_live)
    assert b"downlink_loss" in whole["peer-5"]
    # Both need the sender's side: one has its label, the other is found by ssrc.
    assert b'"outage":true' in whole["peer-5"]
    assert b'"peer_id":"peer-0"' in whole["peer-1"]
    monkeypatch.setattr(seal, "LARGE", 1)
    assert told(_live) == whole


def test_a_live_report_of_a_large_session_folds_only_whom_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seal, "LARGE", 1)
    folded: list[str] = []
    real = Folder.folded

    async def noted(self, peer, session):
        folded.append(peer.peer_id)
        return await real(self, peer, session)

    monkeypatch.setattr(Folder, "folded", noted)

    async def asked_twice(world: HookWorld, session_id: str) -> None:
        peers = {
            one.peer_id: one
            for one in await world.records.read(lambda tx: tx.sessions.peers(session_id))
        }
        sealer = _sealer(world)
        await sealer.live_report(peers["peer-4"])
        del folded[:]
        await sealer.live_report(peers["peer-5"])

    told(asked_twice)
    assert sorted(folded) == ["peer-3", "peer-5"]
