"""Video score of 1 to 4.5, for cameras and shared screens: a score, not a promise.

Theory of operation. What a viewer sees is bits per pixel, at the size the viewer needs, drawn
often enough, without standing still::

    beta = g * b / (fps * px^0.75 * 230400^0.25)
    V    = clamp(5.36 + 0.56 * ln(beta), 1, 5) - 1.9 * ln(fe / fps), then clamped to 1 .. 4.5
    MOS  = 1 + (V - 1) * exp(-2 * F)

``g`` is the codec's thrift, ``b`` media bit/s, ``px`` and ``fe`` the larger of what was expected
and what came, ``F`` the frozen share of the interval. Bits needed grow with pixels to the power of
0.75; the rule is anchored at 640x360. The shape is rtcscore's (MIT); the power of 0.75, the freeze
factor and the ceiling of 4.5 (the audio scale's) are Roomtone's, and delay is left to the audio
score. Its level is not calibrated on ratings.

A shared screen lives by other rules: a still page costs no bits and no frames, so its coding term
comes from the quantiser (QP) against the thresholds of libwebrtc's quality scaler, and few frames
are held against it only while the picture moves.
"""

from math import exp, log
from typing import TypeGuard

from msgspec import Struct

MODEL = "rtcscore-px75-1"
"""Stands beside every stored score; scores of two models are never mixed in one aggregate."""

ABSURD = 1e12
"""No size, rate or count of one interval of one stream comes near it."""
ANCHOR_PX = 640 * 360
SOURCE_PX_CAP = 1280 * 720
MAX_EXPECTED_FPS = 30.0
SCREENSHARE_FPS = 5.0
SCREENSHARE_CODING = 4.2
"""The coding term of a shared screen whose encoder does not tell its QP."""
STILL_BITS_PER_PX_S = 0.1
"""5 fps at 0.02 bit a pixel: a screen that sends less, and is not starved, is not moving."""
SILENT_SCREEN_S = 10.0
"""Browsers repeat a still screen's frame about once a second: this long without one is failure."""

THRIFT = {"vp9": 1 / 0.85, "av1": 1 / 0.7, "av1x": 1 / 0.7, "h265": 1 / 0.7, "hevc": 1 / 0.7}
"""How much more a bit is worth than in VP8 and H.264 (LiveKit's client bitrate factors)."""


class QpRange(Struct, frozen=True):
    """libwebrtc's quality scaler: at ``low`` all is well, at ``high`` it shrinks the picture."""

    low: float
    high: float
    top: float


QP_RANGES = {
    "vp8": QpRange(29, 95, 127),
    "h264": QpRange(24, 37, 51),
    "vp9": QpRange(149, 205, 255),
    "av1": QpRange(145, 205, 255),
    "av1x": QpRange(145, 205, 255),
}


def _bare(codec: str) -> str:
    return codec.rpartition("/")[2].lower()


def _known(x: float | None) -> TypeGuard[float]:
    """Whether a size, rate or share can be. False for NaN: every comparison with it is."""
    return x is not None and 0 <= x <= ABSURD


def _measure(x: float | None) -> float:
    """The value where it can be, else 0."""
    return x if _known(x) else 0.0


def expected_px(display_px: float | None = None, source_px: float | None = None) -> float:
    """The pixels a viewer should get: the declared display size, else the source's, else 640x360.

    ``display_px``: width * height as shown, in device pixels. ``source_px``: the producer's source
    or highest active layer; capped at 1280x720, since few tiles show more.
    """
    display = _measure(display_px)
    if display > 0:
        return display
    source = _measure(source_px)
    return min(source, SOURCE_PX_CAP) if source > 0 else ANCHOR_PX


def expected_fps(source_fps: float | None = None) -> float:
    """The frame rate a viewer should get: the camera's, at most 30; 30 when not known."""
    source = _measure(source_fps)
    return min(source, MAX_EXPECTED_FPS) if source > 0 else MAX_EXPECTED_FPS


