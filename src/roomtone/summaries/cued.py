"""Sections that listen for turns of phrase: needs, worries, definitions, findings and the like."""

import re

from roomtone.summaries import cue_sections, cues
from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.sentences import Sentence

_SELLS = re.compile(
    r"\b(?:i sent you|we can lend|send you|ship|our (?:product|platform|customers|engineers?|team)"
    r"|solutions? engineer|the offer|revised offer|we could do it as|free of charge|demo"
    r"|onboarding"
    r"|last time we talked|most people take|for (?:you|your)|would you want|do you use)\b"
)
_BUYS = re.compile(
    r"\b(?:we (?:need|use|have|had|calculated|deliver|want|don't)|our (?:budget|accountant"
    r"|drivers|"
    r"people|system|side)|in the budget|other offer|to be honest|it's too|my (?:people|team|boss"
    r"|brother)"
    r"|i'd like to see|does it|do we have to|i have (?:people|four))\b"
)


def sides(hearing: Hearing) -> frozenset[int]:
    """The voices that sell (or serve), told by their phrases; empty where nothing tells."""
    scores: dict[int, int] = {}
    for sentence in hearing.talk.sentences:
        score = len(_SELLS.findall(sentence.plain)) - len(_BUYS.findall(sentence.plain))
        scores[sentence.voice] = scores.get(sentence.voice, 0) + score
    selling = frozenset(voice for voice, score in scores.items() if score > 0)
    return selling if len(selling) < len(scores) else frozenset()


def find_cued(
    hearing: Hearing, pattern: re.Pattern[str], without: frozenset[int] = frozenset()
) -> list[Found]:
    """Statements with a cue, the more central the better; not those of the voices ``without``."""
    found: list[Found] = []
    for sentence in hearing.talk.sentences:
        if sentence.voice in without or not hearing.can_stand(sentence):
            continue
        cued = len({match.group().strip() for match in pattern.finditer(sentence.plain)})
        if cued:
            found.append(
                Found(lines=(sentence.index,), score=0.3 * min(cued, 3) + hearing.weight(sentence))
            )
    return found


def find_definitions(hearing: Hearing, pattern: re.Pattern[str]) -> list[Found]:
    """As :func:`find_cued`, with the sentence before where "this" or "it" is what is defined."""
    found: list[Found] = []
    for each in find_cued(hearing, pattern):
        index = each.lines[0]
        lines = each.lines
        if cues.DANGLING.match(hearing.talk.sentences[index].plain):
            before = hearing.earlier(index, back=1)
            if before is not None:
                lines = (before.index, index)
        found.append(Found(lines=lines, score=each.score))
    return found


def find_requests(hearing: Hearing, pattern: re.Pattern[str]) -> list[Found]:
    """As :func:`find_cued`, and questions count too: a change is often asked for as one."""
    return [
        Found(lines=(sentence.index,), score=0.6 + hearing.weight(sentence))
        for sentence in hearing.talk.sentences
        if pattern.search(sentence.plain)
        and sentence.whole
        and sentence.words >= 5
        and len(sentence.terms) >= 2
        and not cues.SMALL_TALK.search(sentence.plain)
        and not cues.NO_REQUEST.search(sentence.plain[:30])
    ]


def candidate(hearing: Hearing) -> int | None:
    """Whom an interview is with: who says most in reply to questions."""
    said: dict[int, int] = {}
    asking: int | None = None
    for sentence in hearing.talk.sentences:
        if sentence.asks:
            asking = sentence.voice
        elif asking is not None and sentence.voice != asking:
            said[sentence.voice] = said.get(sentence.voice, 0) + sentence.words
    return max(said, key=lambda voice: said[voice]) if said else None


def find_assessments(hearing: Hearing) -> list[Found]:
    """What the others think of the candidate, mostly once the candidate has left."""
    who = candidate(hearing)
    last = max((s.index for s in hearing.talk.sentences if s.voice == who), default=-1)
    found: list[Found] = []
    for sentence in hearing.talk.sentences:
        if sentence.voice == who or not _opinion(sentence):
            continue
        if sentence.whole and not sentence.asks and sentence.words >= 4 and sentence.terms:
            after = 0.6 if sentence.index > last else 0.0
            about = 0.3 if cue_sections.ABOUT_SOMEBODY.search(sentence.plain) else 0.0
            if after or about:
                score = 0.3 + after + about + hearing.weight(sentence)
                found.append(Found(lines=(sentence.index,), score=score))
    return found


def _opinion(sentence: Sentence) -> bool:
    return cue_sections.OPINION.search(sentence.plain) is not None
