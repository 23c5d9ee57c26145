"""Audio MOS: the E-model of ITU-T G.107.2 (fullband), conversational, for WebRTC codecs.

Theory of operation. The E-model starts from a perfect call and subtracts what harms it, on a scale
called R (fullband: 0 to 148), then bends R into a mean opinion score of 1 to 4.5::

    Ta  = 40 + RTT/2 + jitter buffer          mouth to ear, ms
    R   = 148 - 1.48 * Idd(Ta) - Ie_eff(codec, loss)
    MOS = curve(R / 1.48)

Two more models are there for comparison: ``nb`` (G.107, narrowband, R 0 to 93.2: what VoIP tools
show) and ``legacy`` (the rule of thumb of PingPlotter and others: 2.5 R a percent of loss, the
round trip taken for the one-way delay, blind to the codec).

Warts. The curve dips below 1 for R under 6.5 and is cut there, as G.107 does. The Opus impairments
at 6 to 13 kbit/s were published on the narrowband and wideband scales and are moved onto the
fullband one by adding 54.8 and 19. Nothing is published for Opus above 40 kbit/s, so 4.40 is the
best that Opus gets. The narrowband model knows no wideband codec: there, whatever is better than
G.711 counts as G.711.

Sources: ITU-T G.107, G.107.2, G.113 App. I, IV, V; Opus Ie and Bpl from Alahmadi, Pocta, Melvin,
ACM TOMM 17(4) 2021, doi 10.1145/3458751; the fullband form as in rtpengine's ``mos_calc_fb``.
"""

import math
from bisect import bisect_right
from functools import lru_cache
from math import inf
from typing import Literal

from msgspec import Struct

MODEL = "g1072-opus-1"
"""Stands beside every stored score; scores of two models are never mixed in one aggregate."""
NB_MODEL = "g107-nb-1"
LEGACY_MODEL = "legacy-pingplotter-1"

Model = Literal["fb", "nb", "legacy"]
MODEL_NAMES: dict[Model, str] = {"fb": MODEL, "nb": NB_MODEL, "legacy": LEGACY_MODEL}

MAX_RTT_MS = 30_000.0
"""A longer round trip is a broken measurement, not a slow path."""
MAX_JITTER_MS = 10_000.0
MAX_JITTER_BUFFER_MS = 30_000.0
DEFAULT_BITRATE_BPS = 32_000.0
"""What browsers let Opus speech run at when nobody says otherwise."""

R_FULLBAND = 148.0
R_NARROWBAND = 93.2
FULLBAND_STRETCH = 1.48
"""G.107.2 stretches both the delay impairment and the R of the MOS curve by 148/100."""
NARROWBAND_OFFSET = R_FULLBAND - R_NARROWBAND
WIDEBAND_OFFSET = 19.0
"""148 - 129: the distance between the fullband and the wideband maximum."""
FIXED_DELAY_MS = 40.0
"""20 packet + 6.5 Opus look-ahead (RFC 6716) + 13.5 capture and playout."""


class CodecCost(Struct, frozen=True):
    """What a codec costs: clean (``ie``), at the very worst (``imax``), and how it bears loss.

    ``ie`` and ``imax`` are counted from ``offset``, as G.113 gives them on a codec's own scale.
    """

    offset: float
    ie: float
    imax: float
    bpl: float
    red: bool = False
    """Whether the name itself says that packets repeat earlier ones (RFC 2198)."""


PCMU = CodecCost(offset=NARROWBAND_OFFSET, ie=0.0, imax=95.0, bpl=25.1)  # G.711 with concealment
G722 = CodecCost(offset=WIDEBAND_OFFSET, ie=13.0, imax=95.0, bpl=10.0)  # Bpl: NetEq's concealment
OPUS_IMAX = 132.0
OPUS_BPL = 10.0

