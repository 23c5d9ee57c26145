"""``/analytics/daywise``, the vendor's (contract 5), and ``/analytics/overview``, ours."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

from msgspec import Struct

from roomtone.model.digests import DAY_MS, MOS_BINS, DayFigures, Dimension, Headline, Named, Share
from roomtone.model.errors import Fault, Invalid
from roomtone.model.findings import Outcome, Severity
from roomtone.model.limits import ANALYTICS_DAYS, MAX_ANALYTICS_DAYS, MAX_NAMES
from roomtone.model.sessions import Session
from roomtone.model.times import iso, minutes
from roomtone.services.analytics import Overview
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import (
    DAYS_END,
    DAYS_START,
    RANGE_END,
    RANGE_START,
)
from roomtone.web.realtimekit.session_answers import finding_strip, quality_strip

EPOCH = date(1970, 1, 1)


class SessionDay(Struct, frozen=True):
    """Sessions that started on a UTC day."""

    day: str
    total_sessions: int
    total_session_minutes: float


class SessionStats(Struct, frozen=True):
    sessions_count: int
    sessions_minutes_consumed: float
    day_stats: tuple[SessionDay, ...]


class RecordingDay(Struct, frozen=True):
    """Always zeros: Roomtone records no media."""

    day: str
    total_recordings: int = 0
    total_recording_minutes: int = 0


class RecordingStats(Struct, frozen=True):
    """Always zeros: Roomtone records no media."""

    day_stats: tuple[RecordingDay, ...]
    recording_count: int = 0
    recording_minutes_consumed: float = 0


class DaywiseData(Struct, frozen=True):
    session_stats: SessionStats
    recording_stats: RecordingStats


class DaywiseAnswer(Struct, frozen=True):
    success: bool
    data: DaywiseData


class Range(Struct, frozen=True):
    """Whole UTC days, both ends included."""

    start: str
    end: str


class Totals(Struct, frozen=True):
    """``mos_avg``: over the peers whose MOS is known; null: of nobody."""

    sessions: int
    session_minutes: float
    peers: int
    errors: int
    warnings: int
    mos_avg: float | None


class OverviewDay(Totals, frozen=True, kw_only=True):
    """The same, of sessions that started on a UTC day."""

    day: str


class MosBin(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Peers with ``from`` <= MOS < ``to``; in the last bin ``to`` included."""

    start: float
    end: float
    peers: int


class MosSpread(Struct, frozen=True):
    bins: tuple[MosBin, ...]
    avg: float | None


class WorstSession(Struct, frozen=True):
    """By verdict, then by MOS."""

    session_id: str
    title: str
    started_at: str
    mos: float | None
    errors: int | None
    warnings: int | None
    verdict: Outcome | None
    quality_strip: tuple[float | None, ...] | None
    finding_strip: tuple[Severity | None, ...] | None


class NamedPeers(Struct, frozen=True):
    """Peers of whom it is known."""

    name: str
    peers: int
    mos_avg: float | None


class FoundCount(Struct, frozen=True):
    """A finding: in how many sessions, at how many peers; echoes are not counted."""

    id: str
    severity: Severity
    sessions: int
    peers: int


class OverviewData(Struct, frozen=True):
    range: Range
    totals: Totals
    days: tuple[OverviewDay, ...]
    mos: MosSpread
    worst: tuple[WorstSession, ...]
    browsers: tuple[NamedPeers, ...]
    networks: tuple[NamedPeers, ...]
    countries: tuple[NamedPeers, ...]
    findings: tuple[FoundCount, ...]


class OverviewAnswer(Struct, frozen=True):
    success: bool
    data: OverviewData


async def daywise(call: Call) -> Answer:
    """Sessions and minutes by UTC day, for 30 days up to today unless asked otherwise. A session
    counts on the day that it started on, as soon as it starts."""
    analytics = call.facade.analytics
    first, last = _days_asked(call.query[DAYS_START], call.query[DAYS_END], analytics.today())
    found = await analytics.days(call.app_id, first, last)
    total = found.total
    rows = tuple(
        SessionDay(_day(day.day), day.figures.sessions, minutes(day.figures.closed_ms))
        for day in found.days
    )
    stats = SessionStats(total.sessions, minutes(total.closed_ms), rows)
    recordings = RecordingStats(tuple(RecordingDay(row.day) for row in rows))
    return ok(DaywiseAnswer(True, DaywiseData(stats, recordings)))


async def overview(call: Call) -> Answer:
    """How an app's sessions went, over whole UTC days: 30 up to today unless asked otherwise.
    MOS, findings and names are known once a session was sealed, seconds after its end."""
    analytics, query = call.facade.analytics, call.query
    start, end = (
        None if moment is None else moment // DAY_MS
        for moment in (query[RANGE_START], query[RANGE_END])
    )
    first, last = _days_asked(start, end, analytics.today(), "start_time", "end_time")
    return ok(OverviewAnswer(True, _overview(await analytics.overview(call.app_id, first, last))))


