"""Produced: the readings of what a peer sent."""

from roomtone.model.readings import (
    AudioProducerReading,
    LimitationSeconds,
    VideoProducerReading,
)
from roomtone.model.times import iso
from roomtone.quality import vendor
from roomtone.quality.video import SCREENSHARE_FPS, expected_fps
from roomtone.report import scoring
from roomtone.report.intervals import Sent, SentVideo, TopLayer
from roomtone.report.rounding import count, fps_of, micro, score, whole


def audio_reading(it: Sent, producer_id: str, offset: int, scale: str) -> AudioProducerReading:
    """A microphone's interval, or that of a shared screen's sound."""
    mos: float | None = None
    if scale == scoring.VENDOR:
        if not it.paused:
            mos = vendor.audio_producer_score(scoring.vendor_sent_loss(it), it.jitter)
    elif scoring.scorable(it, it.packets_sent or 0):
        mos = scoring.audio_sent(it, scoring.sent_loss(it.lost, it.packets_sent))
    return AudioProducerReading(
        timestamp=iso(it.t + offset),
        producer_id=producer_id,
        mid=it.mid,
        ssrc=it.ssrc,
        packets_sent=count(it.packets_sent),
        bytes_sent=count(it.bytes_sent),
        packets_lost=count(it.lost),
        jitter=micro(it.jitter),
        rtt=micro(it.rtt),
        mos_quality=score(mos),
        interval_ms=whole(scoring.span_ms(it)),
        paused=it.paused,
        nack_count=count(it.nack_count),
    )


class VideoProducer:
    """Makes the readings of one video producer in their order: it remembers the largest size."""

    def __init__(self, screen: bool, offset: int, scale: str) -> None:
        self._screen = screen
        self._offset = offset
        self._scale = scale
        self._largest_px = 0.0
        self._silent_ms = 0.0

    def reading(self, it: SentVideo, producer_id: str) -> VideoProducerReading:
        """A camera's or a screen's interval."""
        top = it.top or _NO_LAYER
        fps = self._fps(it, top)
        expected = self._expected(it, top)
        return VideoProducerReading(
            timestamp=iso(it.t + self._offset),
            producer_id=producer_id,
            mid=it.mid,
            ssrc=it.ssrc,
            packets_sent=count(it.packets_sent),
            bytes_sent=count(it.bytes_sent),
            packets_lost=count(it.lost),
            jitter=micro(it.jitter),
            rtt=micro(it.rtt),
            mos_quality=score(self._score(it, top, fps, expected)),
            interval_ms=whole(scoring.span_ms(it)),
            paused=it.paused,
            nack_count=count(it.nack_count),
            frame_width=count(top.frame_width),
            frame_height=count(top.frame_height),
            frames_encoded=count(it.frames_encoded),
            frames_per_second=fps,
            key_frames_encoded=count(it.key_frames_encoded),
            fir_count=count(it.fir_count),
            pli_count=count(it.pli_count),
            quality_limitation_reason=top.limitation_reason,
            quality_limitation_durations=_seconds(top.limitation_durations),
            quality_limitation_resolution_changes=count(top.limitation_changes),
            expected_pixels=whole(expected[0]) or None,
            expected_frames_per_second=expected[1],
        )

    def _fps(self, it: SentVideo, top: TopLayer) -> float | None:
        """None while nothing was sent: a camera that is off is not a camera that fails."""
        if it.paused or not (it.packets_sent or top.frames):
            return None
        return fps_of(top.frames, scoring.span_ms(it))

    def _expected(self, it: SentVideo, top: TopLayer) -> tuple[float, float]:
        """(pixels, frames a second): what the source gives, and the track has shown it can send."""
        self._largest_px = max(self._largest_px, (top.frame_width or 0) * (top.frame_height or 0))
        px, source_fps = self._largest_px, None
        if it.source is not None:
            px = min(px, (it.source.width or 0) * (it.source.height or 0) or px)
            source_fps = it.source.frames_per_second
        return px, _expected_rate(source_fps, self._screen)

    def _score(
        self, it: SentVideo, top: TopLayer, fps: float | None, expected: tuple[float, float]
    ) -> float | None:
        if self._scale == scoring.VENDOR:
            if it.paused:
                return None
            loss = scoring.vendor_sent_loss(it)
            frames = it.frames_encoded
            return vendor.video_score(
                loss, it.jitter, top.frame_width, fps, frames, screenshare=self._screen
            )
        span = scoring.span_ms(it)
        if span is None or fps is None:
            return None
        self._silent_ms = 0.0 if top.frames else self._silent_ms + span
        if not scoring.scorable(it, it.packets_sent or 0):
            return None
        picture = scoring.Picture(
            it, (top.frame_width, top.frame_height), fps, _media_bitrate(top, span), expected
        )
        if top.qp_sum is not None and top.frames:
            picture.qp = top.qp_sum / top.frames
        return scoring.video(picture, self._screen, self._silent_ms / 1000)


_NO_LAYER = TopLayer(None, None, None, None, None, None, None, None, None, None)


def _media_bitrate(top: TopLayer, span: float) -> float | None:
    """bit/s. Chrome pads its probes for bandwidth with packets that count as sent: an encoder never
    makes more than it was told to, so what is over the target is padding."""
    if top.media_bytes is None or span <= 0:
        return None
    sent = 8000 * top.media_bytes / span
    return min(sent, top.target_bitrate) if top.target_bitrate else sent


def _expected_rate(source_fps: float | None, screen: bool) -> float:
    rate = expected_fps(source_fps)
    return round(min(rate, SCREENSHARE_FPS) if screen else rate, 1)


def _seconds(spent: tuple[float, float, float, float] | None) -> LimitationSeconds | None:
    if spent is None:
        return None
    bandwidth, cpu, none, other = (round(seconds, 6) for seconds in spent)
    return LimitationSeconds(bandwidth=bandwidth, cpu=cpu, none=none, other=other)
