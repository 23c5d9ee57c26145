"""Session: what was noticed at all peers → the story: findings, verdict, counts."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from roomtone.findings.attribution import Case, Court, near, told_by_receivers
from roomtone.findings.catalogue import BY_ID, Thresholds
from roomtone.findings.echoes import link
from roomtone.findings.loss import DOWNLINK_LOSS, UPLINK_LOSS
from roomtone.findings.noticed import Noticed, Raised
from roomtone.findings.one_way import one_way
from roomtone.findings.peer import notice
from roomtone.findings.presence import REJOINS, rejoined
from roomtone.findings.spells import Pauses, pauses_of
from roomtone.findings.verdict import WEIGHT, counts, verdict
from roomtone.findings.wording import worded
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.report.observed import Observed

__all__ = ["Noticed", "Pauses", "Story", "Thresholds", "notice", "pauses_of", "story", "story_of"]

ONE_OF_ALL = frozenset(
    {
        *(UPLINK_LOSS.id, DOWNLINK_LOSS.id, "high_rtt", "bandwidth_limited"),
        *("ice_failed", "ice_disconnected", "transport_stall"),
    }
)
"""Where one side is to blame, the legs on which it was noticed are told as one."""


class Story(Struct, frozen=True):
    """What a session was like."""

    findings: tuple[Finding, ...]
    """By time."""
    verdict: Verdict
    counts: FindingCounts
    model: str

    def of(self, peer_id: str) -> list[Finding]:
        """What was noticed at one peer."""
        return [finding for finding in self.findings if finding.peer_id == peer_id]

    def by_peer(self) -> dict[str, list[Finding]]:
        """What was noticed at each peer; peers without findings are missing."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.peer_id, []).append(finding)
        return found


def story(peers: Iterable[Noticed], thresholds: Thresholds) -> Story:
    """The story of a session from what was noticed at each of its peers."""
    all_peers = sorted(peers, key=lambda peer: (peer.joined_at, peer.peer_id))
    court = Court(all_peers)
    raised = [one for peer in all_peers for one in peer.raised]
    raised += rejoined(all_peers, thresholds[REJOINS.id]["joins"])
    raised += one_way(all_peers, court.legs, thresholds["one_way_audio"])
    cases = [court.judge(one) for one in raised]
    _weaken_lone(cases, all_peers)
    error_percent = thresholds[UPLINK_LOSS.id]["error_percent"]
    cases += told_by_receivers(cases, court.legs, error_percent)
    _stay_within(cases, all_peers)
    link(cases)
    cases = merged(cases)
    names = {peer.peer_id: peer.name for peer in all_peers}
    cases.sort(key=lambda c: (c.raised.start, c.raised.id, c.raised.peer_id, c.raised.stream or ""))
    return Story(
        tuple(worded(case, names) for case in cases),
        verdict(all_peers, cases, names),
        counts([case for case in cases if not case.cause]),
        thresholds.model,
    )


def story_of(seen: Sequence[Observed], thresholds: Thresholds) -> Story:
    """The story of a session whose peers all fit into memory."""
    pauses: Mapping[str, Pauses] = {one.peer_id: pauses_of(one.events) for one in seen}
    return story([notice(one, pauses, thresholds) for one in seen], thresholds)


def _weaken_lone(cases: Sequence[Case], peers: Sequence[Noticed]) -> None:
    """Loss on the way in shows on two streams, or on the only one that the peer receives. On one
    of several it is worth telling, but nobody's way in."""
    streams = {peer.peer_id: len(peer.edges) for peer in peers}
    lossy: dict[str, list[Raised]] = {}
    for case in cases:
        if case.raised.id == DOWNLINK_LOSS.id:
            lossy.setdefault(case.raised.peer_id, []).append(case.raised)
    for case in cases:
        one = case.raised
        if one.id != DOWNLINK_LOSS.id or streams[one.peer_id] <= 1:
            continue
        rest = lossy[one.peer_id]
        if any(near(one, other) for other in rest if other.stream != one.stream):
            continue
        one.severity = "info"
        if case.side == "downlink":
            case.side, case.blamed = "pair", ""


def _stay_within(cases: Iterable[Case], peers: Sequence[Noticed]) -> None:
    """Told by others, a finding still lies within the time that its peer was there."""
    there = {peer.peer_id: peer for peer in peers}
    for case in cases:
        one, peer = case.raised, there[case.raised.peer_id]
        one.start = min(max(one.start, peer.joined_at), max(peer.until, peer.joined_at))
        one.end = max(one.start, min(one.end, peer.until))
        one.open = one.open and peer.connected


def merged(cases: Iterable[Case]) -> list[Case]:
    """The same trouble of several streams, close in time, as one."""
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        one = case.raised
        apart = one.id in ONE_OF_ALL and case.side in ("uplink", "downlink", "path")
        where = () if apart else (one.other_peer_id, one.array if not one.other_peer_id else "")
        key = (one.id, one.peer_id, case.side, case.blamed, case.cause, *where)
        groups.setdefault(key, []).append(case)
    made: list[Case] = []
    for group in groups.values():
        group.sort(key=lambda case: (case.raised.start, case.raised.end))
        found: list[Case] = []
        for case in group:
            if found and _joins(found[-1].raised, case.raised):
                _take_in(found[-1].raised, case.raised)
            else:
                found.append(case)
        made += found
    return made


def _joins(one: Raised, other: Raised) -> bool:
    """Single moments stay apart: each is a thing of its own."""
    return near(one, other) and (one.end > one.start or other.end > other.start)


def _take_in(one: Raised, other: Raised) -> None:
    falling = BY_ID[one.id].unit in ("MOS", "RMS", "of the frames", "of the expected rate")
    sign = -1.0 if falling else 1.0
    if other.worst is not None and (one.worst is None or sign * other.worst > sign * one.worst):
        one.worst, one.evidence = other.worst, other.evidence
    one.end, one.open = max(one.end, other.end), one.open or other.open
    if WEIGHT[other.severity] > WEIGHT[one.severity]:
        one.severity = other.severity
    if one.stream != other.stream:
        one.stream = None
    if one.other_peer_id != other.other_peer_id:
        one.other_peer_id = ""
    if one.id in ("inbound_dry", "outbound_dry"):
        one.worst = (one.end - one.start) / 1000.0
