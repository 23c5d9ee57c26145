"""Readings: the numbers kept of one producer or consumer for one interval, and what they sum up to.

Field names are the vendor's letter for letter (contract 6.2), which are W3C webrtc-stats members in
snake case. Counts, bytes and packets are of the interval, not running totals; gauges are the value
at its end. Seconds, bytes, pixels, frames a second. None: not measured (missing is not zero).
Members marked *ours* are Roomtone's own: with them every cumulative number follows from the
readings of the same response. Every rule is in docs/metrics.md.
"""

from msgspec import UNSET, Struct, UnsetType

Number = float | UnsetType
"""A number that is left out of the JSON when there is nothing to make it of."""


class Reading(Struct, kw_only=True, gc=False):
    """What every reading has."""

    timestamp: str
    mid: str | None
    ssrc: int | None
    packets_lost: int | None
    jitter: float | None
    """s, RFC 3550, smoothed by the browser: not averaged again."""
    mos_quality: float | None
    """Estimated MOS 1 to 5 (or the vendor's score 0 to 1), two decimals; None: not scorable."""
    interval_ms: int | None
    """Ours. None in the first reading of a stream: its counters are those since it began."""
    paused: bool
    """Ours. Paused, muted at the SFU or left out by the client within the interval: not scored."""


class ProducerReading(Reading, kw_only=True):
    """What sent audio and video have in common; simulcast layers are one producer."""

    producer_id: str
    packets_sent: int | None
    bytes_sent: int | None
    rtt: float | None
    """s, between the peer and whatever receives from it."""
    nack_count: int | None
    """Ours."""


class AudioProducerReading(ProducerReading, kw_only=True):
    """A microphone, or the sound of a shared screen."""


class LimitationSeconds(Struct, kw_only=True):
    """``quality_limitation_durations``: seconds of the interval in each state."""

    bandwidth: float
    cpu: float
    none: float
    other: float


class VideoProducerReading(ProducerReading, kw_only=True):
    """A camera or a shared screen. Size, rate, limitation: of the highest layer sent."""

    frame_width: int | None
    frame_height: int | None
    frames_encoded: int | None
    """All layers together, unlike ``frames_per_second``."""
    frames_per_second: float | None
    """None while nothing was sent: such a reading counts in no share of live readings."""
    key_frames_encoded: int | None
    fir_count: int | None
    pli_count: int | None
    quality_limitation_reason: str | None
    quality_limitation_durations: LimitationSeconds | None
    quality_limitation_resolution_changes: int | None
    expected_pixels: int | None
    """Ours: width times height that the source could give and this track has reached."""
    expected_frames_per_second: float | None
    """Ours: the camera's rate, at most 30; 5 for a screen."""


class ConsumerReading(Reading, kw_only=True):
    """What received audio and video have in common."""

    consumer_id: str
    peer_id: str | None
    """The sender."""
    producer_id: str | None
    packets_received: int | None
    bytes_received: int | None
    jitter_buffer_delay: float | None
    """s, summed over the emitted samples (audio) or frames (video)."""
    jitter_buffer_emitted_count: int | None
    round_trip_time: float | None
    """Ours: s, the receiver's and the sender's leg together where both are known."""
    outage: bool
    """Ours: nothing came for 5 s or more although the sender sent; counts as 100 % loss."""


class AudioConsumerReading(ConsumerReading, kw_only=True):
    """Audio that the peer hears."""

    concealment_events: int | None
    audible_concealment_fraction: float | None
    """Ours: share of samples that were made up and not silent."""


class VideoConsumerReading(ConsumerReading, kw_only=True):
    """Video that the peer sees."""

    frame_width: int | None
    frame_height: int | None
    frames_decoded: int | None
    frames_dropped: int | None
    frames_per_second: float | None
    """None while nothing was to come: such a reading counts in no share of live readings."""
    key_frames_decoded: int | None
    fir_count: int | None
    pli_count: int | None
    """Ours."""
    nack_count: int | None
    """Ours."""
    frozen_fraction: float | None
    """Ours: frozen share of the interval, at most 1."""
    expected_pixels: int | None
    """Ours: as shown, else as sent, else 640x360."""
    expected_frames_per_second: float | None
    """Ours."""


# --- cumulative: {} where there is nothing ------------------------------------------------------


class PacketLoss(
    Struct,
    kw_only=True,
    rename={f"over_{n}": f"{n}_or_greater_event_fraction" for n in (5, 10, 25, 50)},
):
    """Interval loss in percent: the mean, and the share of readings at or over each threshold."""

    avg: Number = UNSET
    over_5: Number = UNSET
    over_10: Number = UNSET
    over_25: Number = UNSET
    over_50: Number = UNSET


