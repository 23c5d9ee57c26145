"""Inbound: one received RTP stream of a peer, folded into intervals.

``_heard`` and ``_shown`` write every member out, although a loop over their names would say the
same: here the fold spends most of its time, and the loop takes twice as long. That they do what the
loop would do is a test.
"""

from roomtone.model.stats import InboundRtp
from roomtone.report import gains
from roomtone.report.counters import Losses
from roomtone.report.gains import Totals
from roomtone.report.intervals import (
    RECEIVED_AUDIO,
    RECEIVED_VIDEO,
    Received,
    ReceivedAudio,
    ReceivedVideo,
)
from roomtone.report.path import Path
from roomtone.report.series import Budget, Series
from roomtone.report.talk import Ear, Talk


def is_video(kind: str | None, frames: float | None, width: float | None) -> bool:
    """Whether a stream is video; a stream that does not say is told by what it counts."""
    return kind == "video" or (kind is None and (frames is not None or width is not None))


class InboundSeries(Series):
    """An inbound-rtp by (id, ssrc). One class for both kinds: where several have the same method,
    CPython has no fast way to their attributes."""

    __slots__ = (
        "_talk",
        "audio",
        "ear",
        "last",
        "losses",
        "path",
        "stat",
        "track_id",
    )

    def __init__(self, budget: Budget, path: Path, talk: Talk, stat: InboundRtp) -> None:
        super().__init__(budget, path.ordinal)
        self.path = path
        self._talk = talk
        self.audio = not is_video(stat.kind, stat.frames_decoded, stat.frame_width)
        self.last: Totals = (0.0,) * len(RECEIVED_AUDIO if self.audio else RECEIVED_VIDEO)
        """The totals at the last cut."""
        self.losses = Losses()
        self.stat = stat
        self.track_id = stat.track_identifier
        self.ear: Ear | None = None
        """What listens to whether its sender talks, if it is somebody's voice."""

    def take(self, stat: InboundRtp, t: float) -> None:
        """The stream as one snapshot shows it. Not later than the one before: ignored."""
        if t <= self.prev_t:
            return
        path, base_t = self.path, self.base_t
        if self.labels_version != path.labels_version:
            self.labels_version = path.labels_version
            self.relabel(path.track_of(stat.ssrc, stat.track_identifier, stat.mid))
            base_t = self.base_t
            if self.audio:
                label = self.label
                self.ear = self._talk.ear(path.transport_id, stat.id, label.source, label.peer_id)
        before = self.stat
        if (
            # A counter that can only grow went down: the stream began anew. Not a function, for
            # to call one costs more than what it would do.
            (
                (now := stat.packets_received) is not None
                and (then := before.packets_received) is not None
                and now < then
            )
            or (
                (now := stat.bytes_received) is not None
                and (then := before.bytes_received) is not None
                and now < then
            )
            or (
                (now := stat.frames_decoded) is not None
                and (then := before.frames_decoded) is not None
                and now < then
            )
            or (
                (now := stat.total_samples_received) is not None
                and (then := before.total_samples_received) is not None
                and now < then
            )
        ):
            self._restart(stat, t)
            return
        ordinal = path.ordinal  # as self.see() does
        if self.paused_now or ordinal - self.ordinal > 1:
            self.paused = True
        self.ordinal = ordinal
        self.stat = stat
        self.prev_t = t
        if base_t is None or t - base_t >= self.budget.cut_ms:
            # As self.cut() does. Two calls, for CPython has a fast way to call but one function.
            interval = _heard(self, False) if self.audio else _shown(self, False)
            self.base_t = t
            self.paused = self.paused_now
            self.budget.keep(interval, self.intervals)

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
        return _heard(self, at_end) if self.audio else _shown(self, at_end)

    def lost(self, at_end: bool) -> float | None:
        """Packets lost since the last cut."""
        losses = self.losses.copy() if at_end else self.losses
        return losses.lost(self.stat.packets_lost)


# --- intervals, written out -----------------------------------------------------------------------
#
# These two are made for every reading. A loop over the names of the counters takes twice as long,
# so each counter stands here in the order of gains.RECEIVED_AUDIO and gains.RECEIVED_VIDEO, under
# an abbreviation of its name; tests/unit/test_gains.py holds both against the loop. A counter that
# in most calls hardly ever moves is asked first whether it stood still: that is the shortest way.


