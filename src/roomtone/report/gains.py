"""Gains: running totals → what came since the last look. Rules of quality.md 1.1 (3, 4, 5).

Each function takes a report and the totals at the last look, which start as zeros, and gives the
totals as they are now and what each counter gained, in the order of the interval's members
(:mod:`roomtone.report.intervals`). A member that is missing gains None and keeps its last total, so
nothing is lost when it comes back. One that fell although its stream goes on (a browser's bug)
gains None and starts anew.

The members are written out because here the fold spends most of its time: a loop over their names
takes twice as long. That each function does what the loop would do is a test. A counter that in
most calls hardly ever moves is asked first whether it stood still: that is the shortest way.
"""

from operator import attrgetter

from roomtone.model.stats import InboundRtp, OutboundRtp
from roomtone.report.intervals import RECEIVED_AUDIO, RECEIVED_VIDEO, SENT_AUDIO, SENT_VIDEO

Totals = tuple[float, ...]
Gains = tuple[float | None, ...]

ZEROS_SENT_AUDIO: Totals = (0.0,) * len(SENT_AUDIO)
ZEROS_SENT_VIDEO: Totals = (0.0,) * len(SENT_VIDEO)

_totals = {
    names: attrgetter(*names) for names in (RECEIVED_AUDIO, RECEIVED_VIDEO, SENT_AUDIO, SENT_VIDEO)
}


def restarted(now: InboundRtp | OutboundRtp, names: tuple[str, ...]) -> Totals:
    """``now`` as the new baseline: a counter reset gives no number for its interval."""
    return tuple([0.0 if total is None else total for total in _totals[names](now)])


def sent_audio(now: OutboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an outbound-rtp of kind audio."""
    pkt0, byt0, nck0 = last
    totals = (
        pkt0 if (pkt := now.packets_sent) is None else pkt,
        byt0 if (byt := now.bytes_sent) is None else byt,
        nck0 if (nck := now.nack_count) is None else nck,
    )
    return totals, (
        None if pkt is None else pkt - pkt0 if pkt > pkt0 else 0.0 if pkt == pkt0 else None,
        None if byt is None else byt - byt0 if byt > byt0 else 0.0 if byt == byt0 else None,
        0.0 if nck == nck0 else None if nck is None or nck < nck0 else nck - nck0,
    )


def sent_video(now: OutboundRtp, last: Totals) -> tuple[Totals, Gains]:
    """Of an outbound-rtp of kind video."""
    pkt0, byt0, nck0, rtx0, frm0, key0, qp0, enc0, fir0, pli0 = last
    totals = (
        pkt0 if (pkt := now.packets_sent) is None else pkt,
        byt0 if (byt := now.bytes_sent) is None else byt,
        nck0 if (nck := now.nack_count) is None else nck,
        rtx0 if (rtx := now.retransmitted_bytes_sent) is None else rtx,
        frm0 if (frm := now.frames_encoded) is None else frm,
        key0 if (key := now.key_frames_encoded) is None else key,
        qp0 if (qp := now.qp_sum) is None else qp,
        enc0 if (enc := now.total_encode_time) is None else enc,
        fir0 if (fir := now.fir_count) is None else fir,
        pli0 if (pli := now.pli_count) is None else pli,
    )
    return totals, (
        None if pkt is None else pkt - pkt0 if pkt > pkt0 else 0.0 if pkt == pkt0 else None,
        None if byt is None else byt - byt0 if byt > byt0 else 0.0 if byt == byt0 else None,
        0.0 if nck == nck0 else None if nck is None or nck < nck0 else nck - nck0,
        0.0 if rtx == rtx0 else None if rtx is None or rtx < rtx0 else rtx - rtx0,
        None if frm is None else frm - frm0 if frm > frm0 else 0.0 if frm == frm0 else None,
        0.0 if key == key0 else None if key is None or key < key0 else key - key0,
        None if qp is None else qp - qp0 if qp > qp0 else 0.0 if qp == qp0 else None,
        None if enc is None else enc - enc0 if enc > enc0 else 0.0 if enc == enc0 else None,
        0.0 if fir == fir0 else None if fir is None or fir < fir0 else fir - fir0,
        0.0 if pli == pli0 else None if pli is None or pli < pli0 else pli - pli0,
    )
