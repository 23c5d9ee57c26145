"""Streams: one rule over one stream: a column of numbers, its bad runs, what they point at."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from roomtone.findings.detector import Detector, Limits
from roomtone.findings.extremes import Extremes, TransportExtremes
from roomtone.findings.hysteresis import Rule, Run, any_past, runs
from roomtone.findings.noticed import Raised
from roomtone.findings.spells import Pauses, Spells, touches
from roomtone.model.findings import Evidence
from roomtone.report.observed import AUDIO, RECEIVED, SENT, Observed, ObservedStream

MIN_PACKETS = 25
"""Half a second of audio: with fewer, one lost packet is 4 %."""
NETWORK_FINE_PERCENT = 2.0
"""Loss under which the network is not why a picture stands still (quality.md 5, 24 and 27)."""
MAX_EVIDENCE = 3
MEAN_OVER = 7
"""Intervals of a mean."""
NO_PAUSES = Pauses()

Column = list[float | None]
Measure = Callable[[ObservedStream, Extremes, Limits], Column]
"""One value for each reading; ``[]``: nothing in it can be past the threshold. Most streams are
fine, so every measure asks the extremes for that first: it is what keeps findings cheap."""


class StreamRule(Struct, frozen=True):
    """A detector of streams. Each variant raises it; ``worst`` is of the first one's column."""

    detector: Detector
    applies: Callable[[ObservedStream], bool]
    variants: tuple[tuple[Measure, Callable[[Limits], Rule]], ...]
    field: str
    """The member of the reading that was compared."""
    window: str = ""
    """The threshold (s) over which a value was measured; "": over its interval."""
    back: str = ""
    """The threshold past which intervals before a run belong to it: those that a mean counted."""


class Place:
    """A peer's streams, and what is known around them while rules look at them."""

    def __init__(
        self,
        seen: Observed,
        transports: Mapping[str, TransportExtremes],
        pauses: Callable[[str], Pauses],
        own: Pauses,
        cut_off: Spells,
    ) -> None:
        self.seen = seen
        self.transports = transports
        self.pauses = pauses
        self.own = own
        self.cut_off = cut_off

    def masked(self, stream: ObservedStream) -> Spells:
        """When this stream says nothing: its media was off, or all of its peer was cut off."""
        told = self.own if stream.way == SENT else self.pauses(stream.peer_id)
        if stream.screen:
            off = told.screen
        elif stream.kind == AUDIO:
            off = told.microphone
        else:
            off = (*told.camera, *told.hidden)
        hidden = self.own.hidden if stream.kind != AUDIO else ()
        return (*off, *hidden, *self.cut_off)


def look(
    rule: StreamRule,
    place: Place,
    stream: ObservedStream,
    worst: Extremes,
    mask: Spells,
    limits: Limits,
) -> list[Raised]:
    """What the rule finds in the stream."""
    found: list[Run] = []
    columns: list[Column] = []
    for measure, numbers in rule.variants:
        column = measure(stream, worst, limits)
        columns.append(column)
        if not column:
            continue
        numbers_now = numbers(limits)
        if not any_past(column, numbers_now):
            continue
        if mask:
            blank(column, stream, mask, place.seen.offset)
        found += runs(column, numbers_now)
    if not found:
        return []
    columns = [column or [None] * len(stream.readings) for column in columns]
    if rule.back:
        for run in found:
            _fit(run, columns[0], limits[rule.back])
    lead = ms_of(limits, rule.window) if rule.window else 0.0
    falling = rule.variants[0][1](limits).falling
    return [
        raised(rule.detector, rule.field, place, stream, columns, run, falling, lead)
        for run in joined(found)
    ]


def _fit(run: Run, column: Column, past: float) -> None:
    """A mean knows late: the run is from the first bad interval in it to the last."""
    for i in range(run.first - 1, max(-1, run.first - MEAN_OVER), -1):
        value = column[i]
        if value is not None and value > past:
            run.first = i
    while run.last > run.first and (column[run.last] or 0.0) <= past:
        run.last, run.open = run.last - 1, False


