"""Which sentences carry a talk: LexRank without its matrix.

LexRank (Erkan and Radev, 2004) calls a sentence central if it resembles many central sentences:
the stationary distribution of a walk along cosine similarities of tf-idf vectors. The similarities
of 4,000 sentences are 16 million numbers; but a step of the walk needs only ``X (Xᵀ p)``, X being
the sparse sentence-by-term matrix. So memory and time grow with the words, not with their square.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAMPING = 0.85
TOLERANCE = 1e-9
MAX_STEPS = 100

Floats = NDArray[np.float64]


def _sums(places: NDArray[Any], values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(places, values, size), np.float64)


class TermMatrix:
    """Sentences by terms, tf-idf, each row of length 1 (or 0 where a sentence has no terms)."""

    def __init__(self, sentences: Sequence[Sequence[str]]) -> None:
        vocabulary: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        for row, terms in enumerate(sentences):
            for term in terms:
                rows.append(row)
                columns.append(vocabulary.setdefault(term, len(vocabulary)))
        self.height, self.width = len(sentences), len(vocabulary)
        pairs = np.asarray(rows, np.int64) * max(self.width, 1) + np.asarray(columns, np.int64)
        unique, counts = np.unique(pairs, return_counts=True)
        self._rows: NDArray[Any] = unique // max(self.width, 1)
        self._columns: NDArray[Any] = unique % max(self.width, 1)
        found_in = np.bincount(self._columns, minlength=self.width)
        idf = np.log1p(self.height / np.maximum(found_in, 1))
        values = counts * idf[self._columns]
        lengths = np.sqrt(np.bincount(self._rows, values**2, minlength=self.height))
        self._values: Floats = values / np.maximum(lengths[self._rows], 1e-12)

    def squares(self) -> Floats:
        """Each row times itself: 1, or 0 for a sentence without terms."""
        return _sums(self._rows, self._values**2, self.height)

    def by_terms(self, weights: Floats) -> Floats:
        """``Xᵀ w``."""
        return _sums(self._columns, self._values * weights[self._rows], self.width)

    def by_sentences(self, weights: Floats) -> Floats:
        """``X w``."""
        return _sums(self._rows, self._values * weights[self._columns], self.height)

    def bands(self, band_of: NDArray[Any], count: int) -> list[dict[int, float]]:
        """The summed vectors of runs of sentences, sparse; ``band_of``: each sentence's run."""
        keys = band_of[self._rows] * max(self.width, 1) + self._columns
        unique, where = np.unique(keys, return_inverse=True)
        sums = np.bincount(where, self._values, len(unique))
        found: list[dict[int, float]] = [{} for _ in range(count)]
        for key, value in zip(unique.tolist(), sums.tolist(), strict=True):
            found[key // self.width][key % self.width] = value
        return found


def centrality(matrix: TermMatrix) -> Floats:
    """LexRank of each sentence, scaled to 0 … 1 (the most central one)."""
    height = matrix.height
    if height == 0:
        return np.zeros(0)
    # A sentence resembles itself perfectly; that says nothing, so the diagonal is taken out.
    own = matrix.squares()
    degrees = np.maximum(matrix.by_sentences(matrix.by_terms(np.ones(height))) - own, 0.0)
    alone = degrees < TOLERANCE
    rank = np.full(height, 1.0 / height)
    for _ in range(MAX_STEPS):
        share = np.where(alone, 0.0, rank / np.maximum(degrees, TOLERANCE))
        walked = matrix.by_sentences(matrix.by_terms(share)) - own * share
        lost = rank[alone].sum() / height
        following = (1.0 - DAMPING) / height + DAMPING * (walked + lost)
        moved = float(np.abs(following - rank).sum())
        rank = following
        if moved < TOLERANCE:
            break
    top = float(rank.max())
    return rank / top if top > 0 else rank
