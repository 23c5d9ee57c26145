"""Intervals: what happened to one stream between two snapshots, as the fold keeps it.

The part of a reading that needs nobody else: the build adds the score, which may need the sender's
side, and the names. Counters carry the W3C name of the member that they are the difference of, in
the order in which they are fetched; a member that the browser did not give is None.
"""

from msgspec import Struct

from roomtone.model.stats import Codec, MediaSource


class Label(Struct, frozen=True):
    """Whose a stream is, as far as somebody said; "" is not said. See facts.Track."""

    source: str = ""
    producer_id: str = ""
    consumer_id: str = ""
    peer_id: str = ""


class Interval(Struct, gc=False):
    """``t`` is its end; ``since`` its start, None in the first one. Sender's epoch ms."""

    t: float
    since: float | None
    lost: float | None
    jitter: float | None
    rtt: float | None
    """s. Received: of the transport's selected pair. Sent: by quality.md 1.4."""
    paused: bool
    label: Label
    codec: Codec | None
    mid: str | None
    ssrc: int | None


class Received(Interval, gc=False):
    """What audio and video share."""

    last_packet_t: float | None
    packets_received: float | None
    bytes_received: float | None
    fec_bytes_received: float | None
    jitter_buffer_delay: float | None
    jitter_buffer_emitted_count: float | None


class ReceivedAudio(Received, gc=False):
    """Of an inbound-rtp of kind audio."""

    total_samples_received: float | None
    concealed_samples: float | None
    silent_concealed_samples: float | None
    concealment_events: float | None
    inserted_samples_for_deceleration: float | None
    removed_samples_for_acceleration: float | None
    total_audio_energy: float | None
    total_samples_duration: float | None


class ReceivedVideo(Received, gc=False):
    """Of an inbound-rtp of kind video."""

    retransmitted_bytes_received: float | None
    frames_received: float | None
    frames_decoded: float | None
    frames_dropped: float | None
    key_frames_decoded: float | None
    qp_sum: float | None
    freeze_count: float | None
    total_freezes_duration: float | None
    fir_count: float | None
    pli_count: float | None
    nack_count: float | None
    frame_width: float | None
    frame_height: float | None
    display_pixels: int
    """As the client shows it; 0: not said."""


class TopLayer(Struct, gc=False):
    """The highest layer that had frames in the interval."""

    frame_width: float | None
    frame_height: float | None
    frames: float | None
    media_bytes: float | None
    target_bitrate: float | None
    qp_sum: float | None
    limitation_reason: str | None
    limitation_durations: tuple[float, float, float, float] | None
    """bandwidth, cpu, none, other: s."""
    limitation_changes: float | None
    power_efficient: bool | None
    """Whether hardware encodes, as far as the browser says; a gauge."""


class Sent(Interval, gc=False):
    """Of a producer: counters are sums over its layers; ``top`` is None for audio."""

    source: MediaSource | None
    target_bitrate: float | None
    top: TopLayer | None
    packets_sent: float | None
    bytes_sent: float | None
    nack_count: float | None


class SentVideo(Sent, gc=False):
    """Of the outbound-rtp of kind video."""

    retransmitted_bytes_sent: float | None
    frames_encoded: float | None
    key_frames_encoded: float | None
    qp_sum: float | None
    total_encode_time: float | None
    fir_count: float | None
    pli_count: float | None


def labels_of(intervals: list[Interval]) -> list[Label]:
    """What each interval's label says; the first word also holds for the time before it.

    A label often comes a moment after its stream. (Forward, the fold keeps it.)
    """
    first = Label(*(next((w for i in intervals if (w := getattr(i.label, m))), "") for m in _SAYS))
    filled = {
        label: Label(*(getattr(label, member) or getattr(first, member) for member in _SAYS))
        for label in {interval.label for interval in intervals}
    }
    return [filled[interval.label] for interval in intervals]


_SAYS = Label.__struct_fields__


def _counters(kind: type[Interval], first: str, last: str) -> tuple[str, ...]:
    fields = kind.__struct_fields__
    return fields[fields.index(first) : fields.index(last) + 1]


RECEIVED_AUDIO = _counters(ReceivedAudio, "packets_received", "total_samples_duration")
RECEIVED_VIDEO = _counters(ReceivedVideo, "packets_received", "nack_count")
SENT_AUDIO = _counters(Sent, "packets_sent", "nack_count")
SENT_VIDEO = _counters(SentVideo, "packets_sent", "pli_count")
