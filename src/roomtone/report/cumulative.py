"""Cumulative: the readings of one array → its cumulative object (quality.md 4.1).

Made of nothing but what the array publishes, so anybody can do the same sums again. What is None is
skipped. Rules that a reader needs:

* loss percent of a reading: lost / (received + lost), or min(1, lost / sent); only with 25 packets
  or more and not paused; an outage is 100;
* a reading is *live* when its frame rate is known: shares of issues are of live readings.
"""

from collections.abc import Sequence

from msgspec import UNSET, convert

from roomtone.model import readings as r
from roomtone.quality import aggregates
from roomtone.report.scoring import buffer_ms, received_loss, sent_loss

LAG_FROZEN = 0.1
LAG_FPS_SHARE = 0.5
LAG_BUFFER_MS = 500
POOR_PX = 320 * 240
POOR_SHARE = 0.25
MANY_REQUESTS_PER_S = 0.5
"""PLI and FIR together."""
MANY_NACKS = 0.05
"""NACKs a packet sent."""


def consumer_loss(reading: r.ConsumerReading) -> float | None:
    """Percent."""
    if reading.paused:
        return None
    if reading.outage:
        return 100.0
    return received_loss(reading.packets_lost, reading.packets_received)


def producer_loss(reading: r.ProducerReading) -> float | None:
    """Percent."""
    return None if reading.paused else sent_loss(reading.packets_lost, reading.packets_sent)


def _consumer_loss(readings: Sequence[r.ConsumerReading]) -> r.PacketLoss:
    return convert(aggregates.PacketLoss.of(map(consumer_loss, readings)).render(), r.PacketLoss)


def _producer_loss(readings: Sequence[r.ProducerReading]) -> r.PacketLoss:
    return convert(aggregates.PacketLoss.of(map(producer_loss, readings)).render(), r.PacketLoss)


def _rtt(readings: Sequence[r.ProducerReading]) -> r.Delay:
    values = [None if x.rtt is None else 1000 * x.rtt for x in readings]
    return convert(aggregates.Delay.of(values).render(), r.Delay)


def _buffer(readings: Sequence[r.ConsumerReading]) -> r.Delay:
    values = [buffer_ms(x.jitter_buffer_delay, x.jitter_buffer_emitted_count) for x in readings]
    return convert(aggregates.Delay.of(values).render(), r.Delay)


def _spread(values: list[float | None]) -> r.Spread:
    return convert(aggregates.Spread.of(values).render(), r.Spread)


def _mos(readings: Sequence[r.Reading]) -> tuple[r.Spread, r.Number]:
    """The vendor's object, and our p10 beside it."""
    spread = aggregates.Spread.of(x.mos_quality for x in readings)
    p10 = spread.percentile(10)
    return convert(spread.render(), r.Spread), UNSET if p10 is None else p10


def _share(hits: float, of: float) -> r.Number:
    return hits / of if of else UNSET


def audio_producer(readings: Sequence[r.AudioProducerReading]) -> r.AudioProducerCumulative:
    """{} for no readings."""
    if not readings:
        return r.AudioProducerCumulative()
    mos, p10 = _mos(readings)
    return r.AudioProducerCumulative(
        packet_loss=_producer_loss(readings),
        quality_mos=mos,
        rtt=_rtt(readings),
        quality_mos_p10=p10,
    )


def audio_consumer(readings: Sequence[r.AudioConsumerReading]) -> r.AudioConsumerCumulative:
    """{} for no readings."""
    if not readings:
        return r.AudioConsumerCumulative()
    mos, p10 = _mos(readings)
    return r.AudioConsumerCumulative(
        packet_loss=_consumer_loss(readings),
        quality_mos=mos,
        jitter_buffer_delay=_buffer(readings),
        quality_mos_p10=p10,
    )


def video_producer(readings: Sequence[r.VideoProducerReading]) -> r.VideoProducerCumulative:
    """{} for no readings."""
    if not readings:
        return r.VideoProducerCumulative()
    mos, p10 = _mos(readings)
    live = [x for x in readings if x.frames_per_second is not None]
    return r.VideoProducerCumulative(
        frame_per_second=_spread([x.frames_per_second for x in live]),
        frame_width=_spread([x.frame_width for x in live]),
        packet_loss=_producer_loss(readings),
        quality_mos=mos,
        rtt=_rtt(readings),
        key_frames_encoded_fraction=_key_frames(
            [(x.key_frames_encoded, x.frames_encoded) for x in readings]
        ),
        high_negative_feedback_fraction=_negative_feedback(readings),
        issues=_producer_issues(readings, live),
        quality_mos_p10=p10,
    )


