"""Inbound: one received RTP stream of a peer, folded into intervals."""

from roomtone.model.stats import InboundRtp
from roomtone.report import gains
from roomtone.report.counters import Losses, fell
from roomtone.report.intervals import (
    RECEIVED_AUDIO,
    RECEIVED_VIDEO,
    Received,
    ReceivedAudio,
    ReceivedVideo,
)
from roomtone.report.path import Path
from roomtone.report.series import Budget, Series


def is_video(kind: str | None, frames: float | None, width: float | None) -> bool:
    """Whether a stream is video; a stream that does not say is told by what it counts."""
    return kind == "video" or (kind is None and (frames is not None or width is not None))


class InboundSeries(Series):
    """An inbound-rtp by (id, ssrc)."""

    __slots__ = ("audio", "last", "losses", "path", "stat", "track_id")

    def __init__(self, budget: Budget, path: Path, stat: InboundRtp) -> None:
        super().__init__(budget)
        self.path = path
        self.audio = not is_video(stat.kind, stat.frames_decoded, stat.frame_width)
        self.last = gains.ZEROS_RECEIVED_AUDIO if self.audio else gains.ZEROS_RECEIVED_VIDEO
        self.losses = Losses()
        self.stat = stat
        self.track_id = stat.track_identifier

    def take(self, stat: InboundRtp, t: float) -> None:
        """The stream as one snapshot shows it. Not later than the one before: ignored."""
        path = self.path
        if self.base_t is not None and t <= self.prev_t:
            return
        if self.labels_version != path.labels_version:
            self.labels_version = path.labels_version
            self.relabel(path.track_of(stat.ssrc, stat.track_identifier, stat.mid))
        before = self.stat
        if (
            fell(before.packets_received, stat.packets_received)
            or fell(before.bytes_received, stat.bytes_received)
            or fell(before.frames_decoded, stat.frames_decoded)
            or fell(before.total_samples_received, stat.total_samples_received)
        ):
            self._restart(stat, t)
            return
        ordinal = path.ordinal  # as self.see() does
        if self.paused_now or (ordinal - self.ordinal > 1 and self.ordinal >= 0):
            self.paused = True
        self.ordinal = ordinal
        self.stat = stat
        self.prev_t = t
        if self.base_t is None or t - self.base_t >= self.budget.cut_ms:
            self.cut()

    def _restart(self, stat: InboundRtp, t: float) -> None:
        """A counter reset: what was pending is an interval, the time since is none."""
        self.flush()
        self.see(self.path.ordinal)
        self.stat = stat
        self.prev_t = self.base_t = t
        self.paused = self.paused_now
        self.last = gains.restarted(stat, RECEIVED_AUDIO if self.audio else RECEIVED_VIDEO)
        self.losses.restart(stat.packets_lost)

    def make(self, at_end: bool) -> Received:
        """See :meth:`Series.make`."""
        stat, path, t = self.stat, self.path, self.prev_t
        audio = self.audio
        totals, gained = (gains.received_audio if audio else gains.received_video)(stat, self.last)
        losses = self.losses
        if at_end:
            losses = losses.copy()
        else:
            self.last = totals
        return (ReceivedAudio if audio else ReceivedVideo)(
            t,
            self.base_t,
            losses.lost(stat.packets_lost),
            stat.jitter,
            path.leg(t) if path.rtt is None else path.rtt,
            self.paused,
            self.label,
            path.codec(stat.codec_id),
            stat.mid,
            stat.ssrc,
            stat.last_packet_received_timestamp,
            stat.frame_width,
            stat.frame_height,
            self.display_pixels,
            *gained,
        )
