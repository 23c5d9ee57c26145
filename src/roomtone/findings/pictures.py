"""Pictures: the rules of :mod:`roomtone.findings.video` over the readings."""

from roomtone.findings import video as v
from roomtone.findings.detector import Detector, Limits
from roomtone.findings.extremes import Extremes
from roomtone.findings.hysteresis import Rule, Run, runs
from roomtone.findings.loss import received_losses
from roomtone.findings.noticed import Raised
from roomtone.findings.spells import Spells
from roomtone.findings.streams import (
    MIN_PACKETS,
    NETWORK_FINE_PERCENT,
    Column,
    Place,
    StreamRule,
    blank,
    is_camera,
    is_video,
    place_at,
    raised,
    windowed,
)
from roomtone.model.readings import VideoConsumerReading
from roomtone.report.intervals import SentVideo
from roomtone.report.observed import RECEIVED, SENT, VIDEO, ObservedStream

FILLED = 0.5
"""Share of its target bitrate from which an encoder counts as held back by it."""
MAX_SOURCE_FPS = 30.0
MIN_SOURCE_FPS = 5.0
"""A source that gives fewer (a covered or disabled camera, a still page) stands still anyway."""


def _fine(stream: ObservedStream) -> list[bool]:
    """Whether the network is known to be fine in each interval."""
    return [loss is not None and loss < NETWORK_FINE_PERCENT for loss in received_losses(stream)]


def frozen_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Frozen share of the interval; 100 with a decoder that is stuck."""
    if not worst.stuck and 100.0 * worst.frozen <= limits["raise_percent"]:
        return []
    made: Column = []
    for reading, fps, fine in zip(stream.readings, stream.sent_fps, _fine(stream), strict=True):
        if reading.interval_ms is None or reading.paused:
            made.append(None)
        elif _stuck(reading, limits):
            made.append(100.0)
        elif not fine or reading.frozen_fraction is None or (fps or 30.0) < MIN_SOURCE_FPS:
            made.append(None)
        else:
            made.append(100.0 * reading.frozen_fraction)
    return made


def _stuck(r: VideoConsumerReading, limits: Limits) -> bool:
    if r.frames_decoded != 0 or r.interval_ms is None or r.bytes_received is None:
        return False
    seconds = r.interval_ms / 1000.0
    return (
        seconds >= max(limits["stuck_s"], 15.0 * (r.round_trip_time or 0.0))
        and 8.0 * r.bytes_received / seconds > 1000.0 * limits["stuck_kbps"]
        and (r.pli_count or 0) >= limits["stuck_plis"]
    )


def mean_freeze_s(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """s, mean length of the freezes that ended in the interval."""
    if worst.freezes_s <= limits["freeze_s"]:
        return []
    made: Column = []
    for it, fps, fine in zip(stream.intervals, stream.sent_fps, _fine(stream), strict=True):
        lasted, count = it.total_freezes_duration, it.freeze_count
        if (
            it.since is None
            or it.paused
            or not fine
            or (fps or 30.0) < MIN_SOURCE_FPS
            or lasted is None
            or count is None
        ):
            made.append(None)
        else:
            made.append(lasted / count if count else 0.0)
    return made


def rate_ratio(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Frames a second over what the source gives."""
    if worst.rate_ratio >= limits["raise_ratio"]:
        return []
    if stream.way == SENT:
        return [
            None
            if r.frames_per_second is None
            or r.quality_limitation_reason == "bandwidth"
            or it.source is None
            or (it.source.frames_per_second or 0.0) < MIN_SOURCE_FPS
            else r.frames_per_second / r.expected_frames_per_second
            for r, it in zip(stream.readings, stream.intervals, strict=True)
        ]
    if not stream.direct:
        return []
    return [
        None
        if r.frames_per_second is None
        or r.interval_ms is None
        or not ok
        or fps is None
        or fps < MIN_SOURCE_FPS
        else r.frames_per_second / min(fps, r.expected_frames_per_second)
        for r, fps, ok in zip(stream.readings, stream.sent_fps, _fine(stream), strict=True)
    ]


def _limited(stream: ObservedStream, reason: str) -> Column:
    made: Column = []
    for r in stream.readings:
        spent = r.quality_limitation_durations
        whole = 0.0 if spent is None else spent.cpu + spent.bandwidth + spent.none + spent.other
        known = r.interval_ms is not None and not r.paused and r.packets_sent and whole > 0
        made.append(100.0 * getattr(spent, reason) / whole if known else None)
    return made


