"""One way: somebody hears the others, and nobody hears them (quality.md 5, 21)."""

from collections.abc import Sequence

from roomtone.findings.detector import Limits
from roomtone.findings.flow import ONE_WAY_AUDIO
from roomtone.findings.legs import Legs
from roomtone.findings.noticed import BUCKET_MS, Edge, Noticed, Raised
from roomtone.model.findings import Evidence
from roomtone.model.times import iso

UPSTREAM = frozenset({"ice_failed", "ice_disconnected", "transport_stall", "stats_gap"})


def one_way(peers: Sequence[Noticed], legs: Legs, limits: Limits) -> list[Raised]:
    """``one_way_audio`` of every peer whose loud microphone all receivers got as silence."""
    heard: dict[str, list[Edge]] = {}
    for peer in peers:
        for edge in peer.edges:
            if edge.audio:
                heard.setdefault(edge.sender, []).append(edge)
    found: list[Raised] = []
    for peer in peers:
        edges = heard.get(peer.peer_id)
        if not edges or not peer.edges:
            continue
        loud = frozenset().union(*(uplink.loud for uplink in peer.uplinks.values()))
        mute = [step for step in sorted(loud) if _nobody_hears(edges, step)]
        for run in _runs(mute):
            if len(run) * BUCKET_MS >= 1000.0 * limits["raise_s"] and _hears(peer, run):
                found += _raised(peer, run)
    return found


def _nobody_hears(edges: Sequence[Edge], step: int) -> bool:
    there = [edge for edge in edges if edge.start <= step <= edge.end]
    return bool(there) and all(step in edge.silent for edge in there)


def _hears(peer: Noticed, run: Sequence[int]) -> bool:
    """Something came in well all the while, and the connection itself was not gone."""
    start, end = run[0] * BUCKET_MS, (run[-1] + 1) * BUCKET_MS
    if any(one.id in UPSTREAM and one.start <= end and one.end >= start for one in peer.raised):
        return False
    return all(
        any(
            edge.audio and edge.start <= step <= edge.end and step not in edge.silent
            for edge in peer.edges
        )
        for step in run
    )


def _runs(steps: Sequence[int]) -> list[list[int]]:
    made: list[list[int]] = []
    for step in steps:
        if made and step == made[-1][-1] + 1:
            made[-1].append(step)
        else:
            made.append([step])
    return made


def _raised(peer: Noticed, run: Sequence[int]) -> list[Raised]:
    start = max(run[0] * BUCKET_MS, peer.joined_at)
    end = min((run[-1] + 1) * BUCKET_MS, peer.until)
    if end <= start:
        return []
    told = Evidence(
        timestamp=iso(start),
        source="audio_producer",
        id="",
        field="packets_sent",
        value=None,
    )
    return [
        Raised(
            id=ONE_WAY_AUDIO.id,
            severity=ONE_WAY_AUDIO.severity,
            start=start,
            end=end,
            peer_id=peer.peer_id,
            worst=(end - start) / 1000.0,
            evidence=(told,),
        )
    ]