OPUS_KBPS = (6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 19, 22, 25, 28, 31, 34, 37, 40)
OPUS_IE = (
    *(77.80, 76.06, 70.82, 66.54, 47.41, 42.30, 38.96, 38.06, 34.12, 30.16),
    *(23.81, 20.22, 20.21, 18.48, 16.83, 14.76, 12.08, 10.67),
)


class AudioScore(Struct, frozen=True):
    """A score and how it came about: ``r = r_max - idd - ie_eff``, all on the model's own scale.

    ``basis``: ``CQ`` (conversational: the delay counts) or ``LQ`` (listening: no round trip was
    known, the delay term is 0 and ``ta_ms`` is None). ``ta_ms`` is mouth to ear; for the model
    ``legacy`` it is that model's "effective latency".
    """

    r: float
    mos: float
    basis: Literal["CQ", "LQ"]
    ta_ms: float | None
    idd: float
    ie_eff: float


def opus_ie(bitrate_bps: float) -> float:
    """Ie of Opus, fullband, at a target bitrate; straight lines between the published points."""
    kbps = bitrate_bps / 1000
    at = bisect_right(OPUS_KBPS, kbps)
    if at == 0:
        return OPUS_IE[0]
    if at == len(OPUS_KBPS):
        return OPUS_IE[-1]
    low, high = OPUS_KBPS[at - 1], OPUS_KBPS[at]
    share = (kbps - low) / (high - low)
    return OPUS_IE[at - 1] + (OPUS_IE[at] - OPUS_IE[at - 1]) * share


@lru_cache(maxsize=1024)
def codec_of(name: str, bitrate_bps: float = DEFAULT_BITRATE_BPS) -> CodecCost:
    """The codec behind a name or MIME type (``opus``, ``audio/PCMU``, ``audio/red``).

    Any codec that is not known here counts as Opus at 32 kbit/s: its own bitrate would say nothing
    on Opus' table.
    """
    bare = name.rpartition("/")[2].lower()
    if bare in ("pcmu", "pcma"):
        return PCMU
    if bare == "g722":
        return G722
    known = bare in ("opus", "red")
    ie = opus_ie(bitrate_bps if known else DEFAULT_BITRATE_BPS)
    return CodecCost(0.0, ie, OPUS_IMAX, OPUS_BPL, bare == "red")


def mos_of_r(r: float) -> float:
    """The curve of G.107 Annex B: R of 0 to 100 → MOS of 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r))


def delay_impairment(ta_ms: float) -> float:
    """Idd of G.107 for a mouth to ear delay in ms (0 up to 100 ms), on the 0 to 100 scale."""
    if ta_ms <= 100:
        return 0.0
    x = math.log2(ta_ms / 100)
    steep = math.pow(1 + math.pow(x, 6), 1 / 6)
    gentle = math.pow(1 + math.pow(x / 3, 6), 1 / 6)
    # Just above 100 ms the two cancel to within rounding; never let that become a bonus.
    return max(0.0, 25 * (steep - 3 * gentle + 2))


def loss_impairment(
    loss_percent: float, ie: float, imax: float, bpl: float, burst_ratio: float
) -> float:
    """Ie,eff of G.107: the codec's own impairment, driven towards ``imax`` by the loss."""
    if loss_percent <= 0:
        return ie
    return ie + (imax - ie) * loss_percent / (loss_percent / burst_ratio + bpl)


def repair_factor(fec: bool, red: bool) -> float:
    """How much better a stream bears loss: in-band FEC 1.5, RED 2, both 3 (LiveKit's weights)."""
    return (1.5 if fec else 1.0) * (2.0 if red else 1.0)


