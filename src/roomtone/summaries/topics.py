"""Where a talk changes its subject: TextTiling (Hearst, 1997) over sentences.

Between every two sentences stand two windows of what was said before and after. Where their words
are less alike than on either side, a new topic begins.
"""

import math

import numpy as np
from numpy.typing import NDArray

from roomtone.summaries.ranking import TermMatrix

WINDOW = 10
"""Sentences on each side of a gap: about a minute of talk."""
SENTENCES_PER_TOPIC = 18
MAX_TOPICS = 12
MAX_BANDS = 3_000
"""Longer talks are compared in bands of several sentences, to keep the work linear."""


def _dot(one: dict[int, float], other: dict[int, float]) -> float:
    small, large = (one, other) if len(one) < len(other) else (other, one)
    return sum(value * large.get(key, 0.0) for key, value in small.items())


def _alike(one: dict[int, float], other: dict[int, float]) -> float:
    size = math.sqrt(_dot(one, one) * _dot(other, other))
    return _dot(one, other) / size if size else 0.0


def _likeness(bands: list[dict[int, float]]) -> list[float]:
    """Of each gap: entry ``i`` is the gap before band ``i + 1``."""
    found: list[float] = []
    for gap in range(1, len(bands)):
        sides: list[dict[int, float]] = []
        for side in (bands[max(0, gap - WINDOW) : gap], bands[gap : gap + WINDOW]):
            total: dict[int, float] = {}
            for band in side:
                for key, value in band.items():
                    total[key] = total.get(key, 0.0) + value
            sides.append(total)
        found.append(_alike(sides[0], sides[1]))
    return found


def _depths(likeness: list[float]) -> list[float]:
    """How far each gap lies below the nearest peaks on its two sides."""
    depths: list[float] = []
    for gap, value in enumerate(likeness):
        left = right = value
        for other in reversed(likeness[:gap]):
            if other < left:
                break
            left = other
        for other in likeness[gap + 1 :]:
            if other < right:
                break
            right = other
        depths.append(left + right - 2 * value)
    return depths


def topic_of(matrix: TermMatrix) -> NDArray[np.int64]:
    """The number of the topic of each sentence, from 0, never falling."""
    height = matrix.height
    step = max(1, math.ceil(height / MAX_BANDS))
    band_of = np.arange(height, dtype=np.int64) // step
    count = int(band_of[-1]) + 1 if height else 0
    wanted = min(MAX_TOPICS, round(height / SENTENCES_PER_TOPIC))
    if wanted < 2:
        return np.zeros(height, np.int64)
    depths = _depths(_likeness(matrix.bands(band_of, count)))
    apart = max(WINDOW // 2, count // (wanted * 3))
    chosen: list[int] = []
    for gap in sorted(range(len(depths)), key=lambda each: (-depths[each], each)):
        if len(chosen) == wanted - 1 or depths[gap] <= 0:
            break
        start = gap + 1
        if apart <= start <= count - apart and all(abs(start - c) >= apart for c in chosen):
            chosen.append(start)
    starts = np.zeros(count, np.int64)
    starts[chosen] = 1
    topics: NDArray[np.int64] = np.cumsum(starts)[band_of]
    return topics