class Delay(
    Struct,
    kw_only=True,
    rename={f"over_{n}": f"{n}ms_or_greater_event_fraction" for n in (100, 250, 500)},
):
    """Milliseconds: the mean, and the share of readings at or over each threshold."""

    avg: Number = UNSET
    over_100: Number = UNSET
    over_250: Number = UNSET
    over_500: Number = UNSET


class Spread(Struct, kw_only=True):
    """Mean and percentiles (linear, type 7), from low to high: of a MOS p90 is the good end."""

    avg: Number = UNSET
    p50: Number = UNSET
    p75: Number = UNSET
    p90: Number = UNSET


class AudioProducerCumulative(Struct, kw_only=True):
    """Over all readings of ``audio_producer`` or ``screenshare_audio_producer``."""

    packet_loss: PacketLoss | UnsetType = UNSET
    quality_mos: Spread | UnsetType = UNSET
    rtt: Delay | UnsetType = UNSET
    quality_mos_p10: Number = UNSET
    """Ours: the bad end, which the vendor's percentiles leave out."""


class AudioConsumerCumulative(Struct, kw_only=True):
    """Over all readings of ``audio_consumer`` or ``screenshare_audio_consumer``."""

    packet_loss: PacketLoss | UnsetType = UNSET
    quality_mos: Spread | UnsetType = UNSET
    jitter_buffer_delay: Delay | UnsetType = UNSET
    quality_mos_p10: Number = UNSET


class ProducerIssues(Struct, kw_only=True):
    """Shares of a video producer's time or live readings that had the issue."""

    bandwidth_quality_limitation_fraction: Number = UNSET
    cpu_quality_limitation_fraction: Number = UNSET
    quality_limitation_fraction: Number = UNSET
    no_video_fraction: Number = UNSET
    poor_resolution_fraction: Number = UNSET


class VideoProducerCumulative(Struct, kw_only=True):
    """Over all readings of ``video_producer`` or ``screenshare_video_producer``."""

    frame_per_second: Spread | UnsetType = UNSET
    frame_width: Spread | UnsetType = UNSET
    packet_loss: PacketLoss | UnsetType = UNSET
    quality_mos: Spread | UnsetType = UNSET
    rtt: Delay | UnsetType = UNSET
    key_frames_encoded_fraction: Number = UNSET
    high_negative_feedback_fraction: Number = UNSET
    issues: ProducerIssues | UnsetType = UNSET
    quality_mos_p10: Number = UNSET


class ConsumerIssues(Struct, kw_only=True):
    """Shares of a video consumer's live readings that had the issue."""

    lag_fraction: Number = UNSET
    no_video_fraction: Number = UNSET
    poor_resolution_fraction: Number = UNSET


class VideoConsumerCumulative(Struct, kw_only=True):
    """Over all readings of ``video_consumer`` or ``screenshare_video_consumer``."""

    frame_per_second: Spread | UnsetType = UNSET
    frame_width: Spread | UnsetType = UNSET
    jitter_buffer_delay: Delay | UnsetType = UNSET
    packet_loss: PacketLoss | UnsetType = UNSET
    quality_mos: Spread | UnsetType = UNSET
    key_frames_decoded_fraction: Number = UNSET
    issues: ConsumerIssues | UnsetType = UNSET
    quality_mos_p10: Number = UNSET


class Quality(Struct, kw_only=True):
    """``peer_report.quality``: the sixteen keys."""

    audio_producer: list[AudioProducerReading]
    audio_producer_cumulative: AudioProducerCumulative
    audio_consumer: list[AudioConsumerReading]
    audio_consumer_cumulative: AudioConsumerCumulative
    video_producer: list[VideoProducerReading]
    video_producer_cumulative: VideoProducerCumulative
    video_consumer: list[VideoConsumerReading]
    video_consumer_cumulative: VideoConsumerCumulative
    screenshare_audio_producer: list[AudioProducerReading]
    screenshare_audio_producer_cumulative: AudioProducerCumulative
    screenshare_audio_consumer: list[AudioConsumerReading]
    screenshare_audio_consumer_cumulative: AudioConsumerCumulative
    screenshare_video_producer: list[VideoProducerReading]
    screenshare_video_producer_cumulative: VideoProducerCumulative
    screenshare_video_consumer: list[VideoConsumerReading]
    screenshare_video_consumer_cumulative: VideoConsumerCumulative
