"""Quality stats: the old ``quality_stats`` block, all the media that a peer received."""

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Any, TypeVar

from msgspec.structs import asdict

from roomtone.model import peer_report as p
from roomtone.model.readings import AudioConsumerReading, ConsumerReading, VideoConsumerReading
from roomtone.model.times import iso_or_none
from roomtone.report.grouping import Arrays
from roomtone.report.intervals import Received
from roomtone.report.state import PeerState

R = TypeVar("R", AudioConsumerReading, VideoConsumerReading)

STALE_MS = 60_000
"""A last packet's time further off than this from its interval is of another clock."""


class FirstLast:
    """When the first and the last packet of a kind came; epoch ms on the sender's clock."""

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first: float | None = None
        self.last: float | None = None

    def see(self, it: Received) -> None:
        """Widen by one interval."""
        if not it.packets_received:
            return
        packet = it.last_packet_t
        if packet is None or not it.t - STALE_MS <= packet <= it.t + STALE_MS:
            packet = it.t
        begun = packet if it.since is None else min(it.since, packet)
        self.first = begun if self.first is None else min(self.first, begun)
        self.last = packet if self.last is None else max(self.last, packet)


def first_last(state: PeerState, audio: bool) -> FirstLast:
    """Over all received streams of a kind."""
    seen = FirstLast()
    for streams in state.streams.values():
        for series in streams.inbound.values():
            if series.audio == audio:
                for it in series.all_intervals():
                    if isinstance(it, Received):
                        seen.see(it)
    return seen


def quality_stats(state: PeerState, made: Arrays, peer_id: str, offset: int) -> p.QualityStats:
    """As the peer report has it: one object."""
    audio = _in_time(made.audio_consumer.values())
    video = _in_time(made.video_consumer.values())
    stamps = [x.timestamp for x in (*audio, *video)]
    scores = [x.mos_quality for x in (*audio, *video) if x.mos_quality is not None]
    heard, seen = first_last(state, True), first_last(state, False)
    return p.QualityStats(
        peer_ids=[peer_id],
        start=min(stamps, default=None),
        end=max(stamps, default=None),
        average_quality=fsum(scores) / len(scores) if scores else 0,
        audio_bandwidth=_bandwidth(audio),
        video_bandwidth=_bandwidth(video),
        audio_packet_loss=_loss(audio),
        video_packet_loss=_loss(video),
        audio_stats=[
            p.AudioStat(**_shared(x), concealment_events=x.concealment_events) for x in audio
        ],
        video_stats=[
            p.VideoStat(
                **_shared(x),
                frame_width=x.frame_width,
                frame_height=x.frame_height,
                frames_dropped=x.frames_dropped,
                frames_per_second=x.frames_per_second,
            )
            for x in video
        ],
        total_audio_packets=_received(audio),
        total_audio_packets_lost=_lost(audio),
        total_video_packets=_received(video),
        total_video_packets_lost=_lost(video),
        first_audio_packet_received=_stamp(heard.first, offset),
        last_audio_packet_received=_stamp(heard.last, offset),
        first_video_packet_received=_stamp(seen.first, offset),
        last_video_packet_received=_stamp(seen.last, offset),
    )


def quality_stat(stats: p.QualityStats) -> p.QualityStat:
    """As the participant's details have it: an element of a list."""
    fields = asdict(stats)
    peer_id = fields["peer_ids"][0]
    return p.QualityStat(
        peer_id=peer_id, **{name: fields[name] for name in p.ReceivedStats.__struct_fields__}
    )


def _in_time(arrays: Iterable[list[R]]) -> list[R]:
    """Camera and screen together; a stable order for readings of one moment."""
    return sorted((x for each in arrays for x in each), key=lambda x: (x.timestamp, x.consumer_id))


def _shared(x: ConsumerReading) -> dict[str, Any]:
    return {
        "timestamp": x.timestamp,
        "quality": x.mos_quality,
        "jitter": x.jitter,
        "packets_lost": x.packets_lost,
        "packets_received": x.packets_received,
        "bytes_received": x.bytes_received,
        "interval_ms": x.interval_ms,
    }


def _received(readings: Sequence[ConsumerReading]) -> int:
    return sum(x.packets_received or 0 for x in readings)


def _lost(readings: Sequence[ConsumerReading]) -> int:
    return sum(x.packets_lost or 0 for x in readings)


def _loss(readings: Sequence[ConsumerReading]) -> float | None:
    """Percent, weighted by packets."""
    lost, received = _lost(readings), _received(readings)
    return 100 * lost / (lost + received) if lost + received else None


def _bandwidth(readings: Sequence[ConsumerReading]) -> float:
    """bit/s while something came; the first reading of a stream has no length and is left out."""
    coming = [x for x in readings if x.interval_ms and x.packets_received]
    ms = sum(x.interval_ms or 0 for x in coming)
    return 8000 * sum(x.bytes_received or 0 for x in coming) / ms if ms else 0


def _stamp(t: float | None, offset: int) -> str | None:
    return iso_or_none(None if t is None else t + offset)
