"""Recording: calls that are played, and what the journal held of them."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from call_facts_file import PeerFacts, save
from call_stage import Call
from journey_server import JourneyServer
from playwright.async_api import async_playwright
from scenarios import ALL, Scenario

from roomtone.cli.options import on_folder
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import Peer
from roomtone.ports.journal import Chunk
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


def main(names: list[str]) -> None:
    """Record them, or all; ``--together`` plays two at a time, where there are cores for it."""
    together = 2 if "--together" in names else 1
    names = [name for name in names if name != "--together"]
    unknown = [name for name in names if name not in ALL and name != "all"]
    if unknown or not names:
        sys.exit(f"no call named {', '.join(unknown)}: choose from all, {', '.join(ALL)}")
    chosen = [ALL[name] for name in (ALL if "all" in names else names)]
    with tempfile.TemporaryDirectory(prefix="labelled-") as folder:
        server = JourneyServer(Path(folder) / "data").start()
        try:
            for first in range(0, len(chosen), together):
                _record(server, chosen[first : first + together])
        finally:
            server.stop()


def _record(server: JourneyServer, scenarios: list[Scenario]) -> None:
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    for scenario, call in asyncio.run(_played(server, scenarios)):
        session_id = server.sessions(call.meeting_id)[0]["id"]
        peers = on_folder(
            Settings(data=str(server.data)),
            lambda roomtone, session_id=session_id: _read(roomtone, session_id),
        )
        path = save(scenario.name, peers)
        facts = sum(len(peer.facts) for peer in peers)
        size = path.stat().st_size
        print(f"{scenario.name}: {len(peers)} peers, {facts} facts, {size} bytes", flush=True)


async def _played(server: JourneyServer, scenarios: list[Scenario]) -> list[tuple[Scenario, Call]]:
    calls = [
        (one, Call(server, one, lambda text, one=one: print(f"{one.name}: {text}", flush=True)))
        for one in scenarios
    ]
    async with async_playwright() as playwright:
        done = await asyncio.gather(
            *(call.play(playwright) for _, call in calls), return_exceptions=True
        )
    for (scenario, _), outcome in zip(calls, done, strict=True):
        if isinstance(outcome, BaseException):
            print(f"{scenario.name}: failed: {outcome}", flush=True)
    return [call for call, outcome in zip(calls, done, strict=True) if outcome is None]


async def _read(roomtone: Roomtone, session_id: str) -> list[PeerFacts]:
    await roomtone.roster.catch_up()
    peers = await roomtone.records.read(lambda tx: list(tx.sessions.peers(session_id)))
    return [_facts(peer, await roomtone.journal.read(peer.subject)) for peer in peers]


def _facts(peer: Peer, chunks: Any) -> PeerFacts:
    presence = Presence()
    facts = []
    chunk: Chunk
    for chunk in chunks:
        presence = merge(presence, chunk.presence)
        facts += chunk.facts()
    return PeerFacts(
        peer_id=peer.peer_id,
        user_id=peer.user_id,
        name=peer.display_name,
        presence=presence,
        facts=tuple(sorted(facts, key=lambda fact: fact.t)),
    )
