"""Gains: running totals → what came since the last look. Rules of quality.md 1.1 (3, 4, 5).

Each function takes a report and the totals at the last look, which start as zeros, and gives the
totals as they are now and what each counter gained, in the order of the interval's members
(:mod:`roomtone.report.intervals`). A member that is missing gains None and keeps its last total, so
nothing is lost when it comes back. One that fell although its stream goes on (a browser's bug)
gains None and starts anew.

The members are written out because here the fold spends most of its time: a loop over their names
takes twice as long. That each function does what the loop would do is a test.
"""

from operator import attrgetter

from roomtone.model.stats import InboundRtp, OutboundRtp
from roomtone.report.intervals import RECEIVED_AUDIO, RECEIVED_VIDEO, SENT_AUDIO, SENT_VIDEO

Totals = tuple[float, ...]
Gains = tuple[float | None, ...]

ZEROS_RECEIVED_AUDIO: Totals = (0.0,) * len(RECEIVED_AUDIO)
ZEROS_RECEIVED_VIDEO: Totals = (0.0,) * len(RECEIVED_VIDEO)
ZEROS_SENT_AUDIO: Totals = (0.0,) * len(SENT_AUDIO)
ZEROS_SENT_VIDEO: Totals = (0.0,) * len(SENT_VIDEO)

_totals = {
    names: attrgetter(*names) for names in (RECEIVED_AUDIO, RECEIVED_VIDEO, SENT_AUDIO, SENT_VIDEO)
}


def restarted(now: InboundRtp | OutboundRtp, names: tuple[str, ...]) -> Totals:
    """``now`` as the new baseline: a counter reset gives no number for its interval."""
    return tuple([0.0 if total is None else total for total in _totals[names](now)])


