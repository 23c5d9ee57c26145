"""Outbound: a producer, made of one outbound-rtp per simulcast layer, folded into intervals.

Counters are summed over the layers; size, rate, limitation and ssrc are those of the highest layer
that had frames in the interval (quality.md 1.1.7).
"""

from roomtone.model.stats import OutboundRtp, QualityLimitationDurations, RemoteInboundRtp
from roomtone.report import gains
from roomtone.report.counters import Losses
from roomtone.report.gains import Gains
from roomtone.report.intervals import SENT_AUDIO, SENT_VIDEO, Sent, SentVideo, TopLayer
from roomtone.report.path import Path
from roomtone.report.series import Budget, Series

_BYTES, _RETRANSMITTED = (
    SENT_VIDEO.index("bytes_sent"),
    SENT_VIDEO.index("retransmitted_bytes_sent"),
)
_FRAMES, _QP = SENT_VIDEO.index("frames_encoded"), SENT_VIDEO.index("qp_sum")

Durations = tuple[float, float, float, float]
Heard = tuple[float | None, float | None, float | None]
"""(lost, jitter, rtt) as the other end reported; None: not heard."""
_NOTHING: Heard = (None, None, None)
_NO_LIMITS = QualityLimitationDurations()


class Layer:
    """One outbound-rtp by (id, ssrc), and what the other end says of it."""

    __slots__ = (
        "audio",
        "changes",
        "durations",
        "following",
        "last",
        "losses",
        "moved",
        "remote_t",
        "rtt_count",
        "rtt_total",
        "stat",
    )

    def __init__(self, stat: OutboundRtp, audio: bool) -> None:
        self.stat = stat
        self.audio = audio
        self.following: OutboundRtp | None = stat
        """What the snapshot at hand shows, until the producer takes it."""
        self.moved = False
        """Whether anything came since the last cut."""
        self.last = gains.ZEROS_SENT_AUDIO if audio else gains.ZEROS_SENT_VIDEO
        self.losses = Losses()
        self.remote_t: float = 0
        self.rtt_total = 0.0
        self.rtt_count = 0.0
        self.durations = _NO_LIMITS
        self.changes = 0.0

    def copy(self) -> "Layer":
        """As it is now, to be read without changing it."""
        twin = Layer(self.stat, self.audio)
        for name in Layer.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.losses = self.losses.copy()
        return twin

    def restart(self) -> None:
        """A new epoch at its report. What the other end says may still be of the old one."""
        stat = self.stat
        self.last = gains.restarted(stat, SENT_AUDIO if self.audio else SENT_VIDEO)
        self.losses.restart(None)
        self.rtt_count = -1.0
        self.durations = stat.quality_limitation_durations or _NO_LIMITS
        self.changes = stat.quality_limitation_resolution_changes or 0.0

    def gained(self) -> Gains:
        """What its counters gained since the last cut."""
        of_kind = gains.sent_audio if self.audio else gains.sent_video
        self.last, gained = of_kind(self.stat, self.last)
        return gained

    def heard(self, remotes: dict[str | int | None, RemoteInboundRtp]) -> Heard:
        """What the other end reported of it since the last cut."""
        remote = remotes.get(self.stat.id) or remotes.get(self.stat.ssrc)
        if remote is None or remote.timestamp <= self.remote_t:
            return _NOTHING
        self.remote_t = remote.timestamp
        rtt = remote.round_trip_time
        total, count = remote.total_round_trip_time, remote.round_trip_time_measurements
        if total is not None and count is not None:
            gained = count - self.rtt_count
            if self.rtt_count >= 0.0 and gained > 0.0 and total >= self.rtt_total:
                rtt = (total - self.rtt_total) / gained
            self.rtt_total, self.rtt_count = total, count
        losses, lost = self.losses, remote.packets_lost
        return 0.0 if lost == losses.total else losses.lost(lost), remote.jitter, rtt

    def limits(self) -> tuple[Durations | None, float | None]:
        """Seconds in each limitation state, and resolution changes, since the last cut."""
        now, before = self.stat.quality_limitation_durations, self.durations
        spent = None
        if now is not None:
            spent = (
                gained if (gained := now.bandwidth - before.bandwidth) > 0.0 else 0.0,
                gained if (gained := now.cpu - before.cpu) > 0.0 else 0.0,
                gained if (gained := now.none - before.none) > 0.0 else 0.0,
                gained if (gained := now.other - before.other) > 0.0 else 0.0,
            )
            self.durations = now
        changes = self.stat.quality_limitation_resolution_changes
        if changes is None:
            return spent, None
        gained = changes - self.changes
        self.changes = changes
        return spent, gained if gained >= 0.0 else None