def video_consumer(readings: Sequence[r.VideoConsumerReading]) -> r.VideoConsumerCumulative:
    """{} for no readings."""
    if not readings:
        return r.VideoConsumerCumulative()
    mos, p10 = _mos(readings)
    live = [x for x in readings if x.frames_per_second is not None]
    return r.VideoConsumerCumulative(
        frame_per_second=_spread([x.frames_per_second for x in live]),
        frame_width=_spread([x.frame_width for x in live]),
        jitter_buffer_delay=_buffer(readings),
        packet_loss=_consumer_loss(readings),
        quality_mos=mos,
        key_frames_decoded_fraction=_key_frames(
            [(x.key_frames_decoded, x.frames_decoded) for x in readings]
        ),
        issues=r.ConsumerIssues(
            lag_fraction=_share(sum(map(_lags, live)), len(live)),
            no_video_fraction=_share(sum(x.frames_decoded == 0 for x in live), len(live)),
            poor_resolution_fraction=_poor(live),
        ),
        quality_mos_p10=p10,
    )


def _key_frames(counts: list[tuple[int | None, int | None]]) -> r.Number:
    both = [(keys, frames) for keys, frames in counts if keys is not None and frames is not None]
    return _share(sum(keys for keys, _ in both), sum(frames for _, frames in both))


def _lags(reading: r.VideoConsumerReading) -> bool:
    delay = buffer_ms(reading.jitter_buffer_delay, reading.jitter_buffer_emitted_count)
    fps, wanted = reading.frames_per_second, reading.expected_frames_per_second
    return (
        (reading.frozen_fraction or 0) >= LAG_FROZEN
        or (fps is not None and wanted is not None and fps < LAG_FPS_SHARE * wanted)
        or (delay is not None and delay >= LAG_BUFFER_MS)
    )


def _poor(live: Sequence[r.VideoConsumerReading] | Sequence[r.VideoProducerReading]) -> r.Number:
    sized = [
        (x.frame_width * x.frame_height, x.expected_pixels or 0)
        for x in live
        if x.frame_width is not None and x.frame_height is not None
    ]
    return _share(sum(px < POOR_PX or px < POOR_SHARE * want for px, want in sized), len(sized))


def _negative_feedback(readings: Sequence[r.VideoProducerReading]) -> r.Number:
    """Of the readings of a known length in which something was sent."""
    hits = of = 0
    for x in readings:
        if x.paused or not x.interval_ms or not x.packets_sent:
            continue
        if x.pli_count is None and x.fir_count is None and x.nack_count is None:
            continue
        requests = (x.pli_count or 0) + (x.fir_count or 0)
        of += 1
        hits += (
            1000 * requests >= MANY_REQUESTS_PER_S * x.interval_ms
            or (x.nack_count or 0) >= MANY_NACKS * x.packets_sent
        )
    return _share(hits, of)


def _producer_issues(
    readings: Sequence[r.VideoProducerReading], live: Sequence[r.VideoProducerReading]
) -> r.ProducerIssues:
    """Limitation by the seconds that the browser counted; without them, by the reasons given."""
    spent = [d for x in readings if (d := x.quality_limitation_durations) is not None]
    total = sum(d.bandwidth + d.cpu + d.none + d.other for d in spent)
    if total:
        bandwidth = _share(sum(d.bandwidth for d in spent), total)
        cpu = _share(sum(d.cpu for d in spent), total)
        limited = _share(sum(d.bandwidth + d.cpu + d.other for d in spent), total)
    else:
        reasons = [x.quality_limitation_reason for x in live]
        told = [reason for reason in reasons if reason is not None]
        bandwidth = _share(told.count("bandwidth"), len(told))
        cpu = _share(told.count("cpu"), len(told))
        limited = _share(len(told) - told.count("none"), len(told))
    return r.ProducerIssues(
        bandwidth_quality_limitation_fraction=bandwidth,
        cpu_quality_limitation_fraction=cpu,
        quality_limitation_fraction=limited,
        no_video_fraction=_share(sum(x.frames_encoded == 0 for x in live), len(live)),
        poor_resolution_fraction=_poor(live),
    )
