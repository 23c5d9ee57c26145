"""What the finders share: the talk with its ranking, and which sentences can stand alone."""

from collections.abc import Iterator

from msgspec import Struct

from roomtone.summaries.cues import ALARM, DANGLING, EMPHASIS, FIGURES, RECAP, SMALL_TALK
from roomtone.summaries.sentences import Sentence, Talk

_SHORTEST = 5
_GOOD_LENGTH = 14
_LONGEST_GOOD = 32
_TOLD_BEFORE = 9


class Found(Struct, frozen=True, kw_only=True):
    """Something for a section: sentences by index, the first one being what it is about."""

    lines: tuple[int, ...]
    score: float
    owner: str | None = None


class Hearing(Struct, frozen=True, kw_only=True):
    """A talk, how central each of its sentences is (0 … 1), and each one's topic."""

    talk: Talk
    centrality: tuple[float, ...]
    topics: tuple[int, ...]
    recaps: frozenset[int] = frozenset()
    """Sentences that the speakers themselves mark as what matters."""

    def others_after(self, index: int, within: int) -> Iterator[Sentence]:
        """What others say in the ``within`` sentences after one."""
        voice = self.talk.sentences[index].voice
        for sentence in self.talk.sentences[index + 1 : index + 1 + within]:
            if sentence.voice != voice:
                yield sentence

    def weight(self, sentence: Sentence) -> float:
        """How much a sentence says to somebody who was not there: centrality, length, footing."""
        weight = self.centrality[sentence.index]
        if sentence.words > _LONGEST_GOOD:
            weight *= _LONGEST_GOOD / sentence.words
        else:
            # Short vectors are alike by chance: what is said in six words seldom carries a meeting.
            weight *= min(1.0, sentence.words / _GOOD_LENGTH) ** 1.5
        if self.talk.language == "en":
            if DANGLING.match(sentence.plain):
                weight *= 0.55
            if EMPHASIS.search(sentence.plain):
                weight *= 1.25
            if FIGURES.search(sentence.plain):
                weight *= 1.15
            if sentence.index in self.recaps:
                weight *= 1.8
        return weight

    def can_stand(self, sentence: Sentence) -> bool:
        """A whole statement with content, not a greeting, not a fragment."""
        if sentence.asks or not sentence.whole:
            return False
        if self.talk.language != "en":
            return bool(sentence.terms)
        return (
            sentence.words >= _SHORTEST
            and len(set(sentence.terms)) >= 2
            and not SMALL_TALK.search(sentence.plain)
        )

    def earlier(self, index: int, back: int = 3) -> Sentence | None:
        """The nearest sentence before one that says what it is about."""
        for sentence in reversed(self.talk.sentences[max(0, index - back) : index]):
            if len(sentence.terms) >= 2 and sentence.words >= _SHORTEST:
                return sentence
        return None


def recaps_of(talk: Talk) -> frozenset[int]:
    """What follows "to sum up", and what somebody else called urgent right after it."""
    found: set[int] = set()
    for sentence in talk.sentences if talk.language == "en" else ():
        if RECAP.search(sentence.plain):
            for following in talk.sentences[sentence.index : sentence.index + 5]:
                if following.voice != sentence.voice:
                    break
                found.add(following.index)
        if ALARM.search(sentence.plain):
            told = talk.sentences[max(0, sentence.index - _TOLD_BEFORE) : sentence.index]
            found.update(each.index for each in told if each.voice != sentence.voice)
    return frozenset(found)


def short_names(names: tuple[str, ...]) -> dict[str, str]:
    """Full name to what people call each other: the first name, where it is one and only theirs."""
    firsts: dict[str, list[str]] = {}
    for name in names:
        parts = [part for part in name.split() if not part.endswith(".")]
        first = parts[0] if len(parts) > 1 and not parts[0].endswith(",") else name
        firsts.setdefault(first, []).append(name)
    return {
        name: first if len(sharing) == 1 else name
        for first, sharing in firsts.items()
        for name in sharing
    }
