"""Presence: coming and going (quality.md 5, 36)."""

from collections.abc import Sequence

from roomtone.findings.detector import Detector, Threshold
from roomtone.findings.noticed import Noticed, Raised
from roomtone.model.findings import Evidence
from roomtone.model.times import iso

REJOINS = Detector(
    id="rejoins",
    title="Joined again",
    severity="info",
    raises="{joins} or more joins of one person within the session",
    clears="never: it sums up the session",
    unit="joins",
    says="{who} joined {worst}.",
    advice="Nothing to do if it happened once; more often it is a page that was closed, a browser "
    "that crashed, or a network that dropped out.",
    source="peermetrics multiple_rejoins",
    thresholds=(Threshold("joins", 2, "", "Joins of one person.", 2, whole=True),),
)
DETECTORS = (REJOINS,)


def rejoined(peers: Sequence[Noticed], least: float) -> list[Raised]:
    """``rejoins``, told at the latest peer of each person."""
    people: dict[str, list[Noticed]] = {}
    for peer in peers:
        people.setdefault(peer.user_id or peer.peer_id, []).append(peer)
    found = []
    for of_person in people.values():
        joins = sorted({t for peer in of_person for t in peer.joins})
        count = max(len(joins), len(of_person))
        if count < least or count < 2:
            continue
        last = max(of_person, key=lambda peer: (peer.joined_at, peer.peer_id))
        start = max((t for t in last.joins), default=last.joined_at)
        told = Evidence(
            timestamp=iso(start), source="event", id="call_join", field="timestamp", value=count
        )
        found.append(
            Raised(
                id=REJOINS.id,
                severity=REJOINS.severity,
                start=start,
                end=start,
                peer_id=last.peer_id,
                worst=float(count),
                evidence=(told,),
            )
        )
    return found
