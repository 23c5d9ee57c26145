"""Consumed: the readings of what a peer received."""

from roomtone.model.readings import AudioConsumerReading, VideoConsumerReading
from roomtone.model.times import iso
from roomtone.quality import vendor
from roomtone.quality.video import SCREENSHARE_FPS, expected_fps, expected_px
from roomtone.report import scoring
from roomtone.report.inbound import InboundSeries
from roomtone.report.intervals import Label, Received, ReceivedAudio, ReceivedVideo
from roomtone.report.rounding import count, fps_of, micro, score, whole
from roomtone.report.traces import Sender, Senders


class Consumer:
    """Makes the readings of one received stream, one after the other, joined with its sender."""

    def __init__(self, series: InboundSeries, senders: Senders, offset: int, scale: str) -> None:
        self._series = series
        self._senders = senders
        self._offset = offset
        self._scale = scale
        self._ports = frozenset(series.path.direct_ports)
        self._sender: Sender | None = None
        self._asked: tuple[str, int | None] | None = None
        self._silent_ms = 0.0
        self.sent_fps: float | None = None
        """Of the sender's source at the latest interval of video."""

    @property
    def direct(self) -> bool:
        """Whether the sender is known, with nothing in between."""
        return self._sender is not None and self._sender.direct

    def _find(self, it: Received, label: Label) -> Sender | None:
        """Its sender, looked up again when the label or the sender's connection changes."""
        t = it.t + self._offset
        asked = (label.producer_id, it.ssrc)
        lost = self._sender is not None and self._sender.point(t) is None
        if asked != self._asked or lost:
            self._asked = asked
            self._sender = self._senders.find(label.producer_id, it.ssrc, t, self._ports)
        return self._sender

    def _name(self, it: Received, label: Label) -> str:
        if label.consumer_id:
            return label.consumer_id
        if self._series.track_id:
            return self._series.track_id
        place = f"ssrc:{it.ssrc}" if it.mid is None else f"mid:{it.mid}"
        return f"{self._series.path.transport_id}:{place}"

    def _outage(self, it: Received, sender: Sender | None) -> bool:
        """Nothing came although the sender sent: needs proof from the sender (quality.md 2.4)."""
        if it.packets_received != 0 or it.since is None or it.paused or sender is None:
            return False
        if it.t - it.since < scoring.OUTAGE_MS:
            return False
        return sender.leg.sent_all_along(it.since + self._offset, it.t + self._offset)

    def _rtt_s(self, it: Received, sender: Sender | None) -> float | None:
        """Both legs where there are two."""
        if it.rtt is None or sender is None:
            return it.rtt
        return it.rtt + (sender.rtt_s(it.t + self._offset) or 0.0)

    def audio(self, it: ReceivedAudio, label: Label) -> AudioConsumerReading:
        """An interval of audio that the peer heard."""
        sender = self._find(it, label)
        outage = self._outage(it, sender)
        rtt_s = self._rtt_s(it, sender)
        concealed = scoring.audible_concealment(
            it.concealed_samples, it.silent_concealed_samples, it.total_samples_received
        )
        mos: float | None = None
        if self._scale == scoring.VENDOR:
            if not it.paused:
                mos = vendor.audio_consumer_score(
                    scoring.vendor_received_loss(it), it.jitter, it.concealment_events
                )
        elif outage:
            mos = 1.0
        elif scoring.scorable(it, (it.packets_received or 0) + (it.lost or 0)):
            point = None if sender is None else sender.point(it.t + self._offset)
            target = None if point is None else point.target_bitrate
            loss = scoring.received_loss(it.lost, it.packets_received)
            mos = scoring.audio_received(it, loss, concealed, rtt_s, target)
        return AudioConsumerReading(
            timestamp=iso(it.t + self._offset),
            consumer_id=self._name(it, label),
            peer_id=label.peer_id or (sender.peer_id if sender else "") or None,
            producer_id=label.producer_id or (sender.producer_id if sender else None),
            mid=it.mid,
            ssrc=it.ssrc,
            packets_received=count(it.packets_received),
            bytes_received=count(it.bytes_received),
            packets_lost=count(it.lost),
            jitter=micro(it.jitter),
            jitter_buffer_delay=micro(it.jitter_buffer_delay),
            jitter_buffer_emitted_count=count(it.jitter_buffer_emitted_count),
            mos_quality=score(mos),
            interval_ms=whole(scoring.span_ms(it)),
            paused=it.paused,
            round_trip_time=micro(rtt_s),
            outage=outage,
            concealment_events=count(it.concealment_events),
            audible_concealment_fraction=micro(concealed),
        )

    def video(self, it: ReceivedVideo, label: Label, screen: bool) -> VideoConsumerReading:
        """An interval of video that the peer saw."""
        sender = self._find(it, label)
        outage = self._outage(it, sender)
        live = not it.paused and bool(it.packets_received or it.frames_decoded or outage)
        span = scoring.span_ms(it)
        fps = fps_of(it.frames_decoded, span) if live else None
        expected = self._expected(it, sender, screen)
        frozen = None
        if it.total_freezes_duration is not None and span:
            frozen = min(1.0, 1000 * it.total_freezes_duration / span)
        return VideoConsumerReading(
            timestamp=iso(it.t + self._offset),
            consumer_id=self._name(it, label),
            peer_id=label.peer_id or (sender.peer_id if sender else "") or None,
            producer_id=label.producer_id or (sender.producer_id if sender else None),
            mid=it.mid,
            ssrc=it.ssrc,
            packets_received=count(it.packets_received),
            bytes_received=count(it.bytes_received),
            packets_lost=count(it.lost),
            jitter=micro(it.jitter),
            jitter_buffer_delay=micro(it.jitter_buffer_delay),
            jitter_buffer_emitted_count=count(it.jitter_buffer_emitted_count),
            mos_quality=score(self._video_score(it, fps, expected, frozen, screen, outage)),
            interval_ms=whole(span),
            paused=it.paused,
            round_trip_time=micro(self._rtt_s(it, sender)),
            outage=outage,
            frame_width=count(it.frame_width),
            frame_height=count(it.frame_height),
            frames_decoded=count(it.frames_decoded),
            frames_dropped=count(it.frames_dropped),
            frames_per_second=fps,
            key_frames_decoded=count(it.key_frames_decoded),
            fir_count=count(it.fir_count),
            pli_count=count(it.pli_count),
            nack_count=count(it.nack_count),
            frozen_fraction=micro(frozen),
            expected_pixels=whole(expected[0]),
            expected_frames_per_second=expected[1],
        )

    def _expected(
        self, it: ReceivedVideo, sender: Sender | None, screen: bool
    ) -> tuple[float, float]:
        """(pixels, frames a second): as shown, else as sent; the camera's rate."""
        point = None if sender is None else sender.point(it.t + self._offset)
        sent_px = None if point is None else (point.width or 0) * (point.height or 0)
        self.sent_fps = None if point is None else point.fps
        rate = expected_fps(self.sent_fps)
        if screen:
            rate = min(rate, SCREENSHARE_FPS)
        return expected_px(it.display_pixels, sent_px), round(rate, 1)

    def _video_score(
        self,
        it: ReceivedVideo,
        fps: float | None,
        expected: tuple[float, float],
        frozen: float | None,
        screen: bool,
        outage: bool,
    ) -> float | None:
        size = (it.frame_width, it.frame_height)
        if self._scale == scoring.VENDOR:
            if it.paused:
                return None
            loss = scoring.vendor_received_loss(it)
            return vendor.video_score(
                loss, it.jitter, size[0], fps, it.frames_decoded, screenshare=screen
            )
        if outage:
            return 1.0
        span = scoring.span_ms(it)
        if fps is None or span is None:
            return None
        self._silent_ms = 0.0 if it.frames_decoded else self._silent_ms + span
        if not scoring.scorable(it, (it.packets_received or 0) + (it.lost or 0)):
            return None
        picture = scoring.Picture(it, size, fps, _media_bitrate(it, span), expected)
        picture.frozen = frozen
        if it.qp_sum is not None and it.frames_decoded:
            picture.qp = it.qp_sum / it.frames_decoded
        return scoring.video(picture, screen, self._silent_ms / 1000)


def _media_bitrate(it: ReceivedVideo, span: float) -> float | None:
    """bit/s without retransmissions and FEC (quality.md 1.1.6)."""
    if it.bytes_received is None or span <= 0:
        return None
    repair = (it.retransmitted_bytes_received or 0.0) + (it.fec_bytes_received or 0.0)
    return 8000 * max(0.0, it.bytes_received - repair) / span