def _days_asked(
    first: int | None,
    last: int | None,
    today: int,
    first_name: str = "start_date",
    last_name: str = "end_date",
) -> tuple[int, int]:
    """The days that are asked for; what is not given is 30 days, up to today if need be."""
    if last is None:
        last = today if first is None else max(first, today)
    if first is None:
        first = max(0, last - ANALYTICS_DAYS + 1)
    early = [name for name, one in ((first_name, first), (last_name, last)) if one < 0]
    if early:
        faults = tuple(Fault(name, "must not be before 1970") for name in early)
        raise Invalid("The query is not valid.", faults)
    if first > last:
        why = f"must not be after {last_name}"
        raise Invalid("The query is not valid.", (Fault(first_name, why),))
    if last - first >= MAX_ANALYTICS_DAYS:
        why = f"must be less than {MAX_ANALYTICS_DAYS} days before {last_name}"
        raise Invalid("The query is not valid.", (Fault(first_name, why),))
    return first, last


def _day(number: int) -> str:
    """``YYYY-MM-DD``."""
    return (EPOCH + timedelta(days=number)).isoformat()


def _overview(found: Overview) -> OverviewData:
    days, total = found.days, found.days.total
    bins = {one.name: one.peers for one in found.names if one.dimension == "mos"}
    return OverviewData(
        range=Range(iso(days.first * DAY_MS), iso((days.last + 1) * DAY_MS - 1)),
        totals=Totals(*_figures(total)),
        days=tuple(_overview_day(day) for day in days.days),
        mos=MosSpread(
            tuple(
                MosBin(low / 100, high / 100, bins.get(str(low), 0))
                for low, high in pairwise(MOS_BINS)
            ),
            _mean(total.mos_sum, total.mos_count),
        ),
        worst=tuple(_worst(session, headline) for session, headline in found.worst),
        browsers=_of(found.names, "browser"),
        networks=_of(found.names, "network"),
        countries=_of(found.names, "country"),
        findings=_findings(found.names),
    )


def _figures(share: Share) -> tuple[int, float, int, int, int, float | None]:
    return (
        share.sessions,
        minutes(share.closed_ms),
        share.peers,
        share.errors,
        share.warnings,
        _mean(share.mos_sum, share.mos_count),
    )


def _overview_day(day: DayFigures) -> OverviewDay:
    figures = zip(Totals.__struct_fields__, _figures(day.figures), strict=True)
    return OverviewDay(day=_day(day.day), **dict(figures))  # type: ignore[arg-type]


def _mean(hundredths: int, count: int) -> float | None:
    return round(hundredths / count / 100, 2) if count else None


def _worst(session: Session, headline: Headline) -> WorstSession:
    return WorstSession(
        session_id=session.id,
        title=session.title,
        started_at=iso(session.started_at),
        mos=headline.mos,
        errors=headline.errors,
        warnings=headline.warnings,
        verdict=headline.outcome,
        quality_strip=quality_strip(headline),
        finding_strip=finding_strip(headline),
    )


def _of(names: Iterable[Named], dimension: Dimension) -> tuple[NamedPeers, ...]:
    """Most peers first; what is beyond the limit is in the totals alone."""
    told = [one for one in names if one.dimension == dimension]
    return tuple(
        NamedPeers(one.name, one.peers, _mean(one.mos_sum, one.mos_count))
        for one in told[:MAX_NAMES]
    )


def _findings(names: Iterable[Named]) -> tuple[FoundCount, ...]:
    """Errors first, then those of most sessions."""
    told = [one for one in names if one.dimension == "finding"]
    order: tuple[Severity, ...] = ("error", "warning", "info")
    rows = []
    for one in told:
        severity, _, finding_id = one.name.partition(":")
        place = next(at for at, name in enumerate(order) if name == severity)
        rows.append((place, -one.sessions, finding_id, one.peers))
    return tuple(
        FoundCount(finding_id, order[place], -minus, peers)
        for place, minus, finding_id, peers in sorted(rows)
    )


DAYWISE = Resource(
    "/analytics/daywise",
    {
        "GET": Operation(
            handler=daywise,
            name="getOrgAnalytics",
            summary="Sessions and minutes by day",
            answer=DaywiseAnswer,
            parameters=(DAYS_START, DAYS_END),
        )
    },
    "Analytics",
)

OVERVIEW = Resource(
    "/analytics/overview",
    {
        "GET": Operation(
            handler=overview,
            name="getOverview",
            summary="How an app's sessions went",
            answer=OverviewAnswer,
            parameters=(RANGE_START, RANGE_END),
        )
    },
    "Analytics",
)
