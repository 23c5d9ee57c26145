"""Received: the streams that one peer received from another, as columns."""

from datetime import datetime

import msgspec
from msgspec import Struct

from roomtone.model.timeline import Series
from roomtone.report.timeline import CONSUMERS


class Heard(Struct, gc=False):
    """What is charted of a consumer's reading."""

    timestamp: datetime
    consumer_id: str
    peer_id: str | None
    producer_id: str | None
    mos_quality: float | None
    packets_lost: int | None
    packets_received: int | None
    bytes_received: int | None
    interval_ms: int | None
    jitter: float | None
    jitter_buffer_delay: float | None
    jitter_buffer_emitted_count: int | None
    round_trip_time: float | None
    outage: bool
    frames_per_second: float | None = None
    frame_height: int | None = None


class _Quality(Struct):
    audio_consumer: list[Heard]
    video_consumer: list[Heard]
    screenshare_audio_consumer: list[Heard]
    screenshare_video_consumer: list[Heard]


class _Report(Struct):
    quality: _Quality


class HeardReport(Struct):
    """What is charted of a receiver's report."""

    id: str
    display_name: str
    peer_report: _Report


class _Data(Struct):
    participant: HeardReport


class _Answer(Struct):
    data: _Data


_decode = msgspec.json.Decoder(_Answer).decode


def heard_report(body: bytes) -> HeardReport:
    """Read the body of the peer-report endpoint, as far as it is charted."""
    return _decode(body).data.participant


def received_series(report: HeardReport, sender_id: str, start: int) -> list[Series]:
    """The streams of ``sender_id`` that this peer received; times in ms since ``start``."""
    made = []
    for source in CONSUMERS:
        streams: dict[str, list[Heard]] = {}
        for reading in getattr(report.peer_report.quality, source):
            if reading.peer_id == sender_id:
                streams.setdefault(reading.consumer_id, []).append(reading)
        for consumer_id, readings in streams.items():
            made.append(_series(report, source, consumer_id, readings, start))
    return made


def mean_mos(series: Series) -> float:
    """Mean MOS of a stream; one that was never scored ranks behind all others."""
    scores = [score for score in series.mos if score is not None]
    return sum(scores) / len(scores) if scores else 6.0


def _series(
    report: HeardReport, source: str, consumer_id: str, readings: list[Heard], start: int
) -> Series:
    return Series(
        peer_id=report.id,
        display_name=report.display_name,
        consumer_id=consumer_id,
        producer_id=next((r.producer_id for r in readings if r.producer_id), None),
        source=source,
        at_ms=tuple(round(r.timestamp.timestamp() * 1000) - start for r in readings),
        mos=tuple(r.mos_quality for r in readings),
        loss=tuple(_loss(r) for r in readings),
        jitter_ms=tuple(_ms(r.jitter) for r in readings),
        jitter_buffer_ms=tuple(_buffer(r) for r in readings),
        rtt_ms=tuple(_whole_ms(r.round_trip_time) for r in readings),
        bitrate_kbps=tuple(_bitrate(r) for r in readings),
        frames_per_second=tuple(r.frames_per_second for r in readings),
        frame_height=tuple(r.frame_height for r in readings),
    )


def _loss(reading: Heard) -> float | None:
    if reading.outage:
        return 100.0
    lost, came = reading.packets_lost, reading.packets_received
    if lost is None or came is None or not lost + came:
        return None
    return round(100 * lost / (lost + came), 2)


def _buffer(reading: Heard) -> float | None:
    if reading.jitter_buffer_delay is None or not reading.jitter_buffer_emitted_count:
        return None
    return _ms(reading.jitter_buffer_delay / reading.jitter_buffer_emitted_count)


def _bitrate(reading: Heard) -> float | None:
    if reading.bytes_received is None or not reading.interval_ms:
        return None
    return round(8 * reading.bytes_received / reading.interval_ms, 1)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def _whole_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
