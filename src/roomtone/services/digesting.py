"""Digesting: a sealed session and its reports → its digest, and what stays of one after an erasing.

Pure functions, but for :func:`digest_stored`.
"""

import gzip
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from roomtone.model.digests import MOS_SCALE, Digest, PeerFigures
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.peer_report import PeerReport
from roomtone.model.readings import Quality
from roomtone.model.sessions import Peer, Session
from roomtone.ports.records import Records, Transaction
from roomtone.services.strips import Strip, strip_of


class Story(Protocol):
    """What the findings make of a session."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def counts(self) -> FindingCounts: ...
    @property
    def model(self) -> str: ...


def digest_of(
    session: Session,
    peers: Iterable[PeerFigures],
    story: Story | None,
    strip: Strip | None = None,
) -> Digest:
    """The digest of an ENDED session. ``story`` None: nothing looked for findings."""
    digest = Digest(
        session_id=session.id,
        app_id=session.app_id,
        started_at=session.started_at,
        closed_ms=session.closed_ms,
        peers=tuple(peers),
        strip=() if strip is None else strip.made(),
    )
    if story is None:
        return digest
    return replace(
        digest,
        findings=story.findings,
        verdict=story.verdict,
        counts=story.counts,
        model=story.model,
        trouble=() if strip is None else strip.trouble(story.findings),
    )


def figures_of(report: PeerReport) -> PeerFigures:
    """What is counted of one peer, from its report."""
    metadata = report.peer_report.metadata
    return PeerFigures(
        peer_id=report.id,
        mos=_mos(report.peer_report.quality) if report.quality_scale == MOS_SCALE else None,
        browser=metadata.browser_metadata.browser or None,
        network=_network(report),
        country=metadata.ip_information.country or None,
    )


def _mos(quality: Quality) -> int | None:
    """Hundredths; the first of what was heard, seen and sent that has a score."""
    for part in (
        quality.audio_consumer_cumulative,
        quality.video_consumer_cumulative,
        quality.audio_producer_cumulative,
        quality.video_producer_cumulative,
    ):
        spread = part.quality_mos
        if spread is not msgspec.UNSET and isinstance(spread.avg, float | int):
            return round(spread.avg * 100)
    return None


def _network(report: PeerReport) -> str | None:
    metadata = report.peer_report.metadata
    pairs = metadata.candidate_pairs
    in_use = [
        pair.local_candidate_network_type
        for pair in (*pairs.producing_transport, *pairs.consuming_transport)
    ]
    before = [test.effective_network_type for test in metadata.pc_metadata]
    # "unknown" is what a browser says that may not tell.
    return next((name for name in (*in_use, *before) if name and name != "unknown"), None)


def without(digest: Digest, peers: Sequence[Peer]) -> Digest:
    """A digest after these peers were erased: what tells of them is gone."""
    gone = {peer.peer_id for peer in peers}
    names = {peer.display_name for peer in peers if peer.display_name}
    kept = tuple(one for one in digest.findings if not involves(one, gone, names))
    counted = [one.severity for one in kept if one.echo_of is None]
    sentences = tuple(
        one for one in digest.verdict.sentences if not any(name in one for name in names)
    )
    return replace(
        digest,
        # What they heard is mixed into every bar.
        strip=(),
        trouble=(),
        peers=tuple(peer for peer in digest.peers if peer.peer_id not in gone),
        findings=kept,
        verdict=replace(digest.verdict, sentences=sentences),
        counts=FindingCounts(
            error=counted.count("error"),
            warning=counted.count("warning"),
            info=counted.count("info"),
        ),
    )


def involves(finding: Finding, peer_ids: Collection[str], names: Collection[str]) -> bool:
    """Whether a finding is of one of these peers, or names one."""
    told = f"{finding.title}\n{finding.advice}"
    return (
        not {finding.peer_id, finding.blamed_peer_id, finding.other_peer_id}.isdisjoint(peer_ids)
        or (finding.echo_of or "").rpartition("@")[2] in peer_ids
        or any(name in told for name in names)
    )


def redacted(body: bytes, peers: Sequence[Peer]) -> bytes:
    """A stored report (gzip) of somebody else, without the findings that tell of these peers; the
    same bytes if there are none."""
    content = msgspec.json.decode(gzip.decompress(body))
    participant: dict[str, Any] = content["data"]["participant"]
    found = participant.get("findings") or []
    gone = {peer.peer_id for peer in peers}
    names = {peer.display_name for peer in peers if peer.display_name}
    kept = [one for one in found if not involves(msgspec.convert(one, Finding), gone, names)]
    if len(kept) == len(found):
        return body
    participant["findings"] = kept
    return gzip.compress(msgspec.json.encode(content), mtime=0)


class _Stored(msgspec.Struct):
    data: dict[str, PeerReport]


async def digest_stored(records: Records, session: Session, peers: Sequence[Peer]) -> None:
    """Give a session that an earlier version sealed, and whose journal is gone, its figures from
    the stored reports. It keeps a digest that it has."""

    def put(tx: Transaction) -> None:
        if not tx.digests.undigested(session.id):
            return
        stored = (tx.reports.report(peer.app_id, peer.peer_id) for peer in peers)
        reports = [
            msgspec.json.decode(gzip.decompress(one.body), type=_Stored).data["participant"]
            for one in stored
            if one is not None
        ]
        known = {report.id: figures_of(report) for report in reports}
        figures = [known.get(p.peer_id) or PeerFigures(peer_id=p.peer_id) for p in peers]
        strip = strip_of(session)
        for report in reports:
            strip.add(report)
        tx.digests.put(digest_of(session, figures, None, strip))

    await records.write(put)