def raised(
    detector: Detector,
    field: str,
    place: Place,
    stream: ObservedStream,
    columns: Sequence[Column],
    run: Run,
    falling: bool,
    lead_ms: float = 0.0,
) -> Raised:
    """A run as a finding in the making."""
    offset = place.seen.offset
    first, last = stream.intervals[run.first], stream.intervals[run.last]
    begun = first.t if first.since is None else first.since
    at = worst_of(columns[0], run, falling)
    second = detector.second_severity
    return Raised(
        id=detector.id,
        severity=second if run.severe and second else detector.severity,
        start=min(begun, first.t - lead_ms) + offset,
        end=last.t + offset,
        open=run.open and run.last >= len(stream.intervals) - 2,
        peer_id=place.seen.peer_id,
        other_peer_id=stream.peer_id if stream.way == RECEIVED else "",
        stream=stream.id,
        array=stream.array,
        transport=stream.transport,
        worst=None if at is None else columns[0][at],
        evidence=evidence(stream, field, columns[0], [run.first, run.worst, run.last]),
        direct=stream.direct,
    )


def worst_of(column: Column, run: Run, falling: bool) -> int | None:
    """The place of the worst value of a run."""
    places = [i for i in range(run.first, run.last + 1) if column[i] is not None]
    if not places:
        return None
    return min(places, key=lambda i: (column[i] or 0.0) * (1.0 if falling else -1.0))


def evidence(
    stream: ObservedStream, field: str, column: Column, places: Iterable[int]
) -> tuple[Evidence, ...]:
    """The readings at these places of the stream."""
    return tuple(
        Evidence(
            timestamp=stream.readings[i].timestamp,
            source=stream.array,
            id=stream.id,
            field=field,
            value=None if column[i] is None else round(column[i] or 0.0, 3),
        )
        for i in sorted(set(places))[:MAX_EVIDENCE]
    )


def blank(column: Column, stream: ObservedStream, mask: Spells, offset: int) -> None:
    """Take out what lies within the mask."""
    for i, it in enumerate(stream.intervals):
        if column[i] is not None:
            since = it.t if it.since is None else it.since
            if touches(mask, since + offset, it.t + offset):
                column[i] = None


def joined(found: list[Run]) -> list[Run]:
    """The runs of several variants: overlapping ones are one."""
    made: list[Run] = []
    for run in sorted(found, key=lambda run: (run.first, run.last)):
        if made and run.first <= made[-1].last + 1:
            before = made[-1]
            before.last = max(before.last, run.last)
            before.severe = before.severe or run.severe
            before.open = before.open or run.open
        else:
            made.append(run)
    return made


def ms_of(limits: Limits, name: str) -> float:
    """A threshold in seconds, as milliseconds."""
    return 1000.0 * limits[name]


def windowed(
    stream: ObservedStream,
    gains: Sequence[float | None],
    bases: Sequence[float | None],
    window_ms: float,
) -> Column:
    """The sum of gains over that of bases in the window that ends with each interval.

    None where the window is not yet full. An interval that does not know its gain or its base
    begins the window anew.
    """
    made: Column = []
    first = 0
    gained = based = 0.0
    intervals = stream.intervals
    for i, (gain, base) in enumerate(zip(gains, bases, strict=True)):
        since = intervals[i].since
        if gain is None or base is None or since is None:
            first, gained, based = i + 1, 0.0, 0.0
            made.append(None)
            continue
        gained, based = gained + gain, based + base
        end = intervals[i].t
        while first < i and end - intervals[first].t >= window_ms:
            gained -= gains[first] or 0.0
            based -= bases[first] or 0.0
            first += 1
        full = end - (intervals[first].since or end) >= window_ms
        made.append(gained / based if full and based > 0 else None)
    return made


def is_audio(way: str) -> Callable[[ObservedStream], bool]:
    """Microphones only: the sound of a shared screen may well be silent or choppy by itself."""
    return lambda stream: stream.kind == AUDIO and stream.way == way and not stream.screen


def is_camera(way: str) -> Callable[[ObservedStream], bool]:
    """Cameras only."""
    return lambda stream: stream.kind != AUDIO and stream.way == way and not stream.screen


def is_video(way: str) -> Callable[[ObservedStream], bool]:
    """Cameras and screens."""
    return lambda stream: stream.kind != AUDIO and stream.way == way


def any_way(way: str) -> Callable[[ObservedStream], bool]:
    """Every stream of one direction."""
    return lambda stream: stream.way == way


def place_at(times: Sequence[float], t: float) -> int:
    """The place of the first time that is not before ``t``."""
    return min(bisect_left(times, t), len(times) - 1)
