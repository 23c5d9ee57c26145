"""The score of the official RealtimeKit web client, 0 to 1, on which 1 is best.

Served instead of the MOS with the setting ``quality_scale = vendor``. Inputs are differences to the
previous reading; jitter is in seconds. What is missing costs nothing. Source: contract 6.4.
"""

from math import floor, inf

LOW_WIDTH_CAMERA_PX = 240
LOW_WIDTH_SCREEN_PX = 720
LAGGING_CAMERA_FPS = 8
LAGGING_SCREEN_FPS = 3


def part(x: float | None, weight: float, low: float, high: float) -> float:
    """``weight`` while |x| is at most ``low``, 0 from ``high`` on, a straight line between."""
    if x is None or x != x:  # NaN: what 0/0 packets gives
        return weight
    return (1 - max(min(high, abs(x)) - low, 0) / (high - low)) * weight


def producer_loss_percent(lost: float | None, sent: float | None) -> float | None:
    """lost * 100 / sent; None when nothing was sent or either is not known."""
    if lost is None or sent is None or not 0 < sent < inf:
        return None
    return max(lost, 0) * 100 / sent


def consumer_loss_percent(lost: float | None, received: float | None) -> float | None:
    """lost * 100 / (lost + received); None when nothing was expected or either is not known."""
    if lost is None or received is None:
        return None
    return producer_loss_percent(lost, max(lost, 0) + received)


def _jitter_part(jitter_s: float | None, weight: float) -> float:
    return part(jitter_s, weight, 0.02, 0.03)


def audio_producer_score(loss_percent: float | None, jitter_s: float | None) -> float:
    """0.7 for the loss (none at 10 %), 0.3 for the jitter (none at 30 ms)."""
    return part(loss_percent, 0.7, 0, 10) + _jitter_part(jitter_s, 0.3)


def audio_consumer_score(
    loss_percent: float | None, jitter_s: float | None, concealment_events: float | None
) -> float:
    """0.5 for the loss, 0.3 for the jitter, 0.2 for the concealment events (none at 3)."""
    concealed = part(concealment_events, 0.2, 0, 3)
    return concealed + part(loss_percent, 0.5, 0, 10) + _jitter_part(jitter_s, 0.3)


def video_score(
    loss_percent: float | None,
    jitter_s: float | None,
    width: float | None,
    fps: float | None,
    frames: float | None,
    *,
    screenshare: bool = False,
) -> float:
    """0.8 for the picture, 0.2 for jitter times loss, rounded to two decimals.

    ``frames``: encoded (producer) or decoded (consumer) in the interval; 0 is stuck.
    """
    picture = 0.8
    if width is not None and width < (LOW_WIDTH_SCREEN_PX if screenshare else LOW_WIDTH_CAMERA_PX):
        picture *= 0.85
    if fps is not None and fps < (LAGGING_SCREEN_FPS if screenshare else LAGGING_CAMERA_FPS):
        picture *= 0.7
    if frames is not None and frames == 0:
        picture *= 0.5
    network = 0.2 * _jitter_part(jitter_s, 1) * part(loss_percent, 1, 0, 10)
    return floor((picture + network) * 100 + 0.5) / 100  # JavaScript's Math.round