def cpu_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Share of the time that the processor held the encoder back."""
    return _limited(stream, "cpu") if worst.cpu else []


def encode_load_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Time that encoding a frame took, of the time between two that the camera gives.

    Between two as it has given them: on a computer that is too slow the camera falls behind too.
    """
    if 100.0 * worst.encode_s * MAX_SOURCE_FPS <= 0.9 * limits["load_percent"]:
        return []  # not even at the highest rate
    made: Column = []
    given = 0.0
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        spent, frames, fps = it.total_encode_time, it.frames_encoded, r.frames_per_second
        if it.source is not None:
            given = max(given, min(it.source.frames_per_second or 0.0, MAX_SOURCE_FPS))
        known = spent is not None and frames and fps and r.interval_ms is not None
        made.append(100.0 * spent / frames * max(fps, given) if known else None)
    return made


def decoded_ratio(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Decoded frames of those that came."""
    if worst.decoded_ratio > limits["raise_ratio"]:
        return []
    made: Column = []
    for it, fine in zip(stream.intervals, _fine(stream), strict=True):
        came, shown = it.frames_received, it.frames_decoded
        known = came is not None and shown is not None and it.since is not None
        if not known or it.paused or not fine or came < limits["frames"]:
            made.append(None)
        else:
            made.append(shown / came)
    return made


def bandwidth_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Share of the time that the bandwidth held the encoder back, once the start is over."""
    if not worst.bandwidth:
        return []
    column = _limited(stream, "bandwidth")
    begun = stream.intervals[0].t
    for i, it in enumerate(stream.intervals):
        if (it.since or it.t) - begun < 1000.0 * limits["ramp_up_s"]:
            column[i] = None
    return column


def asked_rate(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """PLI and FIR a second over the window."""
    if worst.asked_rate <= limits["raise_rate"]:
        return []  # a window holds no more than its worst interval
    asked: Column = [
        None
        if r.interval_ms is None or r.paused or r.pli_count is None
        else float(r.pli_count + (r.fir_count or 0))
        for r in stream.readings
    ]
    seconds: Column = [
        None if r.interval_ms is None else r.interval_ms / 1000.0 for r in stream.readings
    ]
    return windowed(stream, asked, seconds, 1000.0 * limits["window_s"])


RULES = (
    StreamRule(
        v.VIDEO_FROZEN,
        is_camera(RECEIVED),
        (
            (frozen_percent, lambda x: Rule(x["raise_percent"], x["clear_percent"])),
            (mean_freeze_s, lambda x: Rule(x["freeze_s"], x["freeze_s"] / 2)),
        ),
        "frozen_fraction",
    ),
    StreamRule(
        v.LOW_FPS,
        lambda stream: stream.kind == VIDEO and not stream.screen,
        (
            (
                rate_ratio,
                lambda x: Rule(x["raise_ratio"], x["clear_ratio"], k=3, n=5, falling=True),
            ),
        ),
        "frames_per_second",
    ),
    StreamRule(
        v.CPU_LIMITED_ENCODE,
        is_video(SENT),
        (
            (cpu_percent, lambda x: Rule(x["raise_percent"] - 1e-6, x["clear_percent"], k=3, n=5)),
            (
                encode_load_percent,
                lambda x: Rule(x["load_percent"], 0.75 * x["load_percent"], k=3, n=5),
            ),
        ),
        "quality_limitation_durations",
    ),
    StreamRule(
        v.CPU_LIMITED_DECODE,
        is_video(RECEIVED),
        (
            (
                decoded_ratio,
                lambda x: Rule(x["raise_ratio"] + 1e-6, x["clear_ratio"], k=2, n=3, falling=True),
            ),
        ),
        "frames_decoded",
    ),
    StreamRule(
        v.BANDWIDTH_LIMITED,
        is_camera(SENT),
        (
            (
                bandwidth_percent,
                lambda x: Rule(x["raise_percent"] - 1e-6, x["clear_percent"], k=3, n=5),
            ),
        ),
        "quality_limitation_durations",
    ),
    StreamRule(
        v.KEYFRAME_STORM,
        lambda stream: stream.kind == VIDEO,
        ((asked_rate, lambda x: Rule(x["raise_rate"], x["clear_rate"])),),
        "pli_count",
        "window_s",
    ),
)


def starved(place: Place, stream: ObservedStream, mask: Spells, limits: Limits) -> list[Raised]:
    """``bandwidth_limited`` by what the browser found it can send while it sends video."""
    if place.transports[stream.transport].available_bitrate >= 1000.0 * limits["raise_kbps"]:
        return []
    points = next(each.points for each in place.seen.transports if each.id == stream.transport)
    times = [point.t for point in points]
    column: Column = []
    begun = stream.intervals[0].t
    for it in stream.intervals:
        late = (it.since or it.t) - begun >= 1000.0 * limits["ramp_up_s"]
        available = points[place_at(times, it.t)].available_outgoing_bitrate
        known = late and (it.packets_sent or 0) >= MIN_PACKETS and not it.paused
        # Who sends little (a dark picture, a still one) finds out little: an estimate only holds
        # somebody back who sends about as much as it lets them.
        known = known and _fills(it)
        column.append(available / 1000.0 if known and available else None)
    blank(column, stream, mask, place.seen.offset)
    rule = Rule(limits["raise_kbps"], limits["clear_kbps"], k=3, n=5, falling=True)
    found = runs(column, rule)
    return [_limit(place, stream, column, run) for run in found]


def _fills(it: SentVideo) -> bool:
    """Whether the encoder makes use of what it may send, as far as that is known."""
    if it.since is None or not it.target_bitrate or it.bytes_sent is None:
        return True
    return 8000.0 * it.bytes_sent >= FILLED * it.target_bitrate * (it.t - it.since)


def _limit(place: Place, stream: ObservedStream, column: Column, run: Run) -> Raised:
    made = raised(
        v.BANDWIDTH_LIMITED, "available_outgoing_bitrate", place, stream, [column], run, True
    )
    made.worst = None  # the catalogue's unit is the share of the time
    return made


def small_pictures(
    place: Place, stream: ObservedStream, worst: Extremes, limits: Limits
) -> list[Raised]:
    """``low_resolution``: a received camera over the whole call."""
    if not worst.sized and not any(stream.sent_fps):
        return []
    column: Column = []
    for r, it, fps in zip(stream.readings, stream.intervals, stream.sent_fps, strict=True):
        expected = r.expected_pixels if it.display_pixels or fps is not None else None
        if not expected or r.frames_per_second is None or not r.frame_width:
            column.append(None)
        else:
            column.append((r.frame_width * (r.frame_height or 0)) / expected)
    known = [i for i, ratio in enumerate(column) if ratio is not None]
    small = [i for i in known if (column[i] or 0.0) < limits["pixels_ratio"]]
    if len(known) < 3 or 100.0 * len(small) < limits["share_percent"] * len(known):
        return []
    run = Run(small[0], small[-1], small[0])
    made = raised(v.LOW_RESOLUTION, "frame_width", place, stream, [column], run, True)
    made.worst = 100.0 * len(small) / len(known)
    return [made]


def changes(place: Place, stream: ObservedStream, worst: Extremes) -> list[Raised]:
    """``codec_changed`` and ``software_fallback``."""
    found: list[Raised] = []
    if not worst.recoded and not worst.both_encoders:
        return found
    blank_column: Column = [None] * len(stream.intervals)

    def at(i: int, detector: Detector) -> Raised:
        return raised(detector, "mid", place, stream, [blank_column], Run(i, i, i), False)

    mime = None
    for i, it in enumerate(stream.intervals):
        now = None if it.codec is None else it.codec.mime_type
        if now is not None and now != mime:
            if mime is not None and now.lower() != mime.lower():
                found.append(at(i, v.CODEC_CHANGED))
            mime = now
    if stream.way == RECEIVED or stream.kind != VIDEO:
        return found
    hardware = False
    fallen: Raised | None = None
    for i, it in enumerate(stream.intervals):
        efficient = None if it.top is None else it.top.power_efficient
        if efficient is None:
            continue
        if efficient:
            fallen = None
        elif hardware:
            fallen = at(i, v.SOFTWARE_FALLBACK)
            found.append(fallen)
        elif fallen is not None:
            fallen.end = it.t + place.seen.offset
        hardware = efficient
    return found