def received_audio(now: InboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an inbound-rtp of kind audio."""
    totals = (
        last[0] if (packets := now.packets_received) is None else packets,
        last[1] if (octets := now.bytes_received) is None else octets,
        last[2] if (again := now.retransmitted_bytes_received) is None else again,
        last[3] if (fec := now.fec_bytes_received) is None else fec,
        last[4] if (delay := now.jitter_buffer_delay) is None else delay,
        last[5] if (emitted := now.jitter_buffer_emitted_count) is None else emitted,
        last[6] if (samples := now.total_samples_received) is None else samples,
        last[7] if (concealed := now.concealed_samples) is None else concealed,
        last[8] if (silent := now.silent_concealed_samples) is None else silent,
        last[9] if (events := now.concealment_events) is None else events,
        last[10] if (inserted := now.inserted_samples_for_deceleration) is None else inserted,
        last[11] if (removed := now.removed_samples_for_acceleration) is None else removed,
        last[12] if (energy := now.total_audio_energy) is None else energy,
        last[13] if (duration := now.total_samples_duration) is None else duration,
    )
    return totals, (
        None if packets is None or packets < last[0] else packets - last[0],
        None if octets is None or octets < last[1] else octets - last[1],
        None if again is None or again < last[2] else again - last[2],
        None if fec is None or fec < last[3] else fec - last[3],
        None if delay is None or delay < last[4] else delay - last[4],
        None if emitted is None or emitted < last[5] else emitted - last[5],
        None if samples is None or samples < last[6] else samples - last[6],
        None if concealed is None or concealed < last[7] else concealed - last[7],
        None if silent is None or silent < last[8] else silent - last[8],
        None if events is None or events < last[9] else events - last[9],
        None if inserted is None or inserted < last[10] else inserted - last[10],
        None if removed is None or removed < last[11] else removed - last[11],
        None if energy is None or energy < last[12] else energy - last[12],
        None if duration is None or duration < last[13] else duration - last[13],
    )


def received_video(now: InboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an inbound-rtp of kind video."""
    totals = (
        last[0] if (packets := now.packets_received) is None else packets,
        last[1] if (octets := now.bytes_received) is None else octets,
        last[2] if (again := now.retransmitted_bytes_received) is None else again,
        last[3] if (fec := now.fec_bytes_received) is None else fec,
        last[4] if (delay := now.jitter_buffer_delay) is None else delay,
        last[5] if (emitted := now.jitter_buffer_emitted_count) is None else emitted,
        last[6] if (frames := now.frames_received) is None else frames,
        last[7] if (decoded := now.frames_decoded) is None else decoded,
        last[8] if (dropped := now.frames_dropped) is None else dropped,
        last[9] if (keys := now.key_frames_decoded) is None else keys,
        last[10] if (qp := now.qp_sum) is None else qp,
        last[11] if (freezes := now.freeze_count) is None else freezes,
        last[12] if (frozen := now.total_freezes_duration) is None else frozen,
        last[13] if (firs := now.fir_count) is None else firs,
        last[14] if (plis := now.pli_count) is None else plis,
        last[15] if (nacks := now.nack_count) is None else nacks,
    )
    return totals, (
        None if packets is None or packets < last[0] else packets - last[0],
        None if octets is None or octets < last[1] else octets - last[1],
        None if again is None or again < last[2] else again - last[2],
        None if fec is None or fec < last[3] else fec - last[3],
        None if delay is None or delay < last[4] else delay - last[4],
        None if emitted is None or emitted < last[5] else emitted - last[5],
        None if frames is None or frames < last[6] else frames - last[6],
        None if decoded is None or decoded < last[7] else decoded - last[7],
        None if dropped is None or dropped < last[8] else dropped - last[8],
        None if keys is None or keys < last[9] else keys - last[9],
        None if qp is None or qp < last[10] else qp - last[10],
        None if freezes is None or freezes < last[11] else freezes - last[11],
        None if frozen is None or frozen < last[12] else frozen - last[12],
        None if firs is None or firs < last[13] else firs - last[13],
        None if plis is None or plis < last[14] else plis - last[14],
        None if nacks is None or nacks < last[15] else nacks - last[15],
    )


def sent_audio(now: OutboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an outbound-rtp of kind audio."""
    totals = (
        last[0] if (packets := now.packets_sent) is None else packets,
        last[1] if (octets := now.bytes_sent) is None else octets,
        last[2] if (again := now.retransmitted_bytes_sent) is None else again,
        last[3] if (nacks := now.nack_count) is None else nacks,
    )
    return totals, (
        None if packets is None or packets < last[0] else packets - last[0],
        None if octets is None or octets < last[1] else octets - last[1],
        None if again is None or again < last[2] else again - last[2],
        None if nacks is None or nacks < last[3] else nacks - last[3],
    )


def sent_video(now: OutboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an outbound-rtp of kind video."""
    totals = (
        last[0] if (packets := now.packets_sent) is None else packets,
        last[1] if (octets := now.bytes_sent) is None else octets,
        last[2] if (again := now.retransmitted_bytes_sent) is None else again,
        last[3] if (nacks := now.nack_count) is None else nacks,
        last[4] if (frames := now.frames_encoded) is None else frames,
        last[5] if (keys := now.key_frames_encoded) is None else keys,
        last[6] if (qp := now.qp_sum) is None else qp,
        last[7] if (encoding := now.total_encode_time) is None else encoding,
        last[8] if (firs := now.fir_count) is None else firs,
        last[9] if (plis := now.pli_count) is None else plis,
    )
    return totals, (
        None if packets is None or packets < last[0] else packets - last[0],
        None if octets is None or octets < last[1] else octets - last[1],
        None if again is None or again < last[2] else again - last[2],
        None if nacks is None or nacks < last[3] else nacks - last[3],
        None if frames is None or frames < last[4] else frames - last[4],
        None if keys is None or keys < last[5] else keys - last[5],
        None if qp is None or qp < last[6] else qp - last[6],
        None if encoding is None or encoding < last[7] else encoding - last[7],
        None if firs is None or firs < last[8] else firs - last[8],
        None if plis is None or plis < last[9] else plis - last[9],
    )