def _heard(series: InboundSeries, at_end: bool) -> Received:
    """The open interval of an inbound-rtp of kind audio."""
    now, path, t = series.stat, series.path, series.prev_t
    pk0, oc0, fe0, dl0, em0, smp0, con0, sil0, evt0, ins0, rem0, nrg0, dur0 = series.last
    totals = (
        pk0 if (pk := now.packets_received) is None else pk,
        oc0 if (oc := now.bytes_received) is None else oc,
        fe0 if (fe := now.fec_bytes_received) is None else fe,
        dl0 if (dl := now.jitter_buffer_delay) is None else dl,
        em0 if (em := now.jitter_buffer_emitted_count) is None else em,
        smp0 if (smp := now.total_samples_received) is None else smp,
        con0 if (con := now.concealed_samples) is None else con,
        sil0 if (sil := now.silent_concealed_samples) is None else sil,
        evt0 if (evt := now.concealment_events) is None else evt,
        ins0 if (ins := now.inserted_samples_for_deceleration) is None else ins,
        rem0 if (rem := now.removed_samples_for_acceleration) is None else rem,
        nrg0 if (nrg := now.total_audio_energy) is None else nrg,
        dur0 if (dur := now.total_samples_duration) is None else dur,
    )
    if not at_end:
        series.last = totals
    return ReceivedAudio(
        t,
        series.base_t,
        0.0 if now.packets_lost == series.losses.total else series.lost(at_end),
        now.jitter,
        path.leg(t) if path.rtt is None else path.rtt,
        series.paused,
        series.label,
        path.codecs.get(now.codec_id) or path.codec(now.codec_id),
        now.mid,
        now.ssrc,
        now.last_packet_received_timestamp,
        None if pk is None else pk - pk0 if pk > pk0 else 0.0 if pk == pk0 else None,
        None if oc is None else oc - oc0 if oc > oc0 else 0.0 if oc == oc0 else None,
        None if fe is None else fe - fe0 if fe > fe0 else 0.0 if fe == fe0 else None,
        None if dl is None else dl - dl0 if dl > dl0 else 0.0 if dl == dl0 else None,
        None if em is None else em - em0 if em > em0 else 0.0 if em == em0 else None,
        None if smp is None else smp - smp0 if smp > smp0 else 0.0 if smp == smp0 else None,
        0.0 if con == con0 else None if con is None or con < con0 else con - con0,
        0.0 if sil == sil0 else None if sil is None or sil < sil0 else sil - sil0,
        0.0 if evt == evt0 else None if evt is None or evt < evt0 else evt - evt0,
        0.0 if ins == ins0 else None if ins is None or ins < ins0 else ins - ins0,
        0.0 if rem == rem0 else None if rem is None or rem < rem0 else rem - rem0,
        None if nrg is None else nrg - nrg0 if nrg > nrg0 else 0.0 if nrg == nrg0 else None,
        None if dur is None else dur - dur0 if dur > dur0 else 0.0 if dur == dur0 else None,
    )


def _shown(series: InboundSeries, at_end: bool) -> Received:
    """The open interval of an inbound-rtp of kind video."""
    now, path, t = series.stat, series.path, series.prev_t
    pk0, oc0, fe0, dl0, em0, rt0, fr0, de0, dr0, ky0, qp0, fz0, fd0, fi0, pl0, nk0 = series.last
    totals = (
        pk0 if (pk := now.packets_received) is None else pk,
        oc0 if (oc := now.bytes_received) is None else oc,
        fe0 if (fe := now.fec_bytes_received) is None else fe,
        dl0 if (dl := now.jitter_buffer_delay) is None else dl,
        em0 if (em := now.jitter_buffer_emitted_count) is None else em,
        rt0 if (rt := now.retransmitted_bytes_received) is None else rt,
        fr0 if (fr := now.frames_received) is None else fr,
        de0 if (de := now.frames_decoded) is None else de,
        dr0 if (dr := now.frames_dropped) is None else dr,
        ky0 if (ky := now.key_frames_decoded) is None else ky,
        qp0 if (qp := now.qp_sum) is None else qp,
        fz0 if (fz := now.freeze_count) is None else fz,
        fd0 if (fd := now.total_freezes_duration) is None else fd,
        fi0 if (fi := now.fir_count) is None else fi,
        pl0 if (pl := now.pli_count) is None else pl,
        nk0 if (nk := now.nack_count) is None else nk,
    )
    if not at_end:
        series.last = totals
    return ReceivedVideo(
        t,
        series.base_t,
        0.0 if now.packets_lost == series.losses.total else series.lost(at_end),
        now.jitter,
        path.leg(t) if path.rtt is None else path.rtt,
        series.paused,
        series.label,
        path.codecs.get(now.codec_id) or path.codec(now.codec_id),
        now.mid,
        now.ssrc,
        now.last_packet_received_timestamp,
        None if pk is None else pk - pk0 if pk > pk0 else 0.0 if pk == pk0 else None,
        None if oc is None else oc - oc0 if oc > oc0 else 0.0 if oc == oc0 else None,
        None if fe is None else fe - fe0 if fe > fe0 else 0.0 if fe == fe0 else None,
        None if dl is None else dl - dl0 if dl > dl0 else 0.0 if dl == dl0 else None,
        None if em is None else em - em0 if em > em0 else 0.0 if em == em0 else None,
        0.0 if rt == rt0 else None if rt is None or rt < rt0 else rt - rt0,
        None if fr is None else fr - fr0 if fr > fr0 else 0.0 if fr == fr0 else None,
        None if de is None else de - de0 if de > de0 else 0.0 if de == de0 else None,
        0.0 if dr == dr0 else None if dr is None or dr < dr0 else dr - dr0,
        0.0 if ky == ky0 else None if ky is None or ky < ky0 else ky - ky0,
        None if qp is None else qp - qp0 if qp > qp0 else 0.0 if qp == qp0 else None,
        0.0 if fz == fz0 else None if fz is None or fz < fz0 else fz - fz0,
        0.0 if fd == fd0 else None if fd is None or fd < fd0 else fd - fd0,
        0.0 if fi == fi0 else None if fi is None or fi < fi0 else fi - fi0,
        0.0 if pl == pl0 else None if pl is None or pl < pl0 else pl - pl0,
        0.0 if nk == nk0 else None if nk is None or nk < nk0 else nk - nk0,
        now.frame_width,
        now.frame_height,
        series.display_pixels,
    )
