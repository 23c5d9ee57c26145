"""Rounding at write: cumulative numbers are made of what is published, so both come from here.

MOS two decimals, frame rates one, seconds to the microsecond, counts whole.
"""


def count(value: float | None) -> int | None:
    """A counter's difference; None stays None."""
    return None if value is None else int(value)


def whole(value: float | None) -> int | None:
    """The nearest whole number (half to even), for milliseconds and pixels."""
    return None if value is None else round(value)


def micro(value: float | None) -> float | None:
    """Six decimals: seconds to the microsecond, and shares."""
    return None if value is None else round(value, 6)


def score(value: float | None) -> float | None:
    """Two decimals."""
    return None if value is None else round(value, 2)


def fps_of(frames: float | None, span_ms: float | None) -> float | None:
    """Frames a second over an interval, one decimal; None where either is not known."""
    if frames is None or span_ms is None or span_ms <= 0:
        return None
    return round(1000 * frames / span_ms, 1)
