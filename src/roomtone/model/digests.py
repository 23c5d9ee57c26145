"""Digests: what lists and analytics need to know of a session once it was sealed.

A digest keeps the session's story and, for each peer, the few figures that are counted. What it
adds to the figures of its day is its :class:`Share`. MOS is in whole hundredths throughout, so that
what was added can be taken away again exactly.
"""

from typing import Literal

from msgspec import Struct

from roomtone.model.findings import Finding, FindingCounts, Outcome, Severity, Verdict

DAY_MS = 86_400_000

Dimension = Literal["browser", "network", "country", "finding", "mos"]

MOS_BINS = (100, 150, 200, 250, 300, 350, 400, 450)
"""Edges of the distribution, hundredths; a bin has its lower edge, and the last one both."""

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
"""Ascending: 1, 2 and 3 as a session's ``severity``; 0 is a session without findings."""

_OUTCOMES: tuple[Outcome, ...] = ("bad", "fair", "unknown", "good")
_OF_AN_OUTCOME = 1_000
UNKNOWN_MOS = 501
"""Ranks behind every MOS that is known."""

MOS_SCALE = "mos"
"""Only this scale of a report's numbers is a MOS; of the vendor's no figures are made."""

STRIP_BINS = 24
"""Bars of a session's strip, each an equal part of its time: what fits into a row of a list."""


class PeerFigures(Struct, frozen=True, kw_only=True):
    """What is counted of one peer; None: not known."""

    peer_id: str
    mos: int | None = None
    """Hundredths: the mean of what it heard; else of what it saw; else of what it sent."""
    browser: str | None = None
    network: str | None = None
    """``networkType`` of the candidate in use (wifi, cellular, ethernet …), else the effective
    type (4g …) of the test before the call."""
    country: str | None = None
    """ISO 3166-1, as the operator's database of addresses has it."""


class Digest(Struct, frozen=True, kw_only=True):
    """A sealed session in short."""

    session_id: str
    app_id: str
    started_at: int
    closed_ms: int
    peers: tuple[PeerFigures, ...]
    findings: tuple[Finding, ...] = ()
    verdict: Verdict = Verdict(outcome="unknown", sentences=())
    counts: FindingCounts = FindingCounts()
    model: str = ""
    """Names the version of the findings that made the story; empty: none did."""
    strip: tuple[int | None, ...] = ()
    """MOS over time, hundredths, STRIP_BINS bars; None: nothing was scored then. Empty: not known,
    as in the digests of versions before this field."""
    trouble: tuple[int, ...] = ()
    """Beside the strip: the gravest finding of each bar, as :func:`severity` counts; echoes are
    left out. Empty: nothing looked, or the strip is not known."""


class Headline(Struct, frozen=True, kw_only=True):
    """What a row of a list shows of a digest."""

    session_id: str
    mos_hundredths: int | None
    outcome: Outcome | None
    """None, and so are the counts: nothing looked for findings."""
    errors: int | None
    warnings: int | None
    infos: int | None
    strip: tuple[int | None, ...] = ()
    """As the digest's, and so is the next."""
    trouble: tuple[int, ...] = ()

    @property
    def mos(self) -> float | None:
        """The mean over the peers whose MOS is known."""
        return None if self.mos_hundredths is None else self.mos_hundredths / 100

    @property
    def counts(self) -> FindingCounts | None:
        """How many findings of each severity."""
        if self.errors is None:
            return None
        return FindingCounts(error=self.errors, warning=self.warnings or 0, info=self.infos or 0)


class Named(Struct, frozen=True, array_like=True):
    """A share by browser, network, country, finding (``severity:id``) or bin of the MOS (its lower
    edge in hundredths)."""

    dimension: Dimension
    name: str
    sessions: int
    peers: int
    mos_sum: int
    mos_count: int


class Share(Struct, frozen=True, array_like=True):
    """What one session adds to its day, or what a day has."""

    sessions: int = 0
    closed_ms: int = 0
    peers: int = 0
    errors: int = 0
    warnings: int = 0
    mos_sum: int = 0
    mos_count: int = 0
    names: tuple[Named, ...] = ()


class DayFigures(Struct, frozen=True):
    """A day, as its number since 1970-01-01 UTC, and all that was added to it but names."""

    day: int
    figures: Share


class OpenSession(Struct, frozen=True, kw_only=True):
    """A session that is LIVE or waits to be sealed, and what it added when it was sealed before."""

    started_at: int
    closed_ms: int
    live_participants: int
    live_since_sum: int
    live: bool
    peers: int
    before_day: int | None
    before_closed_ms: int
    before_peers: int

    def used_ms(self, now: int) -> int:
        """As :meth:`roomtone.model.sessions.Session.used_ms`."""
        if not self.live:
            return self.closed_ms
        return max(0, self.closed_ms + self.live_participants * now - self.live_since_sum)


def day_of(t: int) -> int:
    """The UTC day that a moment is on."""
    return t // DAY_MS


def mean_mos(peers: tuple[PeerFigures, ...]) -> int | None:
    """Hundredths: the mean over the peers whose MOS is known, halves up; None: of nobody."""
    known = [peer.mos for peer in peers if peer.mos is not None]
    return (2 * sum(known) + len(known)) // (2 * len(known)) if known else None


def rank(outcome: Outcome, mos: int | None) -> int:
    """Ascends from the worst session to the best: by verdict, then by MOS."""
    return _OUTCOMES.index(outcome) * _OF_AN_OUTCOME + (UNKNOWN_MOS if mos is None else mos)


def severity(counts: FindingCounts) -> int:
    """The gravest severity that a session has, as a place in :data:`SEVERITIES` plus 1; 0: none."""
    return 3 if counts.error else 2 if counts.warning else 1 if counts.info else 0


def bin_of(mos: int) -> str:
    """The name of the bin that a MOS falls into."""
    inner = sum(mos >= edge for edge in MOS_BINS[1:-1])
    return str(MOS_BINS[inner])


def share_of(digest: Digest) -> Share:
    """What a digest adds to its day."""
    known = [peer.mos for peer in digest.peers if peer.mos is not None]
    return Share(
        sessions=1,
        closed_ms=digest.closed_ms,
        peers=len(digest.peers),
        errors=digest.counts.error,
        warnings=digest.counts.warning,
        mos_sum=sum(known),
        mos_count=len(known),
        names=(*_peer_names(digest.peers), *_finding_names(digest)),
    )


def _peer_names(peers: tuple[PeerFigures, ...]) -> list[Named]:
    counted: dict[tuple[Dimension, str], list[int]] = {}
    for peer in peers:
        named: list[tuple[Dimension, str | None]] = [
            ("browser", peer.browser),
            ("network", peer.network),
            ("country", peer.country),
            ("mos", None if peer.mos is None else bin_of(peer.mos)),
        ]
        for dimension, name in named:
            if name:
                counts = counted.setdefault((dimension, name), [0, 0, 0])
                counts[0] += 1
                counts[1] += peer.mos or 0
                counts[2] += peer.mos is not None
    return [Named(*key, 1, *counts) for key, counts in sorted(counted.items())]


def _finding_names(digest: Digest) -> list[Named]:
    """Echoes are not counted, as in :class:`FindingCounts`."""
    at: dict[str, set[str]] = {}
    for finding in digest.findings:
        if finding.echo_of is None:
            at.setdefault(f"{finding.severity}:{finding.id}", set()).add(finding.peer_id)
    return [Named("finding", name, 1, len(at[name]), 0, 0) for name in sorted(at)]
