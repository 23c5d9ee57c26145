"""Extremes: how far the numbers of a stream or a transport ever went.

Most streams are fine all along, so a rule first asks here whether any reading can be past its
threshold, and only then makes its column: that keeps findings cheap. What a rule leaves out later
(pauses, too few packets) still counts here: an extreme may be worse than all that the rule looks
at, never better.

One pass over each stream, with a loop for each kind: every member is read once, and in any line of
code always of the same class, for which CPython has a fast way to the attributes.
"""

from collections.abc import Sequence
from math import inf

from msgspec import Struct

from roomtone.report.observed import AUDIO, SENT, ObservedStream
from roomtone.report.transit import TransportPoint


class Extremes(Struct):
    """The worst of a stream. What its kind does not have, or nobody measured, is as if fine."""

    lost: bool = False
    """Whether any packet was lost."""
    outage: bool = False
    """Received: whether nothing came at some time although it was sent."""
    unsent: bool = False
    """Sent: whether any interval had no packet."""
    recoded: bool = False
    """Whether the codec's report was another one at some time."""
    jitter_s: float = 0.0
    mos: float = inf
    audible: float = 0.0
    """Share of samples that were made up and not silent."""
    buffer_ms: float = 0.0
    """Jitter buffer delay of an interval of audio."""
    stretched_percent: float = 0.0
    quietest: float = inf
    """Mean power of an interval of received sound; infinite if nobody said any level."""
    packets: int = 0
    """Received audio: all that came while it was not paused."""
    stuck: bool = False
    """Received video: whether nothing was decoded in some interval."""
    frozen: float = 0.0
    """Frozen share of an interval."""
    freezes_s: float = 0.0
    """All freezes of an interval."""
    decoded_ratio: float = inf
    """Decoded frames of those that came."""
    rate_ratio: float = inf
    """Frames a second of those expected."""
    asked_rate: float = 0.0
    """PLI and FIR a second."""
    sized: bool = False
    """Received video: whether the client ever said how large it shows it."""
    cpu: bool = False
    bandwidth: bool = False
    """Sent video: whether the processor, or the bandwidth, ever held the encoder back."""
    encode_s: float = 0.0
    """Of a frame."""
    both_encoders: bool = False
    """Sent video: whether hardware encoded at one time and software at another."""


class TransportExtremes(Struct):
    """The worst of a transport's points."""

    gap_ms: float = 0.0
    shortest_gap_ms: float = inf
    """Of all points but the first, which has none before it."""
    stood: bool = False
    """Whether nothing came between any two points."""
    steady: bool = True
    """Whether the way was the same all along, as it nearly always is."""
    rtt_s: float | None = None
    """None: not known at any point."""
    available_bitrate: float = inf
    """bit/s, outgoing."""


def extremes_of(stream: ObservedStream) -> Extremes:
    """The worst of a stream's readings and intervals."""
    if not stream.readings:
        return Extremes()
    if stream.way == SENT:
        return _spoken(stream) if stream.kind == AUDIO else _filmed(stream)
    return _heard(stream) if stream.kind == AUDIO else _shown(stream)


def _heard(stream: ObservedStream) -> Extremes:
    """Of received audio."""
    worst = Extremes()
    lost = outage = recoded = False
    packets = 0
    jitter = audible = buffer = stretched = 0.0
    mos = quietest = inf
    codec = stream.intervals[0].codec
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        if r.packets_lost:
            lost = True
        if r.outage:
            outage = True
        if not r.paused:
            packets += r.packets_received or 0
        if (now := r.jitter) is not None and now > jitter:
            jitter = now
        if (now := r.mos_quality) is not None and now < mos:
            mos = now
        if (now := r.audible_concealment_fraction) is not None and now > audible:
            audible = now
        if emitted := r.jitter_buffer_emitted_count:
            now = 1000.0 * (r.jitter_buffer_delay or 0.0) / emitted
            if now > buffer:
                buffer = now
        if total := it.total_samples_received:
            added = it.inserted_samples_for_deceleration or 0.0
            now = 100.0 * (added + (it.removed_samples_for_acceleration or 0.0)) / total
            if now > stretched:
                stretched = now
        if (energy := it.total_audio_energy) is not None:
            now = energy / (it.total_samples_duration or 1.0)
            if now < quietest:
                quietest = now
        if it.codec is not codec:
            recoded = True
    worst.lost, worst.outage, worst.recoded = lost, outage, recoded
    worst.packets, worst.jitter_s, worst.audible, worst.mos = packets, jitter, audible, mos
    worst.buffer_ms, worst.stretched_percent, worst.quietest = buffer, stretched, quietest
    return worst


