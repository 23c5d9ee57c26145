"""What goes into a summary, and how much of it the word limit lets through."""

from collections.abc import Iterable

from msgspec import Struct

from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.kinds import OVERVIEW, POINTS, Kind, Part
from roomtone.summaries.sentences import Sentence

_POINTS_PER_TOPIC = 3
_ALIKE = 0.6
"""Sentences that share more of their terms say the same thing."""


class Chosen(Struct, frozen=True, kw_only=True):
    """A section before it is written: ``found`` in the order of importance."""

    heading: str
    found: tuple[Found, ...]
    weight: float
    fade: float
    """How fast further items lose weight: 0 would let one section take all the room."""


def _alike(one: Sentence, other: Sentence) -> bool:
    first, second = set(one.terms), set(other.terms)
    smaller = min(len(first), len(second))
    return smaller > 0 and len(first & second) > _ALIKE * smaller


class _Claims:
    """Each sentence says its thing once in a summary."""

    def __init__(self, sentences: tuple[Sentence, ...]) -> None:
        self._sentences = sentences
        self._taken: set[int] = set()

    def free(self, found: Found) -> bool:
        return not self._taken.intersection(found.lines)

    def take(self, found: Found) -> None:
        self._taken.update(found.lines)

    def repeats(self, index: int) -> bool:
        sentence = self._sentences[index]
        return any(_alike(sentence, self._sentences[each]) for each in self._taken)


def _said(found: Found, kept: list[Found], hearing: Hearing) -> bool:
    """Whether a section has this already, in other words."""
    sentences = hearing.talk.sentences
    return len(found.lines) == 1 and any(
        _alike(sentences[found.lines[0]], sentences[index]) for each in kept for index in each.lines
    )


def _part(part: Part, hearing: Hearing, claims: _Claims) -> Chosen:
    kept: list[Found] = []
    for found in sorted(part.find(hearing), key=lambda each: (-each.score, each.lines)):
        if len(kept) == part.most:
            break
        if claims.free(found) and not (part.unique and _said(found, kept, hearing)):
            claims.take(found)
            kept.append(found)
    return Chosen(heading=part.heading, found=tuple(kept), weight=part.weight, fade=part.fade)


def _statements(hearing: Hearing) -> list[Found]:
    fit = [each for each in hearing.talk.sentences if hearing.can_stand(each)]
    # A talk of nothing but scraps still says something: better its scraps than an empty page.
    usable = fit or [each for each in hearing.talk.sentences if each.terms]
    usable = usable or list(hearing.talk.sentences)
    found = [Found(lines=(each.index,), score=hearing.weight(each)) for each in usable]
    return sorted(found, key=lambda each: (-each.score, each.lines))


def _overview(
    statements: Iterable[Found], hearing: Hearing, most: int, claims: _Claims
) -> list[Found]:
    """The sentences that carry the meeting, not all from one of its topics."""
    kept: list[Found] = []
    topics: dict[int, int] = {}
    for found in statements:
        topic = hearing.topics[found.lines[0]]
        if len(kept) == most or not claims.free(found) or topics.get(topic, 0) > 1:
            continue
        if claims.repeats(found.lines[0]):
            continue
        claims.take(found)
        topics[topic] = topics.get(topic, 0) + 1
        kept.append(found)
    return kept


def _points(statements: Iterable[Found], hearing: Hearing, claims: _Claims) -> list[Found]:
    """Of every topic its best sentences; the best of each before the second best of any."""
    counts: dict[int, int] = {}
    kept: list[Found] = []
    for found in statements:
        topic = hearing.topics[found.lines[0]]
        place = counts.get(topic, 0)
        if place == _POINTS_PER_TOPIC or not claims.free(found) or claims.repeats(found.lines[0]):
            continue
        counts[topic] = place + 1
        claims.take(found)
        kept.append(Found(lines=found.lines, score=found.score - place))
    return sorted(kept, key=lambda each: (-each.score, each.lines))


def choose(hearing: Hearing, kind: Kind) -> list[Chosen]:
    """The sections of a kind in the order of reading, empty ones too."""
    claims = _Claims(hearing.talk.sentences)
    english = hearing.talk.language == "en"
    by_heading = {part.heading: part for part in kind.parts}
    statements = _statements(hearing)
    opening: list[Found] = []
    if kind.overview_first:
        opening = _overview(statements, hearing, kind.overview, claims)
    parts = {
        heading: _part(by_heading[heading], hearing, claims)
        for heading in kind.first_claim
        if english
    }
    if not kind.overview_first:
        opening = _overview(statements, hearing, kind.overview, claims)
    points = _points(statements, hearing, claims)
    found = [
        Chosen(heading=OVERVIEW, found=tuple(opening), weight=3.5, fade=0.3),
        Chosen(heading=POINTS, found=tuple(points), weight=kind.points_weight, fade=0.15),
    ]
    return found + [parts[part.heading] for part in kind.parts if part.heading in parts]
