"""Strips: what a session sounded like over time, in a few bars for a row of a list."""

from collections.abc import Iterable, Sequence

from roomtone.model.digests import MOS_SCALE, SEVERITIES, STRIP_BINS
from roomtone.model.findings import Finding
from roomtone.model.peer_report import PeerReport
from roomtone.model.readings import Quality, Reading
from roomtone.model.sessions import Session
from roomtone.model.times import parse_iso


class Strip:
    """Takes in one report after the other and keeps two numbers a bar. Pure.

    A bar is the mean over the connections of the mean of the readings of its time, of what each
    heard; else saw; else sent: as the number beside it. A reading counts in every bar that its
    interval touches.
    """

    def __init__(self, start: int, end: int) -> None:
        """Epoch ms, of the session."""
        self._start = start
        self._length = max(1, end - start)
        self._sums = [0.0] * STRIP_BINS
        self._people = [0] * STRIP_BINS

    def add(self, report: PeerReport) -> None:
        """One peer's."""
        if report.quality_scale != MOS_SCALE:
            return
        sums, counts = [0.0] * STRIP_BINS, [0] * STRIP_BINS
        for reading, mos in _scored(report.peer_report.quality):
            for at in self._bars(reading):
                sums[at] += mos
                counts[at] += 1
        for at, count in enumerate(counts):
            if count:
                self._sums[at] += sums[at] / count
                self._people[at] += 1

    def made(self) -> tuple[int | None, ...]:
        """Hundredths; None: nothing was scored then. Empty: nothing ever was."""
        if not any(self._people):
            return ()
        return tuple(
            round(100 * total / people) if people else None
            for total, people in zip(self._sums, self._people, strict=True)
        )

    def trouble(self, findings: Iterable[Finding]) -> tuple[int, ...]:
        """The gravest finding of each bar, as a place in :data:`SEVERITIES` plus 1; 0: none."""
        gravest = [0] * STRIP_BINS
        for finding in findings:
            if finding.echo_of is not None:
                continue
            start = parse_iso(finding.start)
            end = self._start + self._length if finding.end is None else parse_iso(finding.end)
            for at in self._between(start, end):
                gravest[at] = max(gravest[at], SEVERITIES.index(finding.severity) + 1)
        return tuple(gravest)

    def _bars(self, reading: Reading) -> range:
        end = parse_iso(reading.timestamp)
        return self._between(end - (reading.interval_ms or 0), end)

    def _between(self, start: int, end: int) -> range:
        first = STRIP_BINS * (start - self._start) // self._length
        # The end itself belongs to the bar before it.
        last = STRIP_BINS * (end - 1 - self._start) // self._length
        return range(max(0, min(first, last)), min(last + 1, STRIP_BINS))


def strip_of(session: Session) -> Strip:
    """The strip of an ENDED session, still empty."""
    return Strip(session.started_at, session.ended_at or session.started_at)


def _scored(quality: Quality) -> Sequence[tuple[Reading, float]]:
    """The first of what was heard, seen and sent that has a score, with the scores."""
    arrays: tuple[Sequence[Reading], ...] = (
        quality.audio_consumer,
        quality.video_consumer,
        quality.audio_producer,
        quality.video_producer,
    )
    for array in arrays:
        found = [(one, one.mos_quality) for one in array if one.mos_quality is not None]
        if found:
            return found
    return ()