def score_audio(
    loss_percent: float | None,
    rtt_ms: float | None = None,
    jitter_ms: float | None = None,
    jitter_buffer_ms: float | None = None,
    codec: str = "opus",
    bitrate_bps: float | None = None,
    *,
    fec: bool = False,
    red: bool = False,
    burst_ratio: float | None = None,
    concealment: bool = False,
    model: Model = "fb",
) -> AudioScore | None:
    """Score one interval of one audio stream; None when there is no loss figure to go by.

    ``loss_percent``: lost packets, or with ``concealment`` audibly concealed samples, of which the
    repair is already a part. ``rtt_ms``: both legs through the SFU where both are known; None gives
    a listening score. ``jitter_buffer_ms``: None is estimated as 20 + 2 * jitter.
    ``bitrate_bps``: the target, never the measured one (silence is not damage); None is 32000.
    ``burst_ratio``: G.107 BurstR, kept within 1 to 2; None is 1 (random loss).
    A value that cannot be (negative, not finite, round trip over 30 s, jitter over 10 s) counts as
    not known. Loss over 100 counts as 100.
    """
    # Chained comparisons are False for NaN, so they refuse it together with what is out of range.
    if loss_percent is None or not 0 <= loss_percent < inf:
        return None
    loss = loss_percent if loss_percent < 100 else 100.0
    if rtt_ms is not None and not 0 <= rtt_ms <= MAX_RTT_MS:
        rtt_ms = None
    if jitter_ms is None or not 0 <= jitter_ms <= MAX_JITTER_MS:
        jitter_ms = 0.0
    if jitter_buffer_ms is None or not 0 <= jitter_buffer_ms <= MAX_JITTER_BUFFER_MS:
        jitter_buffer_ms = 20 + 2 * jitter_ms
    if bitrate_bps is None or not 0 < bitrate_bps < inf:
        bitrate_bps = DEFAULT_BITRATE_BPS
    burst = 1.0 if burst_ratio is None or not burst_ratio > 1 else min(burst_ratio, 2.0)
    if model == "legacy":
        return _legacy(loss, rtt_ms, jitter_ms)
    cost = codec_of(codec, bitrate_bps)
    bpl = cost.bpl if concealment else cost.bpl * repair_factor(fec, red or cost.red)
    ta_ms = None if rtt_ms is None else FIXED_DELAY_MS + rtt_ms / 2 + jitter_buffer_ms
    if model == "nb":
        return _narrowband(loss, ta_ms, cost, bpl, burst)
    return _fullband(loss, ta_ms, cost, bpl, burst)


def _fullband(
    loss: float, ta_ms: float | None, cost: CodecCost, bpl: float, burst: float
) -> AudioScore:
    ie_eff = cost.offset + loss_impairment(loss, cost.ie, cost.imax, bpl, burst)
    idd = 0.0 if ta_ms is None else FULLBAND_STRETCH * delay_impairment(ta_ms)
    r = R_FULLBAND - idd - ie_eff
    mos = mos_of_r(r / FULLBAND_STRETCH)
    return AudioScore(r, mos, "LQ" if ta_ms is None else "CQ", ta_ms, idd, ie_eff)


def _narrowband(
    loss: float, ta_ms: float | None, cost: CodecCost, bpl: float, burst: float
) -> AudioScore:
    ie = max(0.0, cost.offset + cost.ie - NARROWBAND_OFFSET)
    ie_eff = loss_impairment(loss, ie, PCMU.imax, bpl, burst)
    idd = 0.0 if ta_ms is None else delay_impairment(ta_ms)
    r = R_NARROWBAND - idd - ie_eff
    return AudioScore(r, mos_of_r(r), "LQ" if ta_ms is None else "CQ", ta_ms, idd, ie_eff)


def _legacy(loss: float, rtt_ms: float | None, jitter_ms: float) -> AudioScore:
    latency = None if rtt_ms is None else rtt_ms + 2 * jitter_ms + 10
    idd = 0.0
    if latency is not None:
        idd = latency / 40 if latency < 160 else (latency - 120) / 10
    ie_eff = 2.5 * loss
    r = R_NARROWBAND - idd - ie_eff
    return AudioScore(r, mos_of_r(r), "LQ" if latency is None else "CQ", latency, idd, ie_eff)