class OutboundSeries(Series):
    """A producer: the layers that share a sender."""

    __slots__ = ("audio", "layers", "path", "track_id")

    def __init__(self, budget: Budget, path: Path, audio: bool) -> None:
        super().__init__(budget, path.ordinal)
        self.path = path
        self.audio = audio
        self.layers: list[Layer] = []
        self.track_id: str | None = None
        """Of the media source that it began with: its name where nobody gives another."""

    def add(self, stat: OutboundRtp) -> Layer:
        """A layer that was not there before."""
        layer = Layer(stat, self.audio)
        self.layers.append(layer)
        return layer

    def take(self, t: float) -> None:
        """All layers as one snapshot shows them. Not later than the one before: ignored."""
        path, layers = self.path, self.layers
        if t <= self.prev_t:
            for layer in layers:
                layer.following = None
            return
        if self.labels_version != path.labels_version:
            self.labels_version = path.labels_version
            self._find_label()
        restarted = []
        for layer in layers:
            following, before = layer.following, layer.stat
            if following is not None and (
                (  # a counter reset; written out as in inbound.py
                    (now := following.packets_sent) is not None
                    and (then := before.packets_sent) is not None
                    and now < then
                )
                or (
                    (now := following.bytes_sent) is not None
                    and (then := before.bytes_sent) is not None
                    and now < then
                )
                or (
                    (now := following.frames_encoded) is not None
                    and (then := before.frames_encoded) is not None
                    and now < then
                )
            ):
                restarted.append(layer)
        if restarted:
            self.flush()
        for layer in layers:
            following = layer.following
            if following is not None:
                layer.stat = following
                layer.following = None
                layer.moved = True
        ordinal = path.ordinal  # as self.see() does
        if self.paused_now or ordinal - self.ordinal > 1:
            self.paused = True
        self.ordinal = ordinal
        self.prev_t = t
        if restarted:
            self.base_t = t
            self.paused = self.paused_now
            for layer in restarted:
                layer.restart()
        elif self.base_t is None or t - self.base_t >= self.budget.cut_ms:
            self.cut()

    def _find_label(self) -> None:
        for layer in self.layers:
            stat = layer.following or layer.stat
            source = self.path.sources.get(stat.media_source_id or "")
            track_id = None if source is None else source.track_identifier
            self.track_id = self.track_id or track_id
            track = self.path.track_of(stat.ssrc, track_id, stat.mid)
            if track.match or layer is self.layers[-1]:
                self.relabel(track)
                return

    def make(self, at_end: bool) -> Sent:
        """See :meth:`Series.make`."""
        moved = self.layers
        if len(moved) == 1:
            return self._alone(moved[0].copy() if at_end else moved[0], at_end)
        moved = [layer for layer in moved if layer.moved] or moved[:1]
        if at_end:
            moved = [layer.copy() for layer in moved]
        for layer in moved:
            layer.moved = False
        return self._alone(moved[0], at_end) if len(moved) == 1 else self._together(moved, at_end)

    def _alone(self, layer: Layer, at_end: bool) -> Sent:
        """Nearly every producer has one layer: there is nothing to sum up."""
        stat = layer.stat
        layer.moved = False
        gained: Gains  # as layer.gained() does
        if self.audio:
            layer.last, gained = gains.sent_audio(stat, layer.last)
            top = None
        else:
            layer.last, gained = gains.sent_video(stat, layer.last)
            durations, changes = layer.limits()
            top = _top(stat, gained, durations, changes)
        target = None if stat.active is False else stat.target_bitrate
        return self._sent(stat, gained, layer.heard(self.path.remotes), target, top, at_end)

    def _together(self, layers: list[Layer], at_end: bool) -> Sent:
        """Counters are sums, what is heard is the worst, and one layer is the highest."""
        gained = [layer.gained() for layer in layers]
        heard = [layer.heard(self.path.remotes) for layer in layers]
        at = 0 if self.audio else _highest(layers, gained)
        top = None
        if not self.audio:
            limits = [layer.limits() for layer in layers]
            top = _top(layers[at].stat, gained[at], *limits[at])
        return self._sent(
            layers[at].stat,
            tuple([_sum(each) for each in zip(*gained, strict=True)]),
            (
                _sum([lost for lost, _, _ in heard]),
                _most([jitter for _, jitter, _ in heard]),
                _least([rtt for _, _, rtt in heard]),
            ),
            _sum([layer.stat.target_bitrate for layer in layers if layer.stat.active is not False]),
            top,
            at_end,
        )

    def _sent(
        self,
        stat: OutboundRtp,
        gained: Gains,
        heard: Heard,
        target: float | None,
        top: TopLayer | None,
        at_end: bool,
    ) -> Sent:
        path = self.path
        lost, jitter, rtt = heard
        if rtt is not None and not at_end:
            path.reported_rtt, path.reported_t = rtt, self.prev_t
        codec = path.codecs.get(stat.codec_id) or path.codec(stat.codec_id)
        if self.audio:
            pkt, byt, nck = gained
            return Sent(
                self.prev_t,
                self.base_t,
                lost,
                jitter,
                path.rtt if rtt is None else rtt,
                self.paused,
                self.label,
                codec,
                stat.mid,
                stat.ssrc,
                path.sources.get(stat.media_source_id or ""),
                target,
                top,
                pkt,
                byt,
                nck,
            )
        pkt, byt, nck, rtx, frm, key, qp, enc, fir, pli = gained
        return SentVideo(
            self.prev_t,
            self.base_t,
            lost,
            jitter,
            path.rtt if rtt is None else rtt,
            self.paused,
            self.label,
            codec,
            stat.mid,
            stat.ssrc,
            path.sources.get(stat.media_source_id or ""),
            target,
            top,
            pkt,
            byt,
            nck,
            rtx,
            frm,
            key,
            qp,
            enc,
            fir,
            pli,
        )


def _highest(layers: list[Layer], gained: list[Gains]) -> int:
    """The layer with the most pixels, of those with frames in the interval if any had."""
    return max(
        range(len(layers)),
        key=lambda i: (
            bool(gained[i][_FRAMES]),
            (layers[i].stat.frame_width or 0) * (layers[i].stat.frame_height or 0),
        ),
    )


def _top(
    stat: OutboundRtp, gained: Gains, durations: Durations | None, changes: float | None
) -> TopLayer:
    sent = gained[_BYTES]
    return TopLayer(
        stat.frame_width,
        stat.frame_height,
        gained[_FRAMES],
        None if sent is None else max(0.0, sent - (gained[_RETRANSMITTED] or 0.0)),
        stat.target_bitrate,
        gained[_QP],
        stat.quality_limitation_reason,
        durations,
        changes,
        stat.power_efficient_encoder,
    )


def _sum(values: list[float | None] | tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _least(values: list[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
