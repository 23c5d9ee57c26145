"""Scoring: an interval's numbers in the units of roomtone.quality, and what may be scored at all.

Not scorable, so None (quality.md 2.4): the first interval of a stream (decoders warm up, and nobody
knows when it began), one that was paused, one longer than a minute, one with too few packets.
"""

from roomtone.model.stats import Codec
from roomtone.quality import vendor
from roomtone.quality.audio import score_audio
from roomtone.quality.video import score_screenshare, score_video
from roomtone.report.intervals import Interval, Received, Sent

MIN_PACKETS = 25
"""Half a second of audio: with fewer, one lost packet is 4 %."""
MAX_SCORED_MS = 60_000
OUTAGE_MS = 5_000
VENDOR = "vendor"
MOS = "mos"


def span_ms(interval: Interval) -> float | None:
    """How long it took; None for the first of a stream."""
    return None if interval.since is None else interval.t - interval.since


def scorable(interval: Interval, packets: float) -> bool:
    """Whether a MOS may be given."""
    span = span_ms(interval)
    return (
        span is not None
        and span <= MAX_SCORED_MS
        and not interval.paused
        and packets >= MIN_PACKETS
    )


def received_loss(lost: float | None, received: float | None) -> float | None:
    """Percent of what was expected; None with fewer than 25 packets."""
    if lost is None or received is None or lost + received < MIN_PACKETS:
        return None
    return 100 * lost / (lost + received)


def sent_loss(lost: float | None, sent: float | None) -> float | None:
    """Percent of what was sent, as the other end reported it; None with fewer than 25 packets."""
    if lost is None or sent is None or sent < MIN_PACKETS:
        return None
    return 100 * min(1.0, lost / sent)


def audible_concealment(
    made_up: float | None, silent: float | None, total: float | None
) -> float | None:
    """Share of samples that were made up and could be heard; None where a member is missing."""
    if made_up is None or silent is None or not total:
        return None
    return min(1.0, max(0.0, made_up - silent) / total)


def buffer_ms(delay: float | None, emitted: float | None) -> float | None:
    """Mean jitter buffer delay; None when nothing was emitted."""
    return None if delay is None or not emitted else 1000 * delay / emitted


def codec_name(codec: Codec | None, otherwise: str) -> str:
    """MIME type, or what to assume."""
    return otherwise if codec is None or codec.mime_type is None else codec.mime_type


def _fmtp(codec: Codec | None) -> str:
    return "" if codec is None or codec.sdp_fmtp_line is None else codec.sdp_fmtp_line


def negotiated_bitrate(codec: Codec | None) -> float | None:
    """bit/s, the fmtp's maxaveragebitrate."""
    for part in _fmtp(codec).split(";"):
        name, _, value = part.strip().partition("=")
        if name == "maxaveragebitrate" and value.isascii() and value.isdigit():
            return float(value[:9])
    return None


def has_fec(codec: Codec | None, fec_bytes: float | None = None) -> bool:
    """In-band FEC, by what was negotiated or by what came."""
    return "useinbandfec=1" in _fmtp(codec) or bool(fec_bytes)


def audio_received(
    it: Received,
    loss_percent: float | None,
    concealment: float | None,
    rtt_s: float | None,
    target_bitrate: float | None,
) -> float | None:
    """MOS of a scorable interval of received audio: by what was audible, else by what was lost."""
    score = score_audio(
        loss_percent if concealment is None else 100 * concealment,
        _ms(rtt_s),
        _ms(it.jitter),
        buffer_ms(it.jitter_buffer_delay, it.jitter_buffer_emitted_count),
        codec_name(it.codec, "opus"),
        target_bitrate or negotiated_bitrate(it.codec),
        fec=has_fec(it.codec, it.fec_bytes_received),
        concealment=concealment is not None,
    )
    return None if score is None else score.mos


def audio_sent(it: Sent, loss_percent: float | None) -> float | None:
    """MOS of a scorable interval of sent audio, over the sender's own leg."""
    score = score_audio(
        loss_percent,
        _ms(it.rtt),
        _ms(it.jitter),
        None,
        codec_name(it.codec, "opus"),
        it.target_bitrate or negotiated_bitrate(it.codec),
        fec=has_fec(it.codec),
    )
    return None if score is None else score.mos


class Picture:
    """What a video interval showed, for either score."""

    __slots__ = ("bitrate", "codec", "fps", "frozen", "height", "px", "qp", "rate", "width")

    def __init__(
        self,
        it: Interval,
        size: tuple[float | None, float | None],
        fps: float,
        bitrate: float | None,
        expected: tuple[float, float],
    ) -> None:
        self.codec = codec_name(it.codec, "vp8")
        self.width, self.height = size
        self.fps = fps
        self.bitrate = bitrate
        self.px, self.rate = expected
        self.qp: float | None = None
        self.frozen: float | None = None


def video(picture: Picture, screen: bool, silent_s: float) -> float | None:
    """Score of a scorable interval of video, sent or received."""
    if screen:
        return score_screenshare(
            picture.bitrate,
            picture.width,
            picture.height,
            picture.fps,
            picture.codec,
            picture.qp,
            picture.rate,
            picture.frozen,
            silent_s,
        )
    return score_video(
        picture.bitrate,
        picture.width,
        picture.height,
        picture.fps,
        picture.codec,
        picture.px,
        picture.rate,
        picture.frozen,
    )


def vendor_received_loss(it: Received) -> float | None:
    """Percent, with no minimum of packets."""
    return vendor.consumer_loss_percent(it.lost, it.packets_received)


def vendor_sent_loss(it: Sent) -> float | None:
    """Percent, with no minimum of packets."""
    return vendor.producer_loss_percent(it.lost, it.packets_sent)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
