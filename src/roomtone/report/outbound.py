"""Outbound: a producer, made of one outbound-rtp per simulcast layer, folded into intervals.

Counters are summed over the layers; size, rate, limitation and ssrc are those of the highest layer
that had frames in the interval (quality.md 1.1.7).
"""

from collections.abc import Callable
from operator import attrgetter

from roomtone.model.stats import OutboundRtp, RemoteInboundRtp
from roomtone.report.counters import Losses, differences, fell, restart
from roomtone.report.intervals import SENT_AUDIO, SENT_VIDEO, Sent, SentVideo, TopLayer
from roomtone.report.path import Path
from roomtone.report.series import Budget, Series

_audio_totals = attrgetter(*SENT_AUDIO)
_video_totals = attrgetter(*SENT_VIDEO)
_BYTES, _RETRANSMITTED = (
    SENT_VIDEO.index("bytes_sent"),
    SENT_VIDEO.index("retransmitted_bytes_sent"),
)
_FRAMES, _QP = SENT_VIDEO.index("frames_encoded"), SENT_VIDEO.index("qp_sum")

Durations = tuple[float, float, float, float]


class Layer:
    """One outbound-rtp by (id, ssrc), and what the other end says of it."""

    __slots__ = (
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

    def __init__(self, stat: OutboundRtp, members: int) -> None:
        self.stat = stat
        self.following: OutboundRtp | None = stat
        """What the snapshot at hand shows, until the producer takes it."""
        self.moved = False
        """Whether anything came since the last cut."""
        self.last = [0.0] * members
        self.losses = Losses()
        self.remote_t: float = 0
        self.rtt_total = 0.0
        self.rtt_count = 0.0
        self.durations: Durations = (0.0, 0.0, 0.0, 0.0)
        self.changes = 0.0

    def copy(self) -> "Layer":
        """As it is now, to be read without changing it."""
        twin = Layer(self.stat, 0)
        for name in Layer.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.last = self.last[:]
        twin.losses = self.losses.copy()
        return twin

    def fell(self) -> bool:
        """Whether the following report shows a counter reset."""
        before, now = self.stat, self.following
        return now is not None and (
            fell(before.packets_sent, now.packets_sent)
            or fell(before.bytes_sent, now.bytes_sent)
            or fell(before.frames_encoded, now.frames_encoded)
        )

    def restart(self, totals: tuple[float | None, ...], stat: OutboundRtp) -> None:
        """A new epoch at ``stat``. What the other end says may still be of the old one."""
        restart(totals, self.last)
        self.losses.restart(None)
        self.rtt_count = -1.0
        self.durations = _durations(stat) or (0.0, 0.0, 0.0, 0.0)
        self.changes = stat.quality_limitation_resolution_changes or 0.0

    def heard(
        self, remote: RemoteInboundRtp | None
    ) -> tuple[float | None, float | None, float | None]:
        """(lost, jitter, rtt) that the other end reported since the last cut; None: not heard."""
        if remote is None or remote.timestamp <= self.remote_t:
            return None, None, None
        self.remote_t = remote.timestamp
        rtt = remote.round_trip_time
        total, count = remote.total_round_trip_time, remote.round_trip_time_measurements
        if total is not None and count is not None:
            gained = count - self.rtt_count
            if self.rtt_count >= 0 and gained > 0 and total >= self.rtt_total:
                rtt = (total - self.rtt_total) / gained
            self.rtt_total, self.rtt_count = total, count
        return self.losses.lost(remote.packets_lost), remote.jitter, rtt

    def limits(self) -> tuple[Durations | None, float | None]:
        """Seconds in each limitation state, and resolution changes, since the last cut."""
        now = _durations(self.stat)
        spent = None
        if now is not None:
            a, b = self.durations, now
            spent = (
                max(0.0, b[0] - a[0]),
                max(0.0, b[1] - a[1]),
                max(0.0, b[2] - a[2]),
                max(0.0, b[3] - a[3]),
            )
            self.durations = now
        changes = self.stat.quality_limitation_resolution_changes
        if changes is None:
            return spent, None
        gained = changes - self.changes
        self.changes = changes
        return spent, gained if gained >= 0 else None


def _durations(stat: OutboundRtp) -> Durations | None:
    spent = stat.quality_limitation_durations
    return None if spent is None else (spent.bandwidth, spent.cpu, spent.none, spent.other)


class OutboundSeries(Series):
    """A producer: the layers that share a sender."""

    __slots__ = ("audio", "layers", "path", "track_id")

    def __init__(self, budget: Budget, path: Path, audio: bool) -> None:
        super().__init__(budget)
        self.path = path
        self.audio = audio
        self.layers: list[Layer] = []
        self.track_id: str | None = None
        """Of the media source that it began with: its name where nobody gives another."""

    @property
    def totals(self) -> Callable[[OutboundRtp], tuple[float | None, ...]]:
        """Fetches the counters of a report."""
        return _audio_totals if self.audio else _video_totals

    def add(self, stat: OutboundRtp) -> Layer:
        """A layer that was not there before."""
        layer = Layer(stat, len(SENT_AUDIO if self.audio else SENT_VIDEO))
        self.layers.append(layer)
        return layer

    def take(self, t: float) -> None:
        """All layers as one snapshot shows them. Not later than the one before: ignored."""
        path = self.path
        if self.base_t is not None and t <= self.prev_t:
            for layer in self.layers:
                layer.following = None
            return
        if self.labels_version != path.labels_version:
            self.labels_version = path.labels_version
            self._find_label()
        restarted = [layer for layer in self.layers if layer.fell()]
        if restarted:
            self.flush()
        for layer in self.layers:
            if layer.following is not None:
                layer.stat = layer.following
                layer.following = None
                layer.moved = True
        self.see(path.ordinal)
        self.prev_t = t
        if restarted:
            self.base_t = t
            self.paused = self.paused_now
            for layer in restarted:
                layer.restart(self.totals(layer.stat), layer.stat)
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
        moved = [layer for layer in self.layers if layer.moved] or self.layers[:1]
        if at_end:
            moved = [layer.copy() for layer in moved]
        gains, heard, limits = [], [], []
        for layer in moved:
            layer.moved = False
            stat = layer.stat
            gains.append(differences(self.totals(stat), layer.last))
            remotes = self.path.remotes
            heard.append(layer.heard(remotes.get(stat.id) or remotes.get(stat.ssrc)))
            limits.append((None, None) if self.audio else layer.limits())
        at = 0 if len(moved) == 1 or self.audio else _highest(moved, gains)
        stat = moved[at].stat
        rtt = _least([rtt for _, _, rtt in heard])
        if rtt is not None and not at_end:
            self.path.reported_rtt, self.path.reported_t = rtt, self.prev_t
        return (Sent if self.audio else SentVideo)(
            self.prev_t,
            self.base_t,
            _sum([lost for lost, _, _ in heard]),
            _most([jitter for _, jitter, _ in heard]),
            self.path.rtt if rtt is None else rtt,
            self.paused,
            self.label,
            self.path.codec(stat.codec_id),
            stat.mid,
            stat.ssrc,
            self.path.sources.get(stat.media_source_id or ""),
            _sum([layer.stat.target_bitrate for layer in moved if layer.stat.active is not False]),
            None if self.audio else _top(stat, gains[at], *limits[at]),
            *(gains[0] if len(gains) == 1 else [_sum(each) for each in zip(*gains, strict=True)]),
        )


def _highest(layers: list[Layer], gains: list[list[float | None]]) -> int:
    """The layer with the most pixels, of those with frames in the interval if any had."""
    return max(
        range(len(layers)),
        key=lambda i: (
            bool(gains[i][_FRAMES]),
            (layers[i].stat.frame_width or 0) * (layers[i].stat.frame_height or 0),
        ),
    )


def _top(
    stat: OutboundRtp,
    gains: list[float | None],
    durations: Durations | None,
    changes: float | None,
) -> TopLayer:
    sent = gains[_BYTES]
    return TopLayer(
        stat.frame_width,
        stat.frame_height,
        gains[_FRAMES],
        None if sent is None else max(0.0, sent - (gains[_RETRANSMITTED] or 0.0)),
        stat.target_bitrate,
        gains[_QP],
        stat.quality_limitation_reason,
        durations,
        changes,
    )


def _sum(values: list[float | None] | tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _least(values: list[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