def _drawn(coding: float, expected: float, fps: float, frozen: float | None) -> float:
    """Coding quality, less what a low frame rate and freezes take away."""
    v = coding - 1.9 * log(max(expected, fps) / fps)
    v = min(max(v, 1.0), 4.5)
    return 1 + (v - 1) * exp(-2 * min(_measure(frozen), 1.0))


def score_video(
    bitrate_bps: float | None,
    width: float | None,
    height: float | None,
    fps: float | None,
    codec: str = "vp8",
    exp_px: float | None = None,
    exp_fps: float | None = None,
    frozen: float | None = None,
) -> float | None:
    """Score one interval of a camera; None when frame rate or bitrate is not known.

    ``bitrate_bps``: media only, without retransmission and FEC. ``fps``: frames decoded (or
    encoded) a second over the interval. ``exp_px``, ``exp_fps``: see :func:`expected_px` and
    :func:`expected_fps`; None expects no more than what came. ``frozen``: share of the interval, 0
    to 1. Under one frame a second, or without bits, the score is 1. A value that cannot be
    (negative, not finite, over 1e12) counts as not known.
    """
    if not _known(fps):
        return None
    if fps < 1:
        return 1.0
    if not _known(bitrate_bps):
        return None
    if bitrate_bps == 0:
        return 1.0
    px = max(_measure(exp_px), _measure(width) * _measure(height)) or ANCHOR_PX
    bits = THRIFT.get(_bare(codec), 1.0) * bitrate_bps
    ln_beta = log(bits) - log(fps) - 0.75 * log(px) - 0.25 * log(ANCHOR_PX)
    coding = min(max(5.36 + 0.56 * ln_beta, 1.0), 5.0)
    return _drawn(coding, min(_measure(exp_fps), MAX_EXPECTED_FPS), fps, frozen)


def coding_of_qp(codec: str, qp: float | None) -> float:
    """The coding term from the mean QP of the interval (d qpSum / d frames); 4.2 when not known."""
    scale = QP_RANGES.get(_bare(codec))
    if scale is None or not _known(qp):
        return SCREENSHARE_CODING
    if qp <= scale.low:
        return 4.3
    if qp <= scale.high:
        return 4.3 - 1.8 * (qp - scale.low) / (scale.high - scale.low)
    return 2.5 - (min(qp, scale.top) - scale.high) / (scale.top - scale.high)


def is_still(
    bitrate_bps: float | None,
    width: float | None,
    height: float | None,
    codec: str,
    qp: float | None,
) -> bool:
    """Whether a shared screen rests: few bits for its size, and not for want of bits.

    A starved encoder also sends little, but its QP is at or over the scaler's high mark.
    """
    scale = QP_RANGES.get(_bare(codec))
    if scale is not None and _known(qp) and qp >= scale.high:
        return False
    px = _measure(width) * _measure(height) or ANCHOR_PX
    return _measure(bitrate_bps) < STILL_BITS_PER_PX_S * px


def score_screenshare(
    bitrate_bps: float | None,
    width: float | None,
    height: float | None,
    fps: float | None,
    codec: str = "vp8",
    qp: float | None = None,
    exp_fps: float | None = None,
    frozen: float | None = None,
    silent_s: float | None = None,
) -> float | None:
    """Score one interval of a shared screen; None without a frame rate, or without a frame.

    ``qp``: mean QP of the interval. ``exp_fps``: the source's rate where known; 5 is the most that
    is expected, and the default. ``silent_s``: seconds since the last frame over a live transport:
    from 10 on the score is 1; before that a screen without frames is just still, and not scored.
    """
    if not _known(fps):
        return None
    if fps == 0:
        return 1.0 if _measure(silent_s) >= SILENT_SCREEN_S else None
    expected = min(_measure(exp_fps) or SCREENSHARE_FPS, SCREENSHARE_FPS)
    if is_still(bitrate_bps, width, height, codec, qp):
        expected = fps
    return _drawn(coding_of_qp(codec, qp), expected, fps, frozen)