def _shown(stream: ObservedStream) -> Extremes:
    """Of received video."""
    worst = Extremes()
    lost = outage = recoded = stuck = sized = False
    frozen = freezes = asked_rate = 0.0
    decoded_ratio = rate_ratio = inf
    codec = stream.intervals[0].codec
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        if r.packets_lost:
            lost = True
        if r.outage:
            outage = True
        if r.frames_decoded == 0:
            stuck = True
        if (now := r.frozen_fraction) is not None and now > frozen:
            frozen = now
        if (now := it.total_freezes_duration) is not None and now > freezes:
            freezes = now
        if came := it.frames_received:
            now = (it.frames_decoded or 0.0) / came
            if now < decoded_ratio:
                decoded_ratio = now
        if (fps := r.frames_per_second) is not None and (wanted := r.expected_frames_per_second):
            now = fps / wanted
            if now < rate_ratio:
                rate_ratio = now
        if (asked := (r.pli_count or 0) + (r.fir_count or 0)) and r.interval_ms:
            now = 1000.0 * asked / r.interval_ms
            if now > asked_rate:
                asked_rate = now
        if it.display_pixels:
            sized = True
        if it.codec is not codec:
            recoded = True
    worst.lost, worst.outage, worst.recoded = lost, outage, recoded
    worst.stuck, worst.frozen, worst.freezes_s = stuck, frozen, freezes
    worst.decoded_ratio, worst.rate_ratio = decoded_ratio, rate_ratio
    worst.asked_rate, worst.sized = asked_rate, sized
    return worst


def _spoken(stream: ObservedStream) -> Extremes:
    """Of sent audio."""
    worst = Extremes()
    lost = unsent = recoded = False
    jitter = 0.0
    codec = stream.intervals[0].codec
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        if r.packets_lost:
            lost = True
        if not r.packets_sent:
            unsent = True
        if (now := r.jitter) is not None and now > jitter:
            jitter = now
        if it.codec is not codec:
            recoded = True
    worst.lost, worst.unsent, worst.recoded, worst.jitter_s = lost, unsent, recoded, jitter
    return worst


def _filmed(stream: ObservedStream) -> Extremes:
    """Of sent video."""
    worst = Extremes()
    lost = unsent = recoded = cpu = bandwidth = hardware = software = False
    asked_rate = encode = 0.0
    rate_ratio = inf
    codec = stream.intervals[0].codec
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        if r.packets_lost:
            lost = True
        if not r.packets_sent:
            unsent = True
        if (spent := r.quality_limitation_durations) is not None:
            if spent.cpu:
                cpu = True
            if spent.bandwidth:
                bandwidth = True
        if frames := it.frames_encoded:
            now = (it.total_encode_time or 0.0) / frames
            if now > encode:
                encode = now
        if (fps := r.frames_per_second) is not None and (wanted := r.expected_frames_per_second):
            now = fps / wanted
            if now < rate_ratio:
                rate_ratio = now
        if (asked := (r.pli_count or 0) + (r.fir_count or 0)) and r.interval_ms:
            now = 1000.0 * asked / r.interval_ms
            if now > asked_rate:
                asked_rate = now
        if (top := it.top) is not None and (efficient := top.power_efficient) is not None:
            if efficient:
                hardware = True
            else:
                software = True
        if it.codec is not codec:
            recoded = True
    worst.lost, worst.unsent, worst.recoded = lost, unsent, recoded
    worst.cpu, worst.bandwidth, worst.encode_s = cpu, bandwidth, encode
    worst.both_encoders = hardware and software
    worst.rate_ratio, worst.asked_rate = rate_ratio, asked_rate
    return worst


def extremes_of_transport(points: Sequence[TransportPoint]) -> TransportExtremes:
    """The worst of a transport."""
    worst = TransportExtremes()
    if not points:
        return worst
    stood, steady = False, True
    longest, shortest, slowest, available = points[0].gap_ms, inf, -1.0, inf
    before = None
    way = points[0].way
    for point in points:
        if (gap := point.gap_ms) > longest:
            longest = gap
        if gap < shortest and point is not points[0]:
            shortest = gap
        came = point.bytes_received
        if came == before and came is not None:
            stood = True
        before = came
        if point.way is not way:
            steady = False
        if (rtt := point.rtt_s) is not None and rtt > slowest:
            slowest = rtt
        if (bitrate := point.available_outgoing_bitrate) and bitrate < available:
            available = bitrate
    worst.gap_ms, worst.shortest_gap_ms, worst.stood, worst.steady = (
        longest,
        shortest,
        stood,
        steady,
    )
    worst.rtt_s = None if slowest < 0 else slowest
    worst.available_bitrate = available
    return worst
