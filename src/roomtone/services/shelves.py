"""Shelves: where freshly made reports go: kept for good, or only held against the stored ones."""

import gzip
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from roomtone.model.attendance import TalkTime
from roomtone.model.digests import Digest
from roomtone.model.findings import Finding
from roomtone.model.peer_report import PeerReport
from roomtone.model.sessions import Peer
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, StoredReport, Transaction
from roomtone.services.digesting import figures_of

GZIP_LEVEL = 9


class Answer(Struct, frozen=True):
    """The whole body of the peer-report endpoint."""

    success: bool
    data: dict[str, PeerReport]


def answer(report: PeerReport) -> Answer:
    """The endpoint's body around a report."""
    return Answer(success=True, data={"participant": report})


def body_of(report: PeerReport) -> bytes:
    """A report as it is stored and sent."""
    # mtime=0: the same report is the same bytes whenever it is made.
    return gzip.compress(msgspec.json.encode(answer(report)), GZIP_LEVEL, mtime=0)


def report_of(body: bytes) -> PeerReport:
    """A stored report, read again."""
    return msgspec.json.decode(gzip.decompress(body), type=Answer).data["participant"]


class Shelf(Protocol):
    """Takes what was made of a session: every report, then the digest."""

    async def put_report(self, peer: Peer, report: PeerReport, body: bytes, model: str) -> bool:
        """Whether it differs from what is stored."""
        ...

    async def put_digest(self, digest: Digest) -> None: ...


class KeptShelf:
    """Stores. What another model had made is kept as the previous report."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def put_report(self, peer: Peer, report: PeerReport, body: bytes, model: str) -> bool:
        """See the port."""

        def put(tx: Transaction) -> bool:
            tx.talk.put_talk(peer.subject, peer.session_id, talk_of(report))
            before = tx.reports.report(peer.app_id, peer.peer_id)
            if before is not None and before.body == body and before.model == model:
                return False
            tx.reports.put_report(
                StoredReport(
                    subject=peer.subject,
                    app_id=peer.app_id,
                    peer_id=peer.peer_id,
                    session_id=peer.session_id,
                    model=model,
                    body=body,
                    sealed_at=self._clock.now(),
                )
            )
            return True

        return await self._records.write(put)

    async def put_digest(self, digest: Digest) -> None:
        """See the port."""
        await self._records.write(lambda tx: tx.digests.put(digest))


class ReportChange(Struct, frozen=True, kw_only=True):
    """A report that would be another one. MOS in hundredths; None: not known."""

    peer_id: str
    display_name: str
    model_before: str | None
    """None: there is no stored report."""
    model_after: str
    mos_before: int | None
    mos_after: int | None


class SessionChange(Struct, frozen=True, kw_only=True):
    """What making a session's reports anew would change."""

    session_id: str
    reports: int
    changed: tuple[ReportChange, ...]
    findings_model_before: str
    findings_model_after: str
    findings_added: tuple[Finding, ...]
    findings_removed: tuple[Finding, ...]
    outcome_before: str
    outcome_after: str
    sentences_before: tuple[str, ...]
    sentences_after: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether anything at all would change."""
        return bool(
            self.changed
            or self.findings_added
            or self.findings_removed
            or self.findings_model_before != self.findings_model_after
            or self.outcome_before != self.outcome_after
            or self.sentences_before != self.sentences_after
        )


class ComparingShelf:
    """Stores nothing, and notes what storing would change."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._reports = 0
        self._changed: list[ReportChange] = []
        self._digest: Digest | None = None

    async def put_report(self, peer: Peer, report: PeerReport, body: bytes, model: str) -> bool:
        """See the port."""
        self._reports += 1
        before = await self._records.read(lambda tx: tx.reports.report(peer.app_id, peer.peer_id))
        if before is not None and before.body == body and before.model == model:
            return False
        self._changed.append(
            ReportChange(
                peer_id=peer.peer_id,
                display_name=peer.display_name,
                model_before=None if before is None else before.model,
                model_after=model,
                mos_before=None if before is None else figures_of(report_of(before.body)).mos,
                mos_after=figures_of(report).mos,
            )
        )
        return True

    async def put_digest(self, digest: Digest) -> None:
        """See the port."""
        self._digest = digest

    async def change(self, session_id: str) -> SessionChange:
        """What was noted of a session."""
        before = await self._records.read(lambda tx: tx.digests.digest(session_id))
        after = self._digest
        had, has = _findings(before), _findings(after)
        return SessionChange(
            session_id=session_id,
            reports=self._reports,
            changed=tuple(self._changed),
            findings_model_before="" if before is None else before.model,
            findings_model_after="" if after is None else after.model,
            findings_added=_beyond(has, had),
            findings_removed=_beyond(had, has),
            outcome_before="unknown" if before is None else before.verdict.outcome,
            outcome_after="unknown" if after is None else after.verdict.outcome,
            sentences_before=() if before is None else before.verdict.sentences,
            sentences_after=() if after is None else after.verdict.sentences,
        )


def talk_of(report: PeerReport) -> TalkTime | None:
    """The talk time that a report tells."""
    if report.talk_time_s is None or report.talk_time_source is None:
        return None
    return TalkTime(round(report.talk_time_s * 1000), report.talk_time_source)


def _findings(digest: Digest | None) -> tuple[Finding, ...]:
    return () if digest is None else digest.findings


def _beyond(these: Iterable[Finding], those: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of ``these`` that no finding of ``those`` is the same as: of the same detector, at
    the same peer and stream, of the same severity; each counts once."""
    left = Counter(_key(one) for one in those)
    more = []
    for one in these:
        key = _key(one)
        if left[key]:
            left[key] -= 1
        else:
            more.append(one)
    return tuple(more)


def _key(finding: Finding) -> tuple[str | None, ...]:
    return (finding.id, finding.peer_id, finding.stream, finding.severity, finding.side)
