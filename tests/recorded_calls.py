"""Real recorded calls as peer reports, and the raw numbers they are to agree with."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from roomtone.model.facts import AnyFact, Identified, Snapshot
from roomtone.model.peer_report import PeerReport
from roomtone.report.build import build
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.stay import clock_offset, stay
from roomtone.report.traces import traces
from roomtone.sources.getstats import decode_recording, recording_facts
from roomtone.sources.presence import presence_of
from roomtone.sources.wire import decode_batch

DATA = Path(__file__).resolve().parent.parent / "src/roomtone/recordings"
Json = dict[str, Any]


@cache
def raw_samples(name: str) -> list[Json]:
    """Samples of a getStats() recording as they were written: label → list of raw stats."""
    with gzip.open(DATA / f"getstats-{name}.json.gz") as file:
        samples = json.load(file)["samples"]
    for sample in samples:
        for of_peer in sample.values():
            if isinstance(of_peer["stats"], dict):
                of_peer["stats"] = list(of_peer["stats"].values())
    return samples


def last_stats(name: str, label: str, kind: str) -> list[Json]:
    """The raw objects of a type in the last sample of a connection."""
    return [stat for stat in raw_samples(name)[-1][label]["stats"] if stat["type"] == kind]


@cache
def call_facts(name: str) -> dict[str, tuple[AnyFact, ...]]:
    """Facts of each peer of a getStats() recording, by label."""
    peers = decode_recording((DATA / f"getstats-{name}.json.gz").read_bytes())
    ids = {peer.label: f"peer-{peer.label}" for peer in peers}
    return {
        peer.label: (identified(ids[peer.label], peer.samples[0].t), *recording_facts(peer, ids))
        for peer in peers
    }


@cache
def collected_facts(name: str) -> dict[str, tuple[AnyFact, ...]]:
    """Facts of each peer of a RealtimeKit recording, by peer id."""
    facts: dict[str, list[AnyFact]] = {}
    with gzip.open(DATA / f"{name}.jsonl.gz") as lines:
        for line in lines:
            posted = json.loads(line)
            body = posted["body"]
            text = body if isinstance(body, str) else json.dumps(body)
            agent = posted["headers"].get("user-agent")
            decoded = decode_batch(text.encode(), now=None, mask=True, user_agent=agent)
            facts.setdefault(decoded.peer_id, []).extend(decoded.facts)
    return {
        peer_id: (identified(peer_id, min(f.t for f in of_peer)), *of_peer)
        for peer_id, of_peer in facts.items()
    }


def identified(peer_id: str, t: int) -> Identified:
    return Identified(t, "app", "meeting", "session", peer_id, "user", "custom", "Ann", "host")


def reports(
    facts: dict[str, tuple[AnyFact, ...]], *, reading_ms: int = 7000, scale: Any = "mos"
) -> dict[str, PeerReport]:
    """The reports of all peers of a call, joined with each other."""
    states = {
        name: fold(
            new_state(reading_ms),
            in_order([(min(f.t for f in of_peer), lambda of_peer=of_peer: of_peer)]),
        )
        for name, of_peer in facts.items()
    }
    presences = {name: presence_of(of_peer, None) for name, of_peer in facts.items()}
    sent = {name: traces(state) for name, state in states.items()}
    made = {}
    for name, state in states.items():
        others = {k: v for other, found in sent.items() if other != name for k, v in found.items()}
        stayed = stay(presences[name])
        assert stayed is not None
        offset = clock_offset(presences[name])
        made[name] = build(state, stayed, others, clock_offset_ms=offset, scale=scale)
    return made


def as_json(report: PeerReport) -> Json:
    """As a client gets it."""
    return json.loads(msgspec.json.encode(report))


def snapshots(facts: tuple[AnyFact, ...]) -> list[Snapshot]:
    return [fact for fact in facts if isinstance(fact, Snapshot)]
